//! The codes the generated records use: LOINC, ICD-10, SNOMED CT, ATC and CVX, with their words in English and
//! Chinese.

/// What a laboratory or a monitor measures.
pub struct Analyte {
    pub key: &'static str,
    pub loinc: &'static str,
    pub en: &'static str,
    pub zh: &'static str,
    /// UCUM.
    pub unit: &'static str,
    /// Reference range in `unit`; an end that is 0 is open.
    pub low: f64,
    pub high: f64,
    pub decimals: usize,
    /// The conventional unit some analysers report: LOINC, UCUM, factor from `unit`, decimals.
    pub conventional: Option<(&'static str, &'static str, f64, usize)>,
}

const fn lab(
    key: &'static str,
    loinc: &'static str,
    en: &'static str,
    zh: &'static str,
    unit: &'static str,
    range: (f64, f64),
    decimals: usize,
) -> Analyte {
    Analyte {
        key,
        loinc,
        en,
        zh,
        unit,
        low: range.0,
        high: range.1,
        decimals,
        conventional: None,
    }
}

const fn also(
    mut analyte: Analyte,
    loinc: &'static str,
    unit: &'static str,
    factor: f64,
    decimals: usize,
) -> Analyte {
    analyte.conventional = Some((loinc, unit, factor, decimals));
    analyte
}

#[rustfmt::skip]
pub const ANALYTES: &[Analyte] = &[
    lab("hb", "718-7", "Haemoglobin", "血红蛋白", "g/L", (115.0, 160.0), 0),
    lab("wbc", "6690-2", "White cells", "白细胞", "10*9/L", (3.5, 9.5), 1),
    lab("neut", "751-8", "Neutrophils", "中性粒细胞", "10*9/L", (1.8, 6.3), 1),
    lab("eos", "711-2", "Eosinophils", "嗜酸性粒细胞", "10*9/L", (0.02, 0.52), 2),
    lab("plt", "777-3", "Platelets", "血小板", "10*9/L", (125.0, 350.0), 0),
    lab("mcv", "787-2", "Mean cell volume", "平均红细胞体积", "fL", (82.0, 100.0), 0),
    lab("esr", "4537-7", "Erythrocyte sedimentation rate", "红细胞沉降率", "mm/h", (0.0, 20.0), 0),
    lab("crp", "1988-5", "C-reactive protein", "C反应蛋白", "mg/L", (0.0, 10.0), 1),
    lab("pct", "33959-8", "Procalcitonin", "降钙素原", "ng/mL", (0.0, 0.05), 2),
    also(lab("glucose", "14771-0", "Fasting glucose", "空腹血糖", "mmol/L", (3.9, 6.1), 1), "1558-6", "mg/dL", 18.016, 0),
    lab("hba1c", "4548-4", "Haemoglobin A1c", "糖化血红蛋白", "%", (4.0, 6.0), 1),
    also(lab("creatinine", "14682-9", "Creatinine", "肌酐", "umol/L", (41.0, 97.0), 0), "2160-0", "mg/dL", 1.0 / 88.4, 2),
    also(lab("urea", "22664-7", "Urea", "尿素", "mmol/L", (2.6, 8.0), 1), "3094-0", "mg/dL", 2.801, 0),
    lab("egfr", "62238-1", "eGFR (CKD-EPI)", "估算肾小球滤过率", "mL/min/{1.73_m2}", (90.0, 0.0), 0),
    lab("potassium", "2823-3", "Potassium", "钾", "mmol/L", (3.5, 5.3), 1),
    lab("sodium", "2951-2", "Sodium", "钠", "mmol/L", (137.0, 147.0), 0),
    also(lab("calcium", "2000-8", "Calcium", "钙", "mmol/L", (2.11, 2.52), 2), "17861-6", "mg/dL", 4.008, 1),
    lab("alt", "1742-6", "Alanine aminotransferase", "丙氨酸氨基转移酶", "U/L", (7.0, 40.0), 0),
    lab("ast", "1920-8", "Aspartate aminotransferase", "天门冬氨酸氨基转移酶", "U/L", (13.0, 35.0), 0),
    also(lab("bilirubin", "14631-6", "Bilirubin, total", "总胆红素", "umol/L", (3.4, 21.0), 1), "1975-2", "mg/dL", 1.0 / 17.1, 1),
    lab("albumin", "1751-7", "Albumin", "白蛋白", "g/L", (40.0, 55.0), 0),
    also(lab("cholesterol", "14647-2", "Cholesterol", "总胆固醇", "mmol/L", (0.0, 5.2), 2), "2093-3", "mg/dL", 38.67, 0),
    also(lab("ldl", "22748-8", "LDL cholesterol", "低密度脂蛋白胆固醇", "mmol/L", (0.0, 3.4), 2), "13457-7", "mg/dL", 38.67, 0),
    lab("triglyceride", "14927-8", "Triglycerides", "甘油三酯", "mmol/L", (0.0, 1.7), 2),
    lab("tsh", "3016-3", "Thyrotropin", "促甲状腺激素", "m[IU]/L", (0.27, 4.2), 2),
    lab("ft4", "14920-3", "Thyroxine, free", "游离甲状腺素", "pmol/L", (12.0, 22.0), 1),
    lab("troponin", "89579-7", "Troponin I, high sensitivity", "高敏肌钙蛋白I", "ng/L", (0.0, 26.0), 0),
    lab("bnp", "33762-6", "NT-proBNP", "N末端B型钠尿肽原", "pg/mL", (0.0, 125.0), 0),
    lab("ferritin", "2276-4", "Ferritin", "铁蛋白", "ng/mL", (13.0, 150.0), 0),
    lab("inr", "6301-6", "INR", "国际标准化比值", "{INR}", (0.8, 1.2), 1),
    lab("d-dimer", "48065-7", "D-dimer", "D-二聚体", "ng/mL{FEU}", (0.0, 500.0), 0),
    lab("cea", "2039-6", "Carcinoembryonic antigen", "癌胚抗原", "ug/L", (0.0, 5.0), 1),
    lab("afp", "1834-1", "Alpha-fetoprotein", "甲胎蛋白", "ug/L", (0.0, 7.0), 1),
    lab("ca125", "10334-1", "CA 125", "糖类抗原125", "k[IU]/L", (0.0, 35.0), 0),
    lab("hbv-dna", "29615-2", "Hepatitis B virus DNA", "乙肝病毒DNA", "[IU]/mL", (0.0, 20.0), 0),
    also(lab("urate", "14933-6", "Urate", "尿酸", "umol/L", (155.0, 357.0), 0), "3084-1", "mg/dL", 1.0 / 59.48, 1),
    lab("lactate", "2524-7", "Lactate", "乳酸", "mmol/L", (0.5, 2.2), 1),
    lab("urine-protein", "2889-4", "Protein, 24 h urine", "24小时尿蛋白", "mg/(24.h)", (0.0, 150.0), 0),
    lab("c3", "4485-9", "Complement C3", "补体C3", "g/L", (0.79, 1.52), 2),
    lab("ck", "2157-6", "Creatine kinase", "肌酸激酶", "U/L", (40.0, 200.0), 0),
    lab("lipase", "3040-3", "Lipase", "脂肪酶", "U/L", (0.0, 60.0), 0),
    lab("ph", "2744-1", "Arterial pH", "动脉血pH", "[pH]", (7.35, 7.45), 2),
    lab("hcg", "21198-7", "hCG beta", "β-人绒毛膜促性腺激素", "[IU]/L", (0.0, 5.0), 0),
    lab("fev1", "20150-9", "FEV1, % of predicted", "第一秒用力呼气量占预计值", "%", (80.0, 0.0), 0),
    lab("phq9", "44261-6", "PHQ-9 score", "PHQ-9评分", "{score}", (0.0, 4.0), 0),
    lab("pulse", "8867-4", "Heart rate", "心率", "/min", (60.0, 100.0), 0),
    lab("breathing", "9279-1", "Respiratory rate", "呼吸频率", "/min", (12.0, 20.0), 0),
    lab("temperature", "8310-5", "Body temperature", "体温", "Cel", (36.0, 37.2), 1),
    lab("spo2", "59408-5", "Oxygen saturation", "血氧饱和度", "%", (95.0, 0.0), 0),
    lab("weight", "29463-7", "Body weight", "体重", "kg", (0.0, 0.0), 1),
    lab("height", "8302-2", "Body height", "身高", "cm", (0.0, 0.0), 0),
    lab("systolic", "8480-6", "Systolic blood pressure", "收缩压", "mm[Hg]", (90.0, 140.0), 0),
    lab("diastolic", "8462-4", "Diastolic blood pressure", "舒张压", "mm[Hg]", (60.0, 90.0), 0),
];

/// Measured at the bedside rather than in a laboratory.
pub const VITALS: &[&str] = &[
    "pulse",
    "breathing",
    "temperature",
    "spo2",
    "weight",
    "height",
    "systolic",
    "diastolic",
];

/// Looks an analyte up by its key.
pub fn analyte(key: &str) -> Option<&'static Analyte> {
    ANALYTES.iter().find(|a| a.key == key)
}

/// An illness.
pub struct Illness {
    pub key: &'static str,
    pub icd10: &'static str,
    /// SNOMED CT, where it is known to be the same.
    pub snomed: &'static str,
    pub en: &'static str,
    pub zh: &'static str,
    /// v3-ActCode sensitivity label (`PSY`, `SEX`, `ETH`), or empty.
    pub label: &'static str,
}

const fn ill(
    key: &'static str,
    icd10: &'static str,
    snomed: &'static str,
    en: &'static str,
    zh: &'static str,
) -> Illness {
    Illness {
        key,
        icd10,
        snomed,
        en,
        zh,
        label: "",
    }
}

#[rustfmt::skip]
pub const ILLNESSES: &[Illness] = &[
    ill("hypertension", "I10", "38341003", "Hypertension", "高血压"),
    ill("resistant-hypertension", "I10", "", "Hypertension, resistant to treatment", "难治性高血压"),
    ill("diabetes", "E11.9", "44054006", "Type 2 diabetes mellitus", "2型糖尿病"),
    ill("diabetic-foot", "E11.5", "", "Diabetic foot ulcer", "糖尿病足溃疡"),
    ill("copd", "J44.9", "13645005", "Chronic obstructive pulmonary disease", "慢性阻塞性肺疾病"),
    ill("asthma", "J45.9", "195967001", "Asthma", "支气管哮喘"),
    ill("tb", "A15.0", "154283005", "Pulmonary tuberculosis", "肺结核"),
    ill("tb-history", "Z86.1", "", "Pulmonary tuberculosis, treated", "陈旧性肺结核（已治疗）"),
    ill("hepatitis-b", "B18.1", "61977001", "Chronic hepatitis B", "慢性乙型肝炎"),
    ill("cirrhosis", "K74.6", "19943007", "Cirrhosis of the liver", "肝硬化"),
    ill("hydatid", "B67.0", "", "Hydatid cyst of the liver", "肝囊型包虫病"),
    ill("brucellosis", "A23.9", "75702008", "Brucellosis", "布鲁氏菌病"),
    ill("ckd", "N18.3", "709044004", "Chronic kidney disease", "慢性肾脏病"),
    ill("anaemia", "D50.9", "87522002", "Iron-deficiency anaemia", "缺铁性贫血"),
    ill("hypothyroidism", "E03.9", "40930008", "Hypothyroidism", "甲状腺功能减退症"),
    ill("ischaemia", "I25.1", "414545008", "Ischaemic heart disease", "缺血性心脏病"),
    ill("acs", "I21.4", "", "Non-ST-elevation myocardial infarction", "急性非ST段抬高型心肌梗死"),
    ill("mitral", "I05.0", "79619009", "Rheumatic mitral stenosis", "风湿性二尖瓣狭窄"),
    ill("fibrillation", "I48.9", "49436004", "Atrial fibrillation", "心房颤动"),
    ill("heart-failure", "I50.9", "84114007", "Heart failure", "心力衰竭"),
    ill("stroke", "I63.9", "", "Cerebral infarction", "脑梗死"),
    ill("gout", "M10.9", "90560007", "Gout", "痛风"),
    ill("osteoarthritis", "M17.9", "", "Osteoarthritis of the knee", "膝骨关节炎"),
    ill("gallstones", "K80.2", "", "Gallstones", "胆囊结石"),
    ill("gastritis", "K29.5", "", "Chronic gastritis", "慢性胃炎"),
    ill("nodule", "R91", "", "Pulmonary nodule, right upper lobe", "右肺上叶结节"),
    ill("pneumonia", "J18.9", "233604007", "Pneumonia", "肺炎"),
    ill("lupus", "M32.9", "55464009", "Systemic lupus erythematosus", "系统性红斑狼疮"),
    ill("psoriasis", "L40.0", "9014002", "Psoriasis", "寻常型银屑病"),
    ill("epilepsy", "G40.9", "84757009", "Epilepsy", "癫痫"),
    ill("neurofibromatosis", "Q85.0", "", "Neurofibromatosis type 1, suspected", "神经纤维瘤病1型（疑诊）"),
    ill("thyroid-nodule", "E04.1", "", "Thyroid nodule", "甲状腺结节"),
    ill("cin3", "D06.9", "", "Cervical intraepithelial neoplasia 3", "宫颈上皮内瘤变3级"),
    ill("pre-eclampsia", "O14.1", "", "Severe pre-eclampsia", "重度子痫前期"),
    ill("duct-dependent", "Q24.9", "", "Congenital heart disease, duct-dependent suspected", "先天性心脏病（疑动脉导管依赖型）"),
    ill("burn", "T20.2", "", "Burn, second degree", "Ⅱ度烧伤"),
    ill("fever-travel", "R50.9", "", "Fever after travel, thrombocytopenia", "旅行后发热伴血小板减少"),
    ill("jaundice", "R17", "", "Obstructive jaundice", "梗阻性黄疸"),
    ill("pancreatitis", "K85.9", "", "Acute pancreatitis", "急性胰腺炎"),
    ill("myeloma", "C90.0", "", "Multiple myeloma, suspected", "多发性骨髓瘤（疑诊）"),
    ill("leukaemia", "C91.0", "", "Acute lymphoblastic leukaemia, suspected", "急性淋巴细胞白血病（疑诊）"),
    ill("glaucoma", "H40.2", "", "Angle-closure glaucoma, suspected", "闭角型青光眼（疑诊）"),
    ill("retinopathy", "H36.0", "", "Diabetic retinopathy", "糖尿病视网膜病变"),
    ill("keratitis", "H16.0", "", "Corneal ulcer", "角膜溃疡"),
    ill("fracture", "S82.1", "", "Fracture of the tibial plateau", "胫骨平台骨折"),
    ill("subdural", "I62.0", "", "Chronic subdural haematoma", "慢性硬膜下血肿"),
    ill("prostate", "N40", "", "Prostatic hyperplasia", "前列腺增生"),
    ill("kidney-stone", "N20.0", "", "Kidney stone", "肾结石"),
    ill("rickets", "E55.0", "", "Rickets, active", "活动性佝偻病"),
    ill("malnutrition", "E44.0", "", "Moderate malnutrition", "中度营养不良"),
    ill("osteomyelitis", "M46.2", "", "Spondylodiscitis", "椎间盘炎"),
    ill("pregnancy", "Z34.9", "", "Pregnancy, supervision", "孕期保健"),
    Illness { key: "depression", icd10: "F32.1", snomed: "", en: "Depressive episode", zh: "抑郁发作", label: "PSY", },
    Illness { key: "alcohol", icd10: "F10.2", snomed: "", en: "Alcohol dependence", zh: "酒精依赖", label: "ETH", },
    Illness { key: "syphilis", icd10: "A53.0", snomed: "", en: "Latent syphilis, treated", zh: "隐性梅毒（已治疗）", label: "STD", },
];

/// Looks an illness up by its key.
pub fn illness(key: &str) -> Option<&'static Illness> {
    ILLNESSES.iter().find(|i| i.key == key)
}

/// A medicine: ATC code, words, and how it is usually written.
pub struct Drug {
    pub key: &'static str,
    pub atc: &'static str,
    pub en: &'static str,
    pub zh: &'static str,
    pub dose_en: &'static str,
    pub dose_zh: &'static str,
}

const fn drug(
    key: &'static str,
    atc: &'static str,
    en: &'static str,
    zh: &'static str,
    dose_en: &'static str,
    dose_zh: &'static str,
) -> Drug {
    Drug {
        key,
        atc,
        en,
        zh,
        dose_en,
        dose_zh,
    }
}

#[rustfmt::skip]
pub const DRUGS: &[Drug] = &[
    drug("metformin", "A10BA02", "Metformin 500 mg", "二甲双胍 500 mg", "1 tablet three times a day with meals", "每次1片，每日3次，餐中服"),
    drug("gliclazide", "A10BB09", "Gliclazide MR 30 mg", "格列齐特缓释片 30 mg", "2 tablets in the morning", "每次2片，每日早晨1次"),
    drug("glargine", "A10AE04", "Insulin glargine 100 U/mL", "甘精胰岛素 100 U/mL", "16 units at bedtime", "16单位，睡前皮下注射"),
    drug("amlodipine", "C08CA01", "Amlodipine 5 mg", "氨氯地平 5 mg", "1 tablet in the morning", "每次1片，每日早晨1次"),
    drug("enalapril", "C09AA02", "Enalapril 10 mg", "依那普利 10 mg", "1 tablet twice a day", "每次1片，每日2次"),
    drug("losartan", "C09CA01", "Losartan 100 mg", "氯沙坦 100 mg", "1 tablet in the morning", "每次1片，每日早晨1次"),
    drug("hydrochlorothiazide", "C03AA03", "Hydrochlorothiazide 25 mg", "氢氯噻嗪 25 mg", "1 tablet in the morning", "每次1片，每日早晨1次"),
    drug("bisoprolol", "C07AB07", "Bisoprolol 5 mg", "比索洛尔 5 mg", "1 tablet in the morning", "每次1片，每日早晨1次"),
    drug("furosemide", "C03CA01", "Furosemide 20 mg", "呋塞米 20 mg", "1 tablet in the morning", "每次1片，每日早晨1次"),
    drug("spironolactone", "C03DA01", "Spironolactone 20 mg", "螺内酯 20 mg", "1 tablet in the morning", "每次1片，每日早晨1次"),
    drug("digoxin", "C01AA05", "Digoxin 0.125 mg", "地高辛 0.125 mg", "1 tablet in the morning", "每次1片，每日早晨1次"),
    drug("aspirin", "B01AC06", "Aspirin 100 mg", "阿司匹林 100 mg", "1 tablet in the morning", "每次1片，每日早晨1次"),
    drug("clopidogrel", "B01AC04", "Clopidogrel 75 mg", "氯吡格雷 75 mg", "1 tablet in the morning", "每次1片，每日早晨1次"),
    drug("warfarin", "B01AA03", "Warfarin 3 mg", "华法林 3 mg", "1 tablet at night, by INR", "每晚1片，按INR调整"),
    drug("atorvastatin", "C10AA05", "Atorvastatin 20 mg", "阿托伐他汀 20 mg", "1 tablet at night", "每晚1片"),
    drug("levothyroxine", "H03AA01", "Levothyroxine 50 ug", "左甲状腺素 50 μg", "1 tablet before breakfast", "每日早餐前1片"),
    drug("salbutamol", "R03AC02", "Salbutamol 100 ug inhaler", "沙丁胺醇气雾剂 100 μg", "2 puffs when short of breath", "气喘时吸入2喷"),
    drug("budesonide", "R03AK07", "Budesonide and formoterol 160/4.5 ug", "布地奈德福莫特罗 160/4.5 μg", "2 inhalations twice a day", "每次2吸，每日2次"),
    drug("tiotropium", "R03BB04", "Tiotropium 18 ug", "噻托溴铵 18 μg", "1 inhalation a day", "每日1吸"),
    drug("hrze", "J04AM06", "Isoniazid, rifampicin, pyrazinamide, ethambutol", "异烟肼利福平吡嗪酰胺乙胺丁醇片", "4 tablets before breakfast, observed", "每日早餐前4片，督导服药"),
    drug("hr", "J04AM02", "Isoniazid and rifampicin", "异烟肼利福平胶囊", "2 capsules before breakfast, observed", "每日早餐前2粒，督导服药"),
    drug("albendazole", "P02CA03", "Albendazole 400 mg", "阿苯达唑 400 mg", "1 tablet twice a day with fat", "每次1片，每日2次，随脂餐服"),
    drug("entecavir", "J05AF10", "Entecavir 0.5 mg", "恩替卡韦 0.5 mg", "1 tablet at night, fasting", "每晚空腹1片"),
    drug("doxycycline", "J01AA02", "Doxycycline 100 mg", "多西环素 100 mg", "1 capsule twice a day", "每次1粒，每日2次"),
    drug("rifampicin", "J04AB02", "Rifampicin 600 mg", "利福平 600 mg", "once a day before breakfast", "每日早餐前1次"),
    drug("ceftriaxone", "J01DD04", "Ceftriaxone 2 g", "头孢曲松 2 g", "intravenously once a day", "静脉滴注，每日1次"),
    drug("iron", "B03AA07", "Ferrous sulfate 300 mg", "硫酸亚铁 300 mg", "1 tablet a day", "每日1片"),
    drug("allopurinol", "M04AA01", "Allopurinol 100 mg", "别嘌醇 100 mg", "1 tablet a day", "每日1片"),
    drug("colchicine", "M04AC01", "Colchicine 0.5 mg", "秋水仙碱 0.5 mg", "1 tablet twice a day in an attack", "发作时每次1片，每日2次"),
    drug("omeprazole", "A02BC01", "Omeprazole 20 mg", "奥美拉唑 20 mg", "1 capsule before breakfast", "每日早餐前1粒"),
    drug("paracetamol", "N02BE01", "Paracetamol 500 mg", "对乙酰氨基酚 500 mg", "1 tablet when in pain, at most 4 a day", "疼痛时1片，每日不超过4片"),
    drug("prednisolone", "H02AB06", "Prednisolone 5 mg", "泼尼松龙 5 mg", "1 tablet in the morning", "每日早晨1片"),
    drug("hydroxychloroquine", "P01BA02", "Hydroxychloroquine 200 mg", "羟氯喹 200 mg", "1 tablet twice a day", "每次1片，每日2次"),
    drug("methotrexate", "L04AX03", "Methotrexate 2.5 mg", "甲氨蝶呤 2.5 mg", "5 tablets once a week", "每周1次，每次5片"),
    drug("valproate", "N03AG01", "Valproate 500 mg", "丙戊酸钠 500 mg", "1 tablet twice a day", "每次1片，每日2次"),
    drug("levetiracetam", "N03AX14", "Levetiracetam 500 mg", "左乙拉西坦 500 mg", "1 tablet twice a day", "每次1片，每日2次"),
    drug("sertraline", "N06AB06", "Sertraline 50 mg", "舍曲林 50 mg", "1 tablet in the morning", "每日早晨1片"),
    drug("tamsulosin", "G04CA02", "Tamsulosin 0.2 mg", "坦索罗辛 0.2 mg", "1 capsule at night", "每晚1粒"),
    drug("vitamin-d", "A11CC05", "Colecalciferol 1000 IU/mL", "维生素D3滴剂 1000 IU/mL", "3 mL a day", "每日3 mL"),
    drug("magnesium", "B05XA05", "Magnesium sulfate", "硫酸镁", "4 g over 20 minutes, then 1 g/h", "首剂4 g静推20分钟，继以1 g/h"),
    drug("natamycin", "S01AA10", "Natamycin 5 % eye drops", "那他霉素滴眼液 5%", "1 drop every hour by day", "白天每小时1滴"),
    drug("folic-acid", "B03BB01", "Folic acid 5 mg", "叶酸 5 mg", "1 tablet a day", "每日1片"),
];

/// Looks a medicine up by its key.
pub fn medicine(key: &str) -> Option<&'static Drug> {
    DRUGS.iter().find(|d| d.key == key)
}

/// What a person must not be given: key, SNOMED CT, English, Chinese.
#[rustfmt::skip]
pub const ALLERGENS: &[(&str, &str, &str, &str)] = &[
    ("penicillin", "91936005", "Allergy to penicillin", "青霉素过敏"),
    ("sulfonamide", "91939003", "Allergy to sulfonamide", "磺胺类药物过敏"),
    ("aspirin", "293586001", "Allergy to aspirin", "阿司匹林过敏"),
    ("contrast", "", "Reaction to iodinated contrast", "碘造影剂过敏反应"),
    ("streptomycin", "", "Allergy to streptomycin", "链霉素过敏"),
];

/// Vaccines of childhood and of the old: CVX, English, Chinese, age in months when given.
#[rustfmt::skip]
pub const VACCINES: &[(&str, &str, &str, i64)] = &[
    ("19", "BCG", "卡介苗", 0),
    ("08", "Hepatitis B, paediatric", "乙肝疫苗", 0),
    ("08", "Hepatitis B, paediatric", "乙肝疫苗", 1),
    ("10", "Poliomyelitis, inactivated", "脊髓灰质炎灭活疫苗", 2),
    ("20", "Diphtheria, tetanus, acellular pertussis", "百白破疫苗", 3),
    ("20", "Diphtheria, tetanus, acellular pertussis", "百白破疫苗", 4),
    ("08", "Hepatitis B, paediatric", "乙肝疫苗", 6),
    ("03", "Measles, mumps, rubella", "麻腮风疫苗", 8),
    ("20", "Diphtheria, tetanus, acellular pertussis", "百白破疫苗", 18),
];
