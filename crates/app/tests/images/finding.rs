//! What the index finds is what the rule of matching finds.

use super::*;

/// Numbers in a fixed order that looks like none.
struct Dice(u64);

impl Dice {
    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        all[(self.0 >> 33) as usize % all.len()]
    }
}

/// Whatever is asked, the database finds what the rule of matching finds (PS3.4 §C.2.2.2).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_index_finds_what_the_rule_of_matching_finds() {
    let w = world().await;
    let mut dice = Dice(7);
    let all = some_objects(&mut dice);
    for s in &all {
        assert_eq!(send(&w, s).await.outcome, Outcome::New);
    }
    let cx = w.clinician();
    let mut several = 0;
    for _ in 0..300 {
        let parameters = some_question(&mut dice);
        let query = ask(Level::Instance, &parameters);
        let mut expected: Vec<&str> = all
            .iter()
            .filter(|s| matches(&query, &dataset(s)))
            .map(|s| s.uid.as_str())
            .collect();
        expected.sort_unstable();
        several += usize::from(!expected.is_empty());
        let rows = found(&w, &cx, &query).await;
        let mut got: Vec<&str> = rows
            .iter()
            .map(|r| r["00080018"]["Value"][0].as_str().unwrap())
            .collect();
        got.sort_unstable();
        assert_eq!(got, expected, "{parameters:?}");
    }
    assert!(several > 40, "the questions found something: {several}");
    pages_hold_everything_once(&w, &cx, &all).await;
}

/// Sixty objects of twenty studies, with what people write in them.
fn some_objects(dice: &mut Dice) -> Vec<Said> {
    let mut all = Vec::new();
    for n in 0..60_u32 {
        let s = Said {
            study: format!("1.2.826.9.{}", n / 3),
            series: format!("1.2.826.9.{}.{}", n / 3, n % 2),
            uid: format!("1.2.826.9.{n}.1"),
            patient: format!("p{}", n / 3 % 5),
            name: dice
                .of(&[
                    "Wang^Xiao=王^小",
                    "WANG^Li",
                    "Müller^Jörg",
                    "",
                    "Memet^Patigül",
                    "O'Neil^Ann-Marie",
                ])
                .into(),
            born: dice.of(&["", "19700102", "20010911"]).into(),
            date: dice.of(&["", "20260301", "20260302", "20251231"]).into(),
            time: dice.of(&["", "10", "1030", "103059.5", "235959"]).into(),
            modality: dice.of(&["CT", "MR", "US"]).into(),
            description: dice
                .of(&["Chest", "chest 10%", "Schädel [nativ]", "", "胸部"])
                .into(),
            accession: dice.of(&["", "A1", "a1", "A*1", "B_2"]).into(),
            number: (n % 7).to_string(),
            institution: dice.of(&["", "Yarqum", "Qumtagh"]).into(),
            ..Said::default()
        };
        // Everything above the object is as its study's and series' first object said.
        let s = match all.iter().find(|o: &&Said| o.study == s.study) {
            Some(first) => Said {
                series: s.series.clone(),
                uid: s.uid.clone(),
                number: s.number.clone(),
                modality: s.modality.clone(),
                institution: s.institution.clone(),
                ..first.clone()
            },
            None => s,
        };
        let s = match all.iter().find(|o: &&Said| o.series == s.series) {
            Some(first) => Said {
                modality: first.modality.clone(),
                institution: first.institution.clone(),
                ..s
            },
            None => s,
        };
        all.push(s);
    }
    all
}

/// Two conditions, or one of them twice.
fn some_question(dice: &mut Dice) -> Vec<(&'static str, &'static str)> {
    let mut parameters: Vec<(&'static str, &'static str)> = Vec::new();
    for _ in 0..2 {
        parameters.push(
            match dice.of(&["n", "i", "d", "t", "m", "s", "a", "b", "c", "x"]) {
                "n" => (
                    "PatientName",
                    dice.of(&[
                        "wang*",
                        "Wang^Xiao",
                        "王*",
                        "*xiao",
                        "m?ller*",
                        "muller^jorg",
                        "patig*",
                        "wang li",
                        "o'neil*",
                        "*",
                    ]),
                ),
                "i" => ("PatientID", dice.of(&["p1", "p*", "P1", "p?"])),
                "d" => (
                    "StudyDate",
                    dice.of(&["20260301", "20260301-", "-20260301", "20260101-20260301"]),
                ),
                "t" => ("StudyTime", dice.of(&["1030", "10-11", "103059-", "-1029"])),
                "m" => ("Modality", dice.of(&["CT", "MR", "C*", "ct"])),
                "s" => (
                    "StudyDescription",
                    dice.of(&["chest", "*10%", "schadel [nativ]", "胸*", "che*", "?hest"]),
                ),
                "a" => (
                    "AccessionNumber",
                    dice.of(&["A1", "a1", "A*", "?1", "B_2", "B?2"]),
                ),
                "b" => (
                    "PatientBirthDate",
                    dice.of(&["19700102", "19700102-20010101", "-19991231"]),
                ),
                "c" => ("InstanceNumber", dice.of(&["1", "3"])),
                _ => ("InstitutionName", dice.of(&["yarqum", "Qum*"])),
            },
        );
    }
    if dice.of(&["1", "0", "0"]) == "1" {
        parameters.push(("fuzzymatching", "true"));
    }
    parameters
}

async fn pages_hold_everything_once(w: &World, cx: &Cx, all: &[Said]) {
    // What is compared row by row is cut into pages too.
    let mut seen = BTreeSet::new();
    for n in 0..30 {
        let offset = (n * 4).to_string();
        let query = ask(
            Level::Instance,
            &[
                ("InstitutionName", "*a*"),
                ("limit", "4"),
                ("offset", &offset),
            ],
        );
        let page = w.app().image_find(cx, &home(), &query).await.unwrap();
        for row in &page.rows {
            let data = json::parse(row, &|_| None).unwrap();
            let uid = data.plain(tags::SOP_INSTANCE_UID).unwrap().to_owned();
            assert!(seen.insert(uid));
        }
        if !page.more {
            break;
        }
    }
    let expected = all.iter().filter(|s| s.institution.contains('a')).count();
    assert_eq!(seen.len(), expected);
}
