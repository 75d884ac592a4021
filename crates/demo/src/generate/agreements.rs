//! Agreements in every state, between the hospitals of the network.

use agreements::RecordClass::{
    self, Allergies, Cases, Demographics, Documents, Encounters, Imaging, Immunizations,
    Laboratory, Medications, MentalHealth, Messages, Pathology, Problems, Procedures,
    ReproductiveHealth, Unclassified, Vitals,
};
use jiff::ToSpan;
use jiff::civil::Date;

use super::model::{AgreementPlan, AgreementState, ClausePlan};

/// What a specialist usually needs.
const CLINICAL: &[RecordClass] = &[
    Demographics,
    Problems,
    Allergies,
    Medications,
    Immunizations,
    Vitals,
    Laboratory,
    Imaging,
    Pathology,
    Procedures,
    Encounters,
    Documents,
    Messages,
    Cases,
    Unclassified,
];
/// The same for a reader in another country: no visits and no vaccinations.
const ABROAD: &[RecordClass] = &[
    Demographics,
    Problems,
    Allergies,
    Medications,
    Vitals,
    Laboratory,
    Imaging,
    Pathology,
    Documents,
    Messages,
    Cases,
    Unclassified,
];

const MEDICINE: &[&str] = &[
    "respiratory-medicine",
    "cardiology",
    "neurology",
    "gastroenterology",
    "infectious-diseases",
    "nephrology",
    "endocrinology",
    "rheumatology",
    "haematology",
    "dermatology",
    "psychiatry",
];
const SURGERY: &[&str] = &[
    "thoracic-surgery",
    "neurosurgery",
    "hepatobiliary-surgery",
    "orthopaedics",
    "vascular-surgery",
    "urology",
    "burns",
    "ophthalmology",
];
const FAMILY: &[&str] = &["paediatrics", "neonatology", "obstetrics", "gynaecology"];

fn clause(
    (title, text): (&'static str, &'static str),
    services: &[&[&'static str]],
    classes: &[RecordClass],
) -> ClausePlan {
    ClausePlan {
        title,
        text,
        services: services.concat(),
        classes: classes.to_vec(),
        needs_consent: true,
        break_glass: false,
        co_signature: false,
    }
}

/// The centre helps a hospital of its own region with everything.
fn regional(
    number: &'static str,
    title: &'static str,
    asks: &'static str,
    today: Date,
) -> AgreementPlan {
    let mut emergency = clause(
        (
            "Emergencies",
            "The stroke unit, the newborn unit and the obstetric theatre are rung at once; where the patient cannot consent, break-glass stands in for consent and is reviewed.",
        ),
        &[&["stroke", "neonatology", "obstetrics"]],
        CLINICAL,
    );
    emergency.break_glass = true;
    let mut sensitive = clause(
        (
            "Sensitive parts",
            "Reproductive health and mental health are shared for the question at hand when the patient's consent names them.",
        ),
        &[&["obstetrics", "gynaecology", "psychiatry"]],
        &[ReproductiveHealth, MentalHealth],
    );
    sensitive.co_signature = true;
    AgreementPlan {
        number,
        title,
        asks,
        answers: "qumtagh",
        state: AgreementState::Active,
        from: today.saturating_sub(320.days()),
        until: today.saturating_add(410.days()),
        clauses: vec![
            clause(
                (
                    "Second opinions",
                    "A consultant reads the parts the patient agreed to, writes to the referring doctor and signs an opinion.",
                ),
                &[MEDICINE, SURGERY, FAMILY],
                CLINICAL,
            ),
            emergency,
            sensitive,
        ],
        answer_within_min: [15, 240, 1_440, 7_200],
        both_ways: false,
        reason: None,
    }
}

/// A partner abroad answers questions in a few specialties.
fn abroad(
    number: &'static str,
    title: &'static str,
    parties: (&'static str, &'static str),
    services: &[&'static str],
    today: Date,
) -> AgreementPlan {
    AgreementPlan {
        number,
        title,
        asks: parties.0,
        answers: parties.1,
        state: AgreementState::Active,
        from: today.saturating_sub(200.days()),
        until: today.saturating_add(400.days()),
        clauses: vec![clause(
            (
                "Second opinions across the border",
                "Specialists with a licence valid on the day read the parts each patient agreed to send abroad, while the case is open, and sign an opinion. The patient’s identity goes with the case, so that the answer is about the right person; visits and vaccinations stay with the custodian.",
            ),
            &[services],
            ABROAD,
        )],
        answer_within_min: [60, 240, 2_880, 7_200],
        both_ways: false,
        reason: None,
    }
}

/// All agreements, told from `today`.
pub fn agreements(today: Date) -> Vec<AgreementPlan> {
    let mut all = regional_care(today);
    all.extend(across_the_border(today));
    all.extend(not_in_force(today));
    all
}

/// The centre and each remote hospital.
fn regional_care(today: Date) -> Vec<AgreementPlan> {
    [
        (
            "QY-2026-001",
            "Regional care: Yarqum County and Qumtagh",
            "yarqum",
        ),
        (
            "QT-2026-002",
            "Regional care: Toghraq Township and Qumtagh",
            "toghraq",
        ),
        (
            "QA-2026-003",
            "Regional care: Aqtash County and Qumtagh",
            "aqtash",
        ),
        (
            "QB-2026-004",
            "Regional care: Yarqum TB Dispensary and Qumtagh",
            "yarqum-tb",
        ),
    ]
    .map(|(number, title, remote)| regional(number, title, remote, today))
    .into()
}

fn across_the_border(today: Date) -> Vec<AgreementPlan> {
    let mut joint = abroad(
        "QS-2026-014",
        "Second opinions and joint reading",
        ("qumtagh", "saryozen"),
        &["thoracic-surgery", "radiology", "pathology", "haematology"],
        today,
    );
    joint.both_ways = true;
    vec![
        joint,
        abroad(
            "YS-2026-015",
            "Thoracic surgery and haematology across the border",
            ("yarqum", "saryozen"),
            &["thoracic-surgery", "radiology", "haematology"],
            today,
        ),
        abroad(
            "YN-2025-008",
            "Rare diseases of adults",
            ("yarqum", "northmere"),
            &["rheumatology", "nephrology"],
            today,
        ),
        abroad(
            "AN-2026-021",
            "Children's neurology and nephrology",
            ("aqtash", "northmere"),
            &["paediatrics", "neurology", "nephrology"],
            today,
        ),
    ]
}

/// Suspended, drafted, proposed, ended and expired.
fn not_in_force(today: Date) -> Vec<AgreementPlan> {
    let mut reading = abroad(
        "AS-2026-022",
        "Second reading of slides",
        ("aqtash", "saryozen"),
        &["pathology"],
        today,
    );
    reading.state = AgreementState::Suspended;
    reading.reason = Some("Saryözen renews the accreditation of its laboratory.");

    let mut draft = abroad(
        "TN-2026-030",
        "Second opinions for children",
        ("toghraq", "northmere"),
        &["paediatrics", "neurology"],
        today,
    );
    draft.state = AgreementState::Draft;
    draft.from = today.saturating_add(40.days());

    let mut proposed = abroad(
        "BS-2026-027",
        "Second opinions on resistant tuberculosis",
        ("yarqum-tb", "saryozen"),
        &["thoracic-surgery", "radiology"],
        today,
    );
    proposed.state = AgreementState::Proposed;
    proposed.from = today.saturating_add(9.days());

    let mut ended = regional(
        "QY-2024-003",
        "Second opinions in medicine",
        "yarqum",
        today,
    );
    ended.state = AgreementState::Ended;
    ended.from = today.saturating_sub(900.days());
    ended.until = today.saturating_add(30.days());
    ended.clauses.truncate(1);
    ended.reason =
        Some("Replaced by QY-2026-001, which adds surgery, emergencies and the care of mothers.");

    let mut expired = abroad(
        "QN-2023-002",
        "Second opinions in rheumatology",
        ("qumtagh", "northmere"),
        &["rheumatology"],
        today,
    );
    expired.state = AgreementState::Expired;
    expired.from = today.saturating_sub(1100.days());
    expired.until = today.saturating_sub(25.days());

    vec![reading, draft, proposed, ended, expired]
}
