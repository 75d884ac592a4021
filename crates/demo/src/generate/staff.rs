//! The people who work in the seven hospitals.

use agreements::Privilege::{Audit, CorrectRecord, Sensitive, SignAgreement, SignOpinion};
use agreements::Role::{Administrator, Clinician, Consultant, Coordinator, Operator};
use agreements::{Privilege, Role};
use jiff::civil::{Date, date};

use super::model::{Licence, Post, Staff};

const fn post(
    hospital: &'static str,
    roles: &'static [Role],
    privileges: &'static [Privilege],
) -> Post {
    Post {
        hospital,
        roles,
        privileges,
    }
}

const fn licence(
    number: &'static str,
    authority: &'static str,
    from: Date,
    until: Date,
) -> Option<Licence> {
    Some(Licence {
        number,
        authority,
        from,
        until,
    })
}

const CN: &str = "National Health Commission of China (invented)";
const KZ: &str = "Ministry of Healthcare of Kazakhstan (invented)";
const GB: &str = "General Medical Council (invented)";
const LONG: Date = date(2031, 12, 31);

/// A doctor of one hospital who refers patients.
const fn clinician(
    key: &'static str,
    names: (&'static str, &'static str),
    titles: (&'static str, &'static str),
    posts: &'static [Post],
    number: &'static str,
) -> Staff {
    Staff {
        key,
        name: names.0,
        name_native: names.1,
        title_en: titles.0,
        title_zh: titles.1,
        services: &[],
        posts,
        languages: EN_ZH,
        licence: licence(number, CN, date(2012, 7, 1), LONG),
    }
}

/// The same person with pages in Chinese.
const fn in_chinese(mut staff: Staff) -> Staff {
    staff.languages = ZH_EN;
    staff
}

/// A specialist who answers.
const fn consultant(
    key: &'static str,
    names: (&'static str, &'static str),
    titles: (&'static str, &'static str),
    services: &'static [&'static str],
    posts: &'static [Post],
    licence: Option<Licence>,
    languages: &'static [&'static str],
) -> Staff {
    Staff {
        key,
        name: names.0,
        name_native: names.1,
        title_en: titles.0,
        title_zh: titles.1,
        services,
        posts,
        languages,
        licence,
    }
}

/// Someone who treats no patients.
const fn office(
    key: &'static str,
    names: (&'static str, &'static str),
    titles: (&'static str, &'static str),
    posts: &'static [Post],
    languages: &'static [&'static str],
) -> Staff {
    Staff {
        key,
        name: names.0,
        name_native: names.1,
        title_en: titles.0,
        title_zh: titles.1,
        services: &[],
        posts,
        languages,
        licence: None,
    }
}

const ADMIN: &[Role] = &[Administrator];
const ADMIN_MAY: &[Privilege] = &[Audit, CorrectRecord, SignAgreement];
const DOCTOR: &[Role] = &[Clinician];
const EXPERT: &[Role] = &[Consultant];
const SIGNS: &[Privilege] = &[SignOpinion];
const ZH_EN: &[&str] = &["zh-CN", "en"];
const EN_ZH: &[&str] = &["en", "zh-CN"];

pub const STAFF: &[Staff] = &[
    // Remote hospitals.
    clinician(
        "tursun",
        ("Alimjan Tursun", "ئالىمجان تۇرسۇن"),
        ("Internal medicine", "内科主治医师"),
        &[post("yarqum", DOCTOR, &[Sensitive])],
        "CN-110-204811",
    ),
    in_chinese(clinician(
        "zhao",
        ("Zhao Haitao", "赵海涛"),
        ("Emergency medicine", "急诊科主治医师"),
        &[post("yarqum", DOCTOR, &[Sensitive])],
        "CN-110-204977",
    )),
    clinician(
        "reyhan",
        ("Reyhan Osman", "رەيھان ئوسمان"),
        ("Obstetrics and gynaecology", "妇产科副主任医师"),
        &[
            post("yarqum", DOCTOR, &[Sensitive]),
            post("toghraq", DOCTOR, &[]),
        ],
        "CN-110-198023",
    ),
    clinician(
        "erkin",
        ("Erkin Batur", "ئەركىن باتۇر"),
        ("General practice", "全科医师"),
        &[post("toghraq", DOCTOR, &[])],
        "CN-110-311780",
    ),
    clinician(
        "serik",
        ("Serik Omarov", "Серік Омаров"),
        ("General surgery", "普外科主治医师"),
        &[post("aqtash", DOCTOR, &[])],
        "CN-110-287114",
    ),
    in_chinese(clinician(
        "hexuemei",
        ("He Xuemei", "何雪梅"),
        ("Paediatrics", "儿科主治医师"),
        &[post("aqtash", DOCTOR, &[Sensitive])],
        "CN-110-287203",
    )),
    clinician(
        "dilshat",
        ("Dilshat Kerim", "دىلشات كېرىم"),
        ("Tuberculosis", "结核病科主治医师"),
        &[post("yarqum-tb", DOCTOR, &[])],
        "CN-110-256640",
    ),
    // The centre.
    office(
        "gulnar",
        ("Gulnar Ehmet", "گۈلنار ئەخمەت"),
        ("Triage coordinator", "会诊协调员"),
        &[post("qumtagh", &[Coordinator], &[])],
        &["en", "zh-CN", "ug"],
    ),
    office(
        "marui",
        ("Ma Rui", "马睿"),
        ("Triage coordinator, nights", "夜班会诊协调员"),
        &[post("qumtagh", &[Coordinator], &[])],
        ZH_EN,
    ),
    consultant(
        "liwenqing",
        ("Li Wenqing", "李文清"),
        ("Thoracic surgeon, director", "胸外科主任医师、院长"),
        &["thoracic-surgery", "respiratory-medicine", "radiology"],
        &[post("qumtagh", EXPERT, &[SignOpinion, SignAgreement])],
        licence("CN-110-100021", CN, date(1996, 9, 1), LONG),
        ZH_EN,
    ),
    consultant(
        "tianyu",
        ("Tian Yu", "田宇"),
        ("Radiologist", "放射科副主任医师"),
        &["radiology"],
        &[post("qumtagh", EXPERT, SIGNS)],
        licence("CN-110-118230", CN, date(2005, 9, 1), LONG),
        ZH_EN,
    ),
    consultant(
        "sunmin",
        ("Sun Min", "孙敏"),
        ("Cardiologist", "心血管内科主任医师"),
        &["cardiology", "vascular-surgery"],
        &[post("qumtagh", EXPERT, SIGNS)],
        licence("CN-110-120455", CN, date(2003, 9, 1), LONG),
        ZH_EN,
    ),
    consultant(
        "shohret",
        ("Shöhret Imin", "شۆھرەت ئىمىن"),
        ("Neurologist, stroke unit", "神经内科、卒中中心主任医师"),
        &["stroke", "neurology", "neurosurgery"],
        &[post("qumtagh", EXPERT, SIGNS)],
        licence("CN-110-120771", CN, date(2004, 9, 1), LONG),
        &["en", "zh-CN", "ug"],
    ),
    consultant(
        "zhoumin",
        ("Zhou Min", "周敏"),
        ("Hepatobiliary surgeon", "肝胆外科主任医师"),
        &[
            "hepatobiliary-surgery",
            "gastroenterology",
            "urology",
            "burns",
            "orthopaedics",
        ],
        &[post("qumtagh", EXPERT, SIGNS)],
        licence("CN-110-131902", CN, date(2005, 9, 1), LONG),
        ZH_EN,
    ),
    consultant(
        "adalet",
        ("Adalet Polat", "ئادالەت پولات"),
        ("Infectious diseases", "感染科主任医师"),
        &["infectious-diseases", "dermatology"],
        &[post("qumtagh", &[Clinician, Consultant], SIGNS)],
        licence("CN-110-140093", CN, date(2006, 9, 1), LONG),
        &["zh-CN", "ug", "ru"],
    ),
    consultant(
        "luojing",
        ("Luo Jing", "罗静"),
        ("Paediatrician and neonatologist", "儿科、新生儿科主任医师"),
        &["paediatrics", "neonatology"],
        &[post("qumtagh", EXPERT, SIGNS)],
        licence("CN-110-140882", CN, date(2007, 9, 1), LONG),
        ZH_EN,
    ),
    consultant(
        "songhui",
        ("Song Hui", "宋慧"),
        ("Obstetrician and gynaecologist", "妇产科主任医师"),
        &["obstetrics", "gynaecology"],
        &[post("qumtagh", EXPERT, &[SignOpinion, Sensitive])],
        licence("CN-110-150310", CN, date(2006, 9, 1), LONG),
        ZH_EN,
    ),
    consultant(
        "guolin",
        ("Guo Lin", "郭林"),
        ("Nephrologist", "肾内科主任医师"),
        &["nephrology", "endocrinology", "rheumatology", "haematology"],
        &[post("qumtagh", EXPERT, SIGNS)],
        licence("CN-110-150667", CN, date(2008, 9, 1), LONG),
        ZH_EN,
    ),
    office(
        "liuyang",
        ("Liu Yang", "刘洋"),
        ("Hospital administrator", "医院管理员"),
        &[post("qumtagh", ADMIN, ADMIN_MAY)],
        ZH_EN,
    ),
    office(
        "operator",
        ("Yang Bo", "杨波"),
        ("Network operator", "网络运维员"),
        &[post("qumtagh", &[Operator], &[])],
        EN_ZH,
    ),
    // Administrators of the remote hospitals.
    office(
        "adil-yarqum",
        ("Adil Hashim", "ئادىل ھاشىم"),
        ("Hospital administrator", "医院管理员"),
        &[
            post("yarqum", ADMIN, ADMIN_MAY),
            post("yarqum-tb", ADMIN, ADMIN_MAY),
        ],
        &["en", "zh-CN", "ug"],
    ),
    office(
        "ghopur-toghraq",
        ("Ghopur Sabit", "غوپۇر سابىت"),
        ("Director", "院长"),
        &[post("toghraq", ADMIN, ADMIN_MAY)],
        &["en", "zh-CN", "ug"],
    ),
    office(
        "zhanar-aqtash",
        ("Zhanar Tileuova", "Жанар Тілеуова"),
        ("Hospital administrator", "医院管理员"),
        &[post("aqtash", ADMIN, ADMIN_MAY)],
        &["en", "zh-CN", "kk"],
    ),
    // Abroad.
    office(
        "asel",
        ("Asel Qasymova", "Әсел Қасымова"),
        ("Coordinator for international cases", "国际会诊协调员"),
        &[post("saryozen", &[Coordinator], &[])],
        &["ru", "kk", "en"],
    ),
    consultant(
        "sokolova",
        ("Elena Sokolova", "Елена Соколова"),
        ("Thoracic surgeon", "胸外科医师"),
        &["thoracic-surgery", "radiology"],
        &[post("saryozen", &[Clinician, Consultant], SIGNS)],
        licence("KZ-77-00418", KZ, date(2001, 6, 15), LONG),
        &["ru", "en"],
    ),
    consultant(
        "dauren",
        ("Dauren Abdirov", "Дәурен Әбдіров"),
        ("Pathologist and haematologist", "病理科、血液科医师"),
        &["pathology", "haematology"],
        &[post("saryozen", EXPERT, SIGNS)],
        licence("KZ-77-01107", KZ, date(2009, 6, 15), LONG),
        &["ru", "kk", "en"],
    ),
    office(
        "yesenov",
        ("Bolat Yesenov", "Болат Есенов"),
        ("Chief physician", "院长"),
        &[post("saryozen", ADMIN, ADMIN_MAY)],
        &["ru", "kk"],
    ),
    office(
        "harriet",
        ("Harriet Lowther", "Harriet Lowther"),
        ("International referrals coordinator", "国际转诊协调员"),
        &[post("northmere", &[Coordinator], &[])],
        &["en"],
    ),
    consultant(
        "garside",
        ("Rhys Garside", "Rhys Garside"),
        (
            "Consultant in paediatric neurology and genetics",
            "小儿神经与遗传科顾问医师",
        ),
        &["paediatrics", "neurology"],
        &[post("northmere", EXPERT, SIGNS)],
        licence("GB-6120457", GB, date(2004, 8, 1), LONG),
        &["en"],
    ),
    consultant(
        "pennington",
        ("Imogen Pennington", "Imogen Pennington"),
        ("Consultant rheumatologist", "风湿科顾问医师"),
        &["rheumatology", "nephrology"],
        &[post("northmere", &[Clinician, Consultant], SIGNS)],
        licence("GB-6088412", GB, date(2002, 8, 1), LONG),
        &["en"],
    ),
    office(
        "thackery",
        ("Desmond Thackery", "Desmond Thackery"),
        ("Partnerships manager", "合作项目经理"),
        &[post("northmere", ADMIN, ADMIN_MAY)],
        &["en"],
    ),
];
