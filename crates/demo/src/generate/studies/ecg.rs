//! A resting electrocardiogram of twelve leads (PS3.3 A.34.3, PS3.17 C).

use bytes::Bytes;
use imaging::{Dataset, VR, tags};

use super::object::{Series, Study, TWELVE_LEADS, binary, code, decimals, finish};
use super::volume::Grain;

const RATE_HZ: usize = 500;
const SECONDS: usize = 10;
/// Microvolts of one step.
const STEP_UV: f64 = 2.5;

/// A lead: its code in SCP-ECG's table, its name, and how P, Q, R, S, the ST segment and T stand in it, microvolts.
struct Lead(&'static str, &'static str, [f64; 6]);

/// ST depressed from V2 to V6 and raised in aVR, as when the main stem is narrow.
const LEADS: [Lead; 12] = [
    Lead(
        "5.6.3-9-1",
        "Lead I",
        [90.0, -40.0, 700.0, -90.0, -80.0, 160.0],
    ),
    Lead(
        "5.6.3-9-2",
        "Lead II",
        [140.0, -60.0, 950.0, -140.0, -110.0, 210.0],
    ),
    Lead(
        "5.6.3-9-61",
        "Lead III",
        [60.0, -40.0, 330.0, -90.0, -40.0, 70.0],
    ),
    Lead(
        "5.6.3-9-62",
        "aVR",
        [-110.0, 50.0, -820.0, 110.0, 120.0, -180.0],
    ),
    Lead(
        "5.6.3-9-63",
        "aVL",
        [20.0, -20.0, 250.0, -20.0, -30.0, 60.0],
    ),
    Lead(
        "5.6.3-9-64",
        "aVF",
        [100.0, -50.0, 640.0, -110.0, -70.0, 140.0],
    ),
    Lead("5.6.3-9-3", "V1", [50.0, 0.0, 220.0, -900.0, 20.0, -90.0]),
    Lead(
        "5.6.3-9-4",
        "V2",
        [60.0, 0.0, 420.0, -1_200.0, -90.0, 120.0],
    ),
    Lead(
        "5.6.3-9-5",
        "V3",
        [70.0, -20.0, 780.0, -880.0, -200.0, 120.0],
    ),
    Lead(
        "5.6.3-9-6",
        "V4",
        [80.0, -60.0, 1_350.0, -480.0, -230.0, 110.0],
    ),
    Lead(
        "5.6.3-9-7",
        "V5",
        [80.0, -90.0, 1_280.0, -240.0, -220.0, 120.0],
    ),
    Lead(
        "5.6.3-9-8",
        "V6",
        [80.0, -90.0, 1_000.0, -120.0, -180.0, 130.0],
    ),
];

/// Ten seconds at 500 samples a second, with a rate of `beats` a minute.
pub fn twelve_leads(study: &Study, beats: f64) -> Vec<Bytes> {
    let series = Series {
        number: 1,
        modality: "ECG",
        description: "Resting, 12 leads",
        body_part: "HEART",
        class: TWELVE_LEADS,
    };
    let mut d = study.begin(&series, 1);
    let at = study.taken.strftime("%Y%m%d%H%M%S").to_string();
    d.put_text(tags::ACQUISITION_DATE_TIME, VR::DT, &at);
    d.put_text(
        tags::SYNCHRONIZATION_FRAME_OF_REFERENCE_UID,
        VR::UI,
        &format!("2.25.{}", study.root + 9),
    );
    let mut group = Dataset::item_of(&d);
    decimals(&mut group, tags::MULTIPLEX_GROUP_TIME_OFFSET, &[0.0]);
    group.put_text(tags::WAVEFORM_ORIGINALITY, VR::CS, "ORIGINAL");
    group.put_u16(tags::NUMBER_OF_WAVEFORM_CHANNELS, 12);
    let samples = (RATE_HZ * SECONDS) as u32;
    binary(
        &mut group,
        tags::NUMBER_OF_WAVEFORM_SAMPLES,
        VR::UL,
        samples.to_le_bytes().to_vec(),
    );
    decimals(&mut group, tags::SAMPLING_FREQUENCY, &[RATE_HZ as f64]);
    group.put_text(tags::MULTIPLEX_GROUP_LABEL, VR::SH, "RHYTHM");
    let channels = LEADS.iter().map(|lead| channel(&group, lead)).collect();
    group.put_items(tags::CHANNEL_DEFINITION_SEQUENCE, channels);
    group.put_u16(tags::WAVEFORM_BITS_ALLOCATED, 16);
    group.put_text(tags::WAVEFORM_SAMPLE_INTERPRETATION, VR::CS, "SS");
    binary(
        &mut group,
        tags::WAVEFORM_DATA,
        VR::OW,
        wave(beats, study.root as u64),
    );
    d.put_items(tags::WAVEFORM_SEQUENCE, vec![group]);
    vec![finish(d)]
}

fn channel(group: &Dataset, Lead(number, name, _): &Lead) -> Dataset {
    let mut c = Dataset::item_of(group);
    c.put_text(tags::CHANNEL_LABEL, VR::SH, name);
    code(
        &mut c,
        tags::CHANNEL_SOURCE_SEQUENCE,
        (number, "SCPECG", name),
    );
    decimals(&mut c, tags::CHANNEL_SENSITIVITY, &[STEP_UV]);
    let unit = ("uV", "UCUM", "microvolt");
    code(&mut c, tags::CHANNEL_SENSITIVITY_UNITS_SEQUENCE, unit);
    decimals(&mut c, tags::CHANNEL_SENSITIVITY_CORRECTION_FACTOR, &[1.0]);
    decimals(&mut c, tags::CHANNEL_BASELINE, &[0.0]);
    decimals(&mut c, tags::CHANNEL_SAMPLE_SKEW, &[0.0]);
    c.put_u16(tags::WAVEFORM_BITS_STORED, 16);
    decimals(&mut c, tags::FILTER_LOW_FREQUENCY, &[0.05]);
    decimals(&mut c, tags::FILTER_HIGH_FREQUENCY, &[150.0]);
    c
}

/// Samples of all leads in turn (PS3.3 C.10.9.1.7).
fn wave(beats: f64, seed: u64) -> Vec<u8> {
    let mut grain = Grain::new(seed);
    let length = 60.0 / beats;
    let mut bytes = Vec::with_capacity(RATE_HZ * SECONDS * 24);
    for sample in 0..RATE_HZ * SECONDS {
        let within = (sample as f64 / RATE_HZ as f64) % length;
        for Lead(_, _, heights) in &LEADS {
            let level = level(within, length, heights) + f64::from(grain.next(14));
            let steps = (level / STEP_UV).round() as i16;
            bytes.extend(steps.to_le_bytes());
        }
    }
    bytes
}

/// Microvolts so many seconds into a beat.
fn level(at: f64, length: f64, [p, q, r, s, st, t]: &[f64; 6]) -> f64 {
    let bump =
        |centre: f64, width: f64, height: f64| height * (-((at - centre) / width).powi(2)).exp();
    // The T wave follows a faster heart sooner.
    let repolarised = 0.24 + 0.30 * length.sqrt();
    let raised = ((at - 0.27) / 0.015).tanh() - ((at - repolarised + 0.06) / 0.03).tanh();
    bump(0.10, 0.025, *p)
        + bump(0.195, 0.008, *q)
        + bump(0.22, 0.010, *r)
        + bump(0.245, 0.009, *s)
        + st * raised / 2.0
        + bump(repolarised, 0.05, *t)
}
