//! Prints one of everything in every language, to be looked at: `cargo run -p karez-print --example samples -- DIR`.

#![allow(clippy::disallowed_methods)] // it measures

use std::path::Path;
use std::time::Instant;

use karez_print::*;

type Failure = Box<dyn std::error::Error>;

fn hospital() -> Institution {
    Institution {
        name: "Saryözen Clinical Hospital".into(),
        other_names: vec![
            "萨尔约增临床医院".into(),
            "سارىئۆزەن كلىنىكىلىق دوختۇرخانىسى".into(),
        ],
        code: "SZ".into(),
        address: vec![
            "12 Poplar Street, Saryözen".into(),
            "+00 000 000 00 00".into(),
        ],
    }
}

fn patient() -> Result<Patient, Failure> {
    Ok(Patient {
        name: "Patigul Memet".into(),
        other_names: vec!["پاتىگۈل مەمەت".into(), "帕提古丽·买买提".into()],
        born: Some("1968-03-14".parse()?),
        sex: Sex::Female,
        identifiers: vec![
            Identifier {
                issuer: "Yarqum County Hospital".into(),
                value: "YQ-0048213".into(),
            },
            Identifier {
                issuer: "Qumtagh Regional".into(),
                value: "QR-2291045".into(),
            },
        ],
    })
}

fn record() -> Result<Vec<RecordItem>, Failure> {
    let item = |date: Option<&str>,
                what: &str,
                custodian: &str,
                version: &str|
     -> Result<RecordItem, Failure> {
        let date = date.map(str::parse).transpose()?;
        Ok(RecordItem {
            date,
            what: what.into(),
            custodian: custodian.into(),
            version: version.into(),
        })
    };
    Ok(vec![
        item(
            Some("2026-11-19"),
            "CT chest, low dose: nodule 14 mm, right upper lobe",
            "Yarqum County Hospital",
            "2",
        )?,
        item(
            Some("2026-11-19"),
            "CEA 6.1 µg/L, ESR 34 mm/h, haemoglobin 121 g/L",
            "Yarqum County Hospital",
            "1",
        )?,
        item(
            Some("2026-11-17"),
            "痰涂片三次：抗酸杆菌阴性",
            "Yarqum TB Dispensary",
            "1",
        )?,
        item(
            Some("2023-05-08"),
            "Рентгенография грудной клетки: рубец, правая верхушка",
            "Qumtagh Regional",
            "3",
        )?,
        item(None, "Allergy: penicillin", "Yarqum County Hospital", "4")?,
    ])
}

const SEE: [(&str, &str); 4] = [
    (
        "en",
        "Part-solid nodule in the posterior segment of the right upper lobe, 14 mm, solid part 6 mm, spiculated, with a pleural tag. It was absent on 8 May 2023. No enlarged nodes. The apical scar is unchanged.",
    ),
    (
        "zh-CN",
        "右肺上叶后段见部分实性结节，直径14 mm，实性成分6 mm，边缘毛刺，可见胸膜牵拉。2023年5月8日片中未见该结节。纵隔未见肿大淋巴结。右肺尖瘢痕无变化。",
    ),
    (
        "ru",
        "Частично солидный узел в заднем сегменте верхней доли правого лёгкого, 14 мм, солидный компонент 6 мм, со спикулами и плевральным тяжом. 8 мая 2023 г. узла не было. Увеличенных лимфоузлов нет. Рубец верхушки без изменений.",
    ),
    (
        "ar",
        "عقيدة شبه صلبة في القطعة الخلفية من الفص العلوي الأيمن، قطرها 14 mm والجزء الصلب منها 6 mm، حوافها شائكة مع شد جنبي. لم تكن موجودة في 8 مايو 2023. لا توجد عقد لمفاوية متضخمة. الندبة القمّية دون تغيير.",
    ),
];
const ADVISE: [(&str, &str); 4] = [
    (
        "en",
        "1. PET-CT at Qumtagh, then CT-guided biopsy there on the same visit.\n2. Histology, Xpert and mycobacterial culture from one core.\n3. No antituberculous treatment until then. Lung board on 30 November.",
    ),
    (
        "zh-CN",
        "1. 赴库木塔格行 PET-CT，同次住院行 CT 引导下穿刺活检。\n2. 同一标本送组织病理、Xpert 及分枝杆菌培养。\n3. 结果回报前暂不行抗结核治疗。11月30日提交肺癌多学科讨论。",
    ),
    (
        "ru",
        "1. ПЭТ-КТ в Кумтаге, затем там же биопсия под контролем КТ.\n2. Гистология, Xpert и посев на микобактерии из одного столбика.\n3. До результата противотуберкулёзное лечение не начинать. Консилиум 30 ноября.",
    ),
    (
        "ar",
        "1. تصوير PET-CT في قومتاغ، ثم خزعة موجهة بالتصوير الطبقي في الزيارة نفسها.\n2. فحص نسيجي وXpert وزرع المتفطرات من العينة نفسها.\n3. لا علاج مضادًا للسل قبل ذلك. تُعرض الحالة على لجنة الرئة في 30 نوفمبر.",
    ),
];

fn text(texts: &[(&str, &str)], original: &str, reader: Language) -> Text {
    let find = |tag: &str| texts.iter().find(|t| t.0 == tag).map_or(texts[0], |t| *t);
    let (language, words) = find(original);
    let (to, translated) = find(reader.tag());
    let translation = (to != language).then(|| Translation {
        text: translated.into(),
        language: to.into(),
        translator: "Dilnur Sabir".into(),
    });
    Text {
        text: words.into(),
        language: Some(language.into()),
        translation,
    }
}

fn signature() -> Result<Signature, Failure> {
    Ok(Signature {
        signer: "Elena Sokolova".into(),
        role: "Thoracic surgeon, Saryözen Clinical Hospital".into(),
        licence: Some("SZ-LIC-004512".into()),
        signed_at: "2026-11-23T12:05:41+06:00[Asia/Urumqi]".parse()?,
        sealed_at: "2026-11-23T12:05:41+06:00[Asia/Urumqi]".parse()?,
        signer_key: "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s".into(),
        hospital_key: "pC7mFh0oXb2a1i_0VpOENW1upEerA8sEam5hnWNMCle".into(),
        digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        time_authority: None,
        stamped_at: None,
        co_signer: None,
    })
}

fn opinion(language: Language, original: &str, signed: bool) -> Result<Letter, Failure> {
    let question = [(
        "en",
        "Biopsy now, or treat for TB first? Can it be done at Yarqum?\n\nWoman of 58, never smoked, six weeks of dry cough, no fever. Treated for pulmonary TB in 2009.",
    )];
    Ok(Letter {
        language,
        hospital: hospital(),
        recipient: Recipient {
            name: "Yarqum County Hospital".into(),
            doctor: Some("Dr Alimjan Tursun".into()),
        },
        number: "K-26-11873".into(),
        asked_at: "2026-11-23T09:04:00+06:00[Asia/Urumqi]".parse()?,
        patient: patient()?,
        question: Text {
            text: question[0].1.into(),
            language: Some("en".into()),
            translation: None,
        },
        sections: vec![
            Section {
                part: SectionPart::See,
                text: text(&SEE, original, language),
            },
            Section {
                part: SectionPart::Advise,
                text: text(&ADVISE, original, language),
            },
        ],
        record: record()?,
        character: Character::Advisory,
        responsible: "Saryözen Clinical Hospital, department of thoracic surgery".into(),
        amends: None,
        signature: signed.then(signature).transpose()?,
    })
}

fn case(language: Language) -> Result<Summary, Failure> {
    let letter = opinion(language, "en", true)?;
    let event = |at: &str, what: &str| -> Result<Event, Failure> {
        Ok(Event {
            at: at.parse()?,
            what: what.into(),
            who: Some("Dr Alimjan Tursun".into()),
        })
    };
    Ok(Summary {
        language,
        hospital: hospital(),
        number: letter.number,
        state: "answered".into(),
        printed_at: "2026-11-24T08:00:00+06:00[Asia/Urumqi]".parse()?,
        printed_by: "Alimjan Tursun".into(),
        patient: patient()?,
        question: letter.question,
        sections: letter.sections,
        course: vec![
            event("2026-11-23T09:04:00+06:00[Asia/Urumqi]", "Sent")?,
            event("2026-11-23T09:20:00+06:00[Asia/Urumqi]", "Accepted")?,
        ],
        messages: vec![Message {
            at: "2026-11-23T10:00:00+06:00[Asia/Urumqi]".parse()?,
            from: "Elena Sokolova".into(),
            text: Text::plain("Was the cough productive at any time?"),
        }],
        record: record()?,
    })
}

fn terms(language: Language) -> Result<Agreement, Failure> {
    let clause = |number: &str, heading: &str, words: &str| Clause {
        number: number.into(),
        heading: Some(heading.into()),
        text: Text {
            text: words.into(),
            language: Some("en".into()),
            translation: None,
        },
    };
    let yarqum = Institution {
        name: "Yarqum County Hospital".into(),
        code: "YQ".into(),
        ..hospital()
    };
    Ok(Agreement {
        language,
        hospital: hospital(),
        number: "QS-2026-014".into(),
        title: "Agreement on specialist opinions".into(),
        parties: vec![hospital(), yarqum],
        from: "2026-01-01".parse()?,
        until: "2027-12-31".parse()?,
        clauses: vec![
            clause(
                "1",
                "Service",
                "The centre answers questions in thoracic surgery and radiology within four hours when urgent.",
            ),
            clause(
                "2",
                "Record",
                "It reads the parts of the record that the patient agreed to, and no entries from psychiatry.",
            ),
        ],
        signatures: vec![Signature {
            licence: None,
            role: "Director, Saryözen Clinical Hospital".into(),
            ..signature()?
        }],
        draft: false,
    })
}

fn main() -> Result<(), Failure> {
    let dir = std::env::args().nth(1).ok_or("name a folder to write to")?;
    std::fs::create_dir_all(&dir)?;
    let at: jiff::Zoned = "2026-11-24T08:00:00+06:00[Asia/Urumqi]".parse()?;
    let mut times = String::new();
    let mut keep =
        |name: String, print: &dyn Fn() -> Result<Printed, PrintError>| -> Result<(), Failure> {
            let start = Instant::now();
            let printed = print()?;
            times += &format!(
                "{name}: {} ms, {} pages, {} bytes\n",
                start.elapsed().as_millis(),
                printed.pages,
                printed.pdf.len()
            );
            std::fs::write(Path::new(&dir).join(name + ".pdf"), printed.pdf)?;
            Ok(())
        };
    for language in Language::ALL {
        let model = opinion(language, "en", true)?;
        keep(format!("letter-{}", language.tag()), &|| {
            letter(&model, &at)
        })?;
    }
    let chinese = opinion(Language::English, "zh-CN", true)?;
    keep("letter-en-of-zh".into(), &|| letter(&chinese, &at))?;
    let own = opinion(Language::Chinese, "zh-CN", true)?;
    keep("letter-zh-of-zh".into(), &|| letter(&own, &at))?;
    let draft = opinion(Language::English, "en", false)?;
    keep("draft-en".into(), &|| letter(&draft, &at))?;
    for language in [Language::English, Language::Chinese, Language::Arabic] {
        let (case, terms) = (case(language)?, terms(language)?);
        keep(format!("summary-{}", language.tag()), &|| {
            summary(&case, &at)
        })?;
        keep(format!("agreement-{}", language.tag()), &|| {
            agreement(&terms, &at)
        })?;
    }
    std::fs::write(Path::new(&dir).join("times.txt"), times)?;
    Ok(())
}
