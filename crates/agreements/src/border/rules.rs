//! Rules of exporting jurisdictions, as data with the clause named. They inform and gate; they are not legal advice,
//! and each hospital's counsel decides which apply. Reviewed 2026-11.

/// One law, seen from the exporting jurisdiction.
#[derive(Debug, PartialEq, Eq)]
pub struct Regime {
    /// Exporting jurisdictions (ISO 3166-1 alpha-2).
    pub exporters: &'static [&'static str],
    pub law: &'static str,
    /// A consent separate from that to treatment is asked for, by this clause.
    pub separate_consent: Option<&'static str>,
    pub thresholds: &'static [Threshold],
    /// Every disclosure is listed for the person for this many years; none: no such duty.
    pub accounting_years: Option<u8>,
}

/// Persons per calendar year from which more is due: to each of `destinations`, or to all together where it is empty.
#[derive(Debug, PartialEq, Eq)]
pub struct Threshold {
    pub code: &'static str,
    pub clause: &'static str,
    pub persons: u64,
    pub sensitive_only: bool,
    pub destinations: &'static [&'static str],
    /// What is due from then on; a word to translate under `due-…`.
    pub due: &'static str,
}

const EEA: &[&str] = &[
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS",
    "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// 28 CFR 202.601: countries of concern.
const CONCERN: &[&str] = &["CN", "CU", "HK", "IR", "KP", "MO", "RU", "VE"];

/// Every regime known.
pub static REGIMES: &[Regime] = &[
    Regime {
        exporters: &["CN"],
        law: "PIPL art. 38–40; CAC Provisions on Promoting and Regulating Cross-Border Data Flows (2024)",
        separate_consent: Some("PIPL art. 39"),
        thresholds: &[
            Threshold {
                code: "cn-sensitive-contract",
                clause: "CAC Provisions 2024 art. 8",
                persons: 1,
                sensitive_only: true,
                destinations: &[],
                due: "standard-contract",
            },
            Threshold {
                code: "cn-sensitive-assessment",
                clause: "CAC Provisions 2024 art. 7(2)",
                persons: 10_000,
                sensitive_only: true,
                destinations: &[],
                due: "security-assessment",
            },
            Threshold {
                code: "cn-ordinary-contract",
                clause: "CAC Provisions 2024 art. 8",
                persons: 100_000,
                sensitive_only: false,
                destinations: &[],
                due: "standard-contract",
            },
            Threshold {
                code: "cn-ordinary-assessment",
                clause: "CAC Provisions 2024 art. 7(2)",
                persons: 1_000_000,
                sensitive_only: false,
                destinations: &[],
                due: "security-assessment",
            },
        ],
        accounting_years: None,
    },
    Regime {
        exporters: &["US"],
        law: "28 CFR part 202 (bulk U.S. sensitive personal data)",
        separate_consent: None,
        thresholds: &[
            Threshold {
                code: "us-omic",
                clause: "28 CFR 202.205(a)",
                persons: 100,
                sensitive_only: true,
                destinations: CONCERN,
                due: "stop-and-ask-counsel",
            },
            Threshold {
                code: "us-health",
                clause: "28 CFR 202.205(d)",
                persons: 10_000,
                sensitive_only: false,
                destinations: CONCERN,
                due: "stop-and-ask-counsel",
            },
        ],
        accounting_years: None,
    },
    Regime {
        exporters: &["US"],
        law: "HIPAA Privacy Rule",
        separate_consent: None,
        thresholds: &[],
        // 45 CFR 164.528: accounting of disclosures for six years.
        accounting_years: Some(6),
    },
    Regime {
        exporters: EEA,
        law: "GDPR ch. V",
        separate_consent: Some("GDPR art. 49(1)(a)"),
        thresholds: &[],
        accounting_years: None,
    },
    Regime {
        exporters: &["GB"],
        law: "UK GDPR ch. V",
        separate_consent: Some("UK GDPR art. 49(1)(a)"),
        thresholds: &[],
        accounting_years: None,
    },
    Regime {
        exporters: &["KZ"],
        law: "Law on Personal Data and Their Protection (No. 94-V)",
        separate_consent: Some("Law No. 94-V art. 16"),
        thresholds: &[],
        accounting_years: None,
    },
];

/// Regimes of an exporting jurisdiction.
pub fn regimes_of(exporter: &str) -> impl Iterator<Item = &'static Regime> {
    REGIMES
        .iter()
        .filter(move |r| r.exporters.contains(&exporter))
}

/// The clause by which a separate consent is asked for, if one is.
pub fn separate_consent_law(exporter: &str) -> Option<&'static str> {
    regimes_of(exporter).find_map(|r| r.separate_consent)
}
