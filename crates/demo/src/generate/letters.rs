//! Small invented texts: addresses, telephone numbers and letters.

use jiff::civil::Date;

use super::dice::Dice;
use super::model::{Hospital, Sex};
use super::staff::STAFF;

const LANES: &[&str] = &[
    "Karez Lane",
    "Poplar Road",
    "Old Bazaar Street",
    "Mulberry Lane",
    "Station Road",
    "Reservoir Street",
];

pub fn address(hospital: &Hospital, dice: &mut Dice) -> String {
    let number = dice.between(1, 180);
    format!("{number} {}, {}", dice.pick(LANES), hospital.place)
}

/// Numbers that nobody has: a zero follows the country's code.
pub fn phone(hospital: &Hospital, dice: &mut Dice) -> String {
    let code = match hospital.jurisdiction {
        "KZ" => "+7",
        "GB" => "+44",
        _ => "+86",
    };
    format!(
        "{code} 000 {:04} {:04}",
        dice.below(10_000),
        dice.below(10_000)
    )
}

/// The first doctor of a hospital.
pub fn doctor_of(hospital: &Hospital) -> &'static str {
    STAFF
        .iter()
        .find(|s| s.licence.is_some() && s.posts.iter().any(|p| p.hospital == hospital.id))
        .map_or(hospital.name_en, |s| s.name)
}

/// The lines of a letter that names nobody.
pub fn discharge(reason: &str, birth: Date, sex: Sex) -> Vec<String> {
    vec![
        format!("Born {birth}, {}.", sex.code()),
        String::new(),
        format!("Seen for: {}.", reason.to_lowercase()),
        "Examination and laboratory as in the record.".into(),
        "Treatment was explained and agreed.".into(),
        String::new(),
        "Next visit in three months, sooner if anything worries you.".into(),
    ]
}
