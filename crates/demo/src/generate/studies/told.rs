//! What the studies of the network are of, and who reads them.

use care::reading::Agreement;

use super::body::{HeadLesion, Nodule};
use super::flat::{Loop, Part};
use super::{Exam, ReadingPlan, ReadingStage, ReportWords, Told, Whose};
use crate::generate::model::Sex::{Female, Male};
use crate::generate::model::Urgency::{Emergency, Routine, Soon, Urgent};

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

/// Nobody reads it here.
const fn study(
    key: &'static str,
    hospital: &'static str,
    whose: Whose,
    minutes_ago: i64,
    exam: Exam,
    description: &'static str,
) -> Told {
    Told {
        key,
        hospital,
        whose,
        minutes_ago,
        exam,
        description,
        reading: None,
        contradicted: false,
    }
}

const fn read(mut told: Told, reading: ReadingPlan) -> Told {
    told.reading = Some(reading);
    told
}

const UNREAD: ReadingPlan = ReadingPlan {
    urgency: Routine,
    stage: ReadingStage::Unread,
    reader: "tianyu",
    words: None,
    critical: None,
    second: None,
    begun_min: 0,
};

pub(super) const STUDIES: &[Told] = &[
    study(
        "patigul-ct-before",
        "yarqum",
        Whose::Story("memet-patigul"),
        431 * DAY,
        Exam::ChestCt {
            slices: 40,
            nodule: Nodule::PartSolid(4.5, 1.6),
        },
        "CT chest",
    ),
    study(
        "patigul-xray",
        "yarqum",
        Whose::Story("memet-patigul"),
        10 * DAY + 95,
        Exam::Radiograph(Part::Chest(true)),
        "Chest X-ray",
    ),
    read(
        study(
            "patigul-ct",
            "yarqum",
            Whose::Story("memet-patigul"),
            3 * DAY + 130,
            Exam::ChestCt {
                slices: 64,
                nodule: Nodule::PartSolid(7.0, 3.0),
            },
            "CT chest",
        ),
        ReadingPlan {
            urgency: Urgent,
            stage: ReadingStage::Claimed,
            reader: "sokolova",
            words: Some(ReportWords {
                language: "en",
                technique: "CT of the chest without contrast, 64 slices of 5 mm.",
                comparison: "CT of the chest fourteen months ago: 9 mm at the same place.",
                findings: "Part-solid nodule of 14 mm in the posterior segment of the right upper lobe, solid part 6 mm. Old scar at the right apex, unchanged.",
                impression: "",
                recommendation: "",
            }),
            begun_min: 14,
            ..UNREAD
        },
    ),
    read(
        study(
            "huang-ct",
            "yarqum",
            Whose::Story("huang-changhe"),
            DAY,
            Exam::HeadCt {
                lesion: HeadLesion::Subdural,
                uneven: true,
            },
            "头颅CT平扫",
        ),
        ReadingPlan {
            urgency: Urgent,
            stage: ReadingStage::Final,
            reader: "tianyu",
            words: Some(ReportWords {
                language: "zh-CN",
                technique: "头颅CT平扫。层距不等：下部为上部之半，上部缺一层。",
                comparison: "无既往影像。",
                findings: "左侧额颞顶部新月形等低密度影，最厚处16 mm，左侧侧脑室受压，中线右移7 mm。未见颅骨骨折。",
                impression: "左侧慢性硬膜下血肿，占位效应明显。",
                recommendation: "建议神经外科急会诊。",
            }),
            critical: Some((
                "左侧慢性硬膜下血肿，中线移位7 mm。",
                158,
                Some(("zhao", "已联系神经外科，停用氯吡格雷。")),
            )),
            begun_min: 170,
            ..UNREAD
        },
    ),
    read(
        study(
            "ismayil-ultrasound",
            "yarqum",
            Whose::Story("rozi-ismayil"),
            8 * HOUR,
            Exam::Ultrasound(Loop::LiverCyst),
            "Ultrasound of the liver",
        ),
        ReadingPlan {
            urgency: Urgent,
            stage: ReadingStage::Final,
            reader: "zhoumin",
            words: Some(ReportWords {
                language: "en",
                technique: "Ultrasound of the right upper abdomen, one loop.",
                comparison: "None.",
                findings: "Cyst in the right lobe with a thick wall and daughter cysts inside, about 6 cm. No dilated ducts in the loop.",
                impression: "Hydatid cyst, WHO type CE2.",
                recommendation: "Serology; no puncture before albendazole.",
            }),
            begun_min: 4 * HOUR + 20,
            ..UNREAD
        },
    ),
    read(
        study(
            "tursunay-echo",
            "yarqum",
            Whose::Story("yusup-tursunay"),
            5 * DAY,
            Exam::Ultrasound(Loop::Heart),
            "Echocardiography",
        ),
        ReadingPlan {
            urgency: Soon,
            stage: ReadingStage::Final,
            reader: "sunmin",
            words: Some(ReportWords {
                language: "en",
                technique: "Transthoracic, apical four chambers, one loop.",
                comparison: "None.",
                findings: "Mitral leaflets open in a dome, left atrium enlarged. Left ventricle contracts well.",
                impression: "Rheumatic mitral stenosis.",
                recommendation: "Planimetry and gradients at Qumtagh before delivery is planned.",
            }),
            begun_min: 20 * HOUR,
            ..UNREAD
        },
    ),
    study(
        "shufen-ecg",
        "aqtash",
        Whose::Story("zhang-shufen"),
        225,
        Exam::Ecg(102.0),
        "心电图",
    ),
    study(
        "sergei-ct",
        "toghraq",
        Whose::Story("ignatyev-sergei"),
        31,
        Exam::HeadCt {
            lesion: HeadLesion::None,
            uneven: false,
        },
        "CT head without contrast",
    ),
    read(
        study(
            "unread-mr",
            "qumtagh",
            Whose::Other(Female, 0),
            52,
            Exam::HeadMr(HeadLesion::Plaques),
            "头颅MRI平扫",
        ),
        ReadingPlan {
            urgency: Urgent,
            ..UNREAD
        },
    ),
    read(
        study(
            "alarming-ct",
            "qumtagh",
            Whose::Other(Male, 0),
            41,
            Exam::HeadCt {
                lesion: HeadLesion::Subdural,
                uneven: false,
            },
            "头颅CT平扫",
        ),
        ReadingPlan {
            urgency: Emergency,
            stage: ReadingStage::Claimed,
            critical: Some(("左侧硬膜下血肿，中线移位7 mm，请立即处理。", 9, None)),
            begun_min: 12,
            ..UNREAD
        },
    ),
    read(
        study(
            "claimed-xray",
            "qumtagh",
            Whose::Other(Female, 1),
            3 * HOUR,
            Exam::Radiograph(Part::Chest(false)),
            "胸部正位片",
        ),
        ReadingPlan {
            stage: ReadingStage::Claimed,
            reader: "liwenqing",
            begun_min: 7,
            ..UNREAD
        },
    ),
    Told {
        contradicted: true,
        ..read(
            study(
                "preliminary-wrist",
                "qumtagh",
                Whose::Other(Male, 1),
                5 * HOUR,
                Exam::Radiograph(Part::Wrist),
                "腕关节正位片",
            ),
            ReadingPlan {
                urgency: Soon,
                stage: ReadingStage::Preliminary,
                words: Some(ReportWords {
                    language: "zh-CN",
                    technique: "腕关节正位。",
                    comparison: "",
                    findings: "桡骨远端横行透亮线，断端无明显移位。尺骨及腕骨未见异常。",
                    impression: "桡骨远端骨折，无移位。",
                    recommendation: "建议加摄侧位片。",
                }),
                begun_min: 4 * HOUR,
                ..UNREAD
            },
        )
    },
    read(
        study(
            "discordant-mammography",
            "qumtagh",
            Whose::Other(Female, 2),
            28 * HOUR,
            Exam::Mammograms,
            "双侧乳腺钼靶",
        ),
        ReadingPlan {
            stage: ReadingStage::Final,
            words: Some(ReportWords {
                language: "zh-CN",
                technique: "双侧乳腺头足位。",
                comparison: "无。",
                findings: "左乳见一类圆形肿块，边缘部分清楚。右乳未见异常。",
                impression: "左乳良性结节可能，BI-RADS 3类。",
                recommendation: "六个月后复查。",
            }),
            second: Some((
                "liwenqing",
                Agreement::Major,
                "左乳肿块内侧另见簇状细小钙化，BI-RADS 4B类，建议穿刺活检，不宜等待六个月。",
            )),
            begun_min: 26 * HOUR,
            ..UNREAD
        },
    ),
    study(
        "nobodys-xray",
        "qumtagh",
        Whose::Nobody("TEMP-0412"),
        74,
        Exam::Radiograph(Part::Chest(true)),
        "Chest X-ray, emergency",
    ),
];
