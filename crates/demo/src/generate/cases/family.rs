//! Children, mothers and newborns.

use super::story::*;
use crate::generate::model::Sex::{Female, Male};
use crate::generate::model::Stage::*;
use crate::generate::model::Urgency::*;
use crate::generate::phantom::Phantom;

pub const STORIES: &[Story] = &[
    Story {
        key: "rozi-baby",
        name: ("روزى", "ئاينۇرنىڭ بالىسى", "Rozi", "Baby of Aynur"),
        sex: Female,
        age: (0, 2),
        speaks: "ug",
        account: false,
        record: Record {
            illnesses: &[("duct-dependent", 0)],
            values: &[
                ("spo2", &[(1, 92.0), (0, 78.0)]),
                ("pulse", &[(1, 138.0), (0, 168.0)]),
                ("breathing", &[(1, 48.0), (0, 72.0)]),
                ("lactate", &[(0, 4.1)]),
                ("glucose", &[(0, 3.4)]),
                ("weight", &[(1, 3.1), (0, 3.0)]),
            ],
            reports: &[chest_xray(
                0,
                "Heart of normal size, vessels of the lung sparse. No consolidation.",
            )],
            ..EMPTY
        },
        case: Case {
            from: "aqtash",
            to: "qumtagh",
            service: "neonatology",
            urgency: Emergency,
            stage: MoreInformation,
            minutes_ago: 19,
            language: "en",
            question: "Newborn of 50 hours, blue, saturation 78 %: start prostaglandin before transport?",
            story: "Born at term, 3.1 kg, well on the first day. Since this morning blue, breathing fast, little effort. Saturation 78 % in the foot, no better in 100 % oxygen. Soft murmur, femoral pulses felt. Alprostadil is in the pharmacy.",
            referrer: "hexuemei",
            consultant: None,
            messages: &[coordinator(
                "Saturation on the right hand, please, beside the one on the foot. Dr Luo is being rung now.",
            )],
            opinion: None,
            reason: None,
            action: None,
            outcome: None,
        },
    },
    Story {
        key: "sadiq-nurmuhemmet",
        name: ("سادىق", "نۇرمۇھەممەت", "Sadiq", "Nurmuhemmet"),
        sex: Male,
        age: (8, 64),
        speaks: "ug",
        account: false,
        record: Record {
            illnesses: &[("neurofibromatosis", 20), ("epilepsy", 45)],
            medicines: &[("levetiracetam", 20)],
            values: &[
                ("hb", &[(20, 126.0)]),
                ("sodium", &[(20, 139.0)]),
                ("calcium", &[(20, 2.31)]),
                ("weight", &[(300, 23.5), (20, 25.1)]),
                ("height", &[(300, 121.0), (20, 125.0)]),
            ],
            reports: &[head_ct(
                44,
                "No mass, no bleeding. Ventricles of normal width.",
            )],
            pictures: &[(
                Phantom::SkinLesion,
                "skin.png",
                "Flat brown mark on the trunk, one of nine",
                20,
            )],
            ..EMPTY
        },
        case: Case {
            from: "aqtash",
            to: "northmere",
            service: "paediatrics",
            urgency: Soon,
            stage: Read,
            minutes_ago: 4 * DAY,
            language: "en",
            question: "Café-au-lait spots and two seizures: which tests decide, and is levetiracetam right?",
            story: "Boy of 8, nine café-au-lait spots above 5 mm, freckling in both armpits. Two seizures with fever, one without. Normal development, top of his class in arithmetic. Mother has similar spots. No MRI at Aqtash; Qumtagh has one.",
            referrer: "hexuemei",
            consultant: Some("garside"),
            messages: &[
                consultant(
                    "Has anybody looked at his eyes with a slit lamp? And please measure blood pressure on the right arm.",
                ),
                referrer(
                    "Slit lamp: brown nodules on both irises, as the ophthalmologist describes them. Pressure 98/60.",
                ),
            ],
            opinion: opinion(
                "Nine café-au-lait macules above 5 mm, axillary freckling, Lisch nodules reported. Two febrile seizures and one without fever, normal development, CT without mass.",
                "Meets the clinical criteria for neurofibromatosis type 1: no genetic test is needed for the diagnosis. The afebrile seizure needs MRI, as it can be the first sign of a glioma or of malformed cortex.",
                "1. MRI of brain and orbits with contrast at Qumtagh within a month, and an EEG on the same visit.\n2. Levetiracetam is a good choice: 20 mg/kg a day in two doses, for two years without seizures.\n3. Eye examination each year until 10, then every two years; blood pressure at each visit.\n4. Examine the mother; offer the family a talk about inheritance.",
            ),
            reason: None,
            action: None,
            outcome: None,
        },
    },
    Story {
        key: "ehmet-zulpiye",
        name: ("ئەخمەت", "زۇلپىيە", "Ehmet", "Zulpiye"),
        sex: Female,
        age: (27, 130),
        speaks: "ug",
        account: false,
        record: Record {
            illnesses: &[("pre-eclampsia", 0), ("pregnancy", 220)],
            medicines: &[("magnesium", 0), ("iron", 120)],
            values: &[
                ("plt", &[(30, 182.0), (2, 121.0), (0, 88.0)]),
                ("alt", &[(30, 18.0), (2, 64.0), (0, 142.0)]),
                ("creatinine", &[(30, 54.0), (0, 92.0)]),
                ("urine-protein", &[(2, 3200.0)]),
                ("hb", &[(30, 108.0), (0, 112.0)]),
                ("urate", &[(0, 462.0)]),
            ],
            pressures: &[(30, 128.0, 82.0), (2, 152.0, 98.0), (0, 174.0, 112.0)],
            reports: &[ultrasound(
                2,
                "Single fetus at 31 weeks, estimated 1,480 g, umbilical flow raised but with diastolic flow. Placenta at the front.",
            )],
            ..EMPTY
        },
        case: Case {
            from: "yarqum",
            to: "qumtagh",
            service: "obstetrics",
            urgency: Emergency,
            stage: Acted,
            minutes_ago: 26 * HOUR,
            language: "en",
            question: "Severe pre-eclampsia at 31 weeks, platelets falling: deliver here or transfer?",
            story: "Woman of 27, first pregnancy, 31 weeks. Pressure 174/112 after two doses of labetalol, headache, pain under the ribs. Platelets 88, ALT 142, both doubled in two days. Magnesium running. Theatre and blood are available; our nursery takes babies from 34 weeks.",
            referrer: "reyhan",
            consultant: Some("songhui"),
            messages: &[
                consultant("Is the cervix favourable? When was the first dose of dexamethasone?"),
                referrer("Closed. First dose at 06:10 today."),
            ],
            opinion: opinion(
                "HELLP syndrome developing (platelets 121 to 88, ALT 64 to 142) with severe hypertension at 31 weeks, fetus estimated 1,480 g, first steroid dose given.",
                "Delivery is indicated and cannot wait for the full steroid course beyond 24 hours. Mother is fit for transport now if the pressure is controlled; the baby needs a neonatal unit.",
                "1. Bring the pressure below 160/105 (labetalol, then nicardipine by pump) before the ambulance leaves.\n2. Transfer now with magnesium running, left side, a doctor and the delivery set on board. Our team meets you half-way at Toghraq.\n3. Platelets two hours before arrival; if below 50, two units are ready here.\n4. Caesarean on arrival, neonatal team informed.",
            ),
            reason: None,
            action: Some(
                "Pressure 152/96 after nicardipine, left at 11:40 with magnesium. Met the Qumtagh team at Toghraq at 13:05.",
            ),
            outcome: None,
        },
    },
    Story {
        key: "wang-zixuan",
        name: ("王", "子轩", "Wang", "Zixuan"),
        sex: Male,
        age: (5, 190),
        speaks: "zh-CN",
        account: false,
        record: Record {
            illnesses: &[("leukaemia", 1)],
            values: &[
                ("hb", &[(1, 68.0)]),
                ("wbc", &[(1, 46.2)]),
                ("plt", &[(1, 22.0)]),
                ("urate", &[(1, 520.0)]),
                ("potassium", &[(1, 4.9)]),
                ("temperature", &[(1, 38.6)]),
                ("weight", &[(1, 18.2)]),
            ],
            reports: &[pathology(
                1,
                "外周血涂片：原始及幼稚淋巴细胞约72 %，胞体大小不一，核仁可见。",
            )],
            pictures: &[(Phantom::Cells, "blood-smear.png", "外周血涂片", 1)],
            ..EMPTY
        },
        case: Case {
            from: "aqtash",
            to: "qumtagh",
            service: "haematology",
            urgency: Urgent,
            stage: Accepted,
            minutes_ago: 95,
            language: "zh-CN",
            question: "5岁男孩外周血见72 %幼稚淋巴细胞，转院前应做哪些处理？",
            story: "5岁男孩，面色苍白2周，发热3天，双下肢瘀斑，颈部及腋下淋巴结肿大，脾肋下4 cm。血红蛋白68 g/L，血小板22，白细胞46.2。尿酸升高。已开放静脉通路。家长同意转院。",
            referrer: "hexuemei",
            consultant: None,
            messages: &[referrer(
                "家长可于今日下午随车出发，车程4小时。请告知途中输液方案。",
            )],
            opinion: None,
            reason: None,
            action: None,
            outcome: None,
        },
    },
    Story {
        key: "kerim-perizat",
        name: ("كېرىم", "پەرىزات", "Kerim", "Perizat"),
        sex: Female,
        age: (1, 150),
        speaks: "ug",
        account: false,
        record: Record {
            illnesses: &[("rickets", 60), ("malnutrition", 60)],
            medicines: &[("vitamin-d", 58)],
            values: &[
                ("calcium", &[(60, 1.92), (28, 2.14), (3, 2.3)]),
                ("hb", &[(60, 92.0), (3, 108.0)]),
                ("weight", &[(60, 7.4), (28, 8.0), (3, 8.6)]),
                ("height", &[(60, 71.0), (3, 73.0)]),
            ],
            reports: &[imaging(
                60,
                "X-ray of the wrist: metaphyses cupped and frayed, growth plates widened.",
            )],
            ..EMPTY
        },
        case: Case {
            from: "toghraq",
            to: "qumtagh",
            service: "paediatrics",
            urgency: Routine,
            stage: Closed,
            minutes_ago: 58 * DAY,
            language: "en",
            question: "Rickets in a girl of 16 months: dose of vitamin D, and what else should we look for?",
            story: "Girl of 16 months, breast-fed with little other food, indoors through the winter. Cannot stand, wide wrists, beading of the ribs. Calcium 1.92 mmol/L, no spasms. Weight 7.4 kg.",
            referrer: "erkin",
            consultant: Some("luojing"),
            messages: &[consultant(
                "Phosphate and alkaline phosphatase, if you can send them with the Thursday courier.",
            )],
            opinion: opinion(
                "Active nutritional rickets with low calcium, moderate wasting, anaemia.",
                "Lack of vitamin D and calcium explains everything. A renal or inherited cause need only be sought if the X-ray has not improved after three months.",
                "1. Colecalciferol 3,000 IU a day for 12 weeks, then 400 IU; with calcium 500 mg a day by mouth for the whole course.\n2. Calcium after 1 and 4 weeks; she can have spasms as the bones take it up.\n3. Iron 3 mg/kg a day, and feeding advice: egg, yoghurt, two extra meals.\n4. X-ray of the wrist after 12 weeks. No visit to Qumtagh is needed.",
            ),
            reason: None,
            action: Some(
                "Treatment begun the same day; the village nurse visits weekly and watches the first week's doses.",
            ),
            outcome: Some(
                "Calcium 2.30, weight 8.6 kg, she pulls herself up to stand. X-ray is due in four weeks. No hospital visit was needed.",
            ),
        },
    },
    Story {
        key: "chen-yulan",
        name: ("陈", "玉兰", "Chen", "Yulan"),
        sex: Female,
        age: (52, 88),
        speaks: "zh-CN",
        account: true,
        record: Record {
            illnesses: &[("cin3", 9), ("hypertension", 1800)],
            medicines: &[("amlodipine", 1700)],
            values: &[
                ("hb", &[(9, 118.0)]),
                ("plt", &[(9, 226.0)]),
                ("ca125", &[(9, 14.0)]),
            ],
            pressures: &[(9, 138.0, 84.0)],
            reports: &[pathology(
                9,
                "宫颈活检（3、6、9点）：高级别鳞状上皮内病变（CIN 3），6点处累及腺体，未见浸润。颈管搔刮：少许异型鳞状上皮。",
            )],
            pictures: &[(Phantom::Cells, "biopsy.png", "宫颈活检切片", 9)],
            ..EMPTY
        },
        case: Case {
            from: "yarqum",
            to: "qumtagh",
            service: "gynaecology",
            urgency: Soon,
            stage: Read,
            minutes_ago: 18 * HOUR,
            language: "zh-CN",
            question: "CIN 3，颈管搔刮阳性：可否在我院做LEEP，还是应转库木塔格行冷刀锥切？",
            story: "52岁女性，已绝经2年。HPV 16阳性，TCT提示HSIL，阴道镜检查不充分（转化区3型）。活检CIN 3，颈管搔刮见异型上皮。我院可做LEEP，无术中冰冻病理。",
            referrer: "reyhan",
            consultant: Some("songhui"),
            messages: &[],
            opinion: opinion(
                "绝经后女性，HPV 16阳性，CIN 3累及腺体，颈管搔刮阳性，转化区3型，阴道镜不充分。",
                "颈管内病变上界不明，不能排除早期浸润。LEEP切缘受热损伤，可能影响浸润深度判断，应行冷刀锥切。",
                "1. 转库木塔格行冷刀锥切，长度不少于20 mm，术中冰冻。\n2. 术前一次就诊完成：盆腔MRI、心电图、血常规、凝血。预约下周三。\n3. 降压药照常服用，不停。\n4. 若切缘阴性，6个月后HPV与细胞学联合检查，可在亚尔库姆完成。",
            ),
            reason: None,
            action: None,
            outcome: None,
        },
    },
];
