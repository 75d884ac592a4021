//! Ages by jurisdiction: from when someone consents alone, and from when their assent is asked beside a guardian's
//! consent. Tables inform the form; the person recording the consent judges capacity.

/// Ages in completed years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ages {
    /// Consents alone to medical care and the sharing that serves it.
    pub majority: u8,
    /// Is heard, and assents or not.
    pub assent: u8,
    pub law: &'static str,
}

/// Where nothing is known: eighteen, and assent from twelve (Convention on the Rights of the Child art. 1 and 12).
const DEFAULT: Ages = Ages {
    majority: 18,
    assent: 12,
    law: "CRC art. 1, 12",
};

const TABLE: &[(&str, Ages)] = &[
    (
        "CN",
        Ages {
            majority: 18,
            assent: 8,
            law: "Civil Code art. 17–19",
        },
    ),
    (
        "GB",
        Ages {
            majority: 16,
            assent: 12,
            law: "Family Law Reform Act 1969 s. 8",
        },
    ),
    (
        "KZ",
        Ages {
            majority: 18,
            assent: 10,
            law: "Code on Public Health art. 134",
        },
    ),
    (
        "RU",
        Ages {
            majority: 15,
            assent: 10,
            law: "Federal Law 323-FZ art. 20, 54",
        },
    ),
    (
        "US",
        Ages {
            majority: 18,
            assent: 7,
            law: "state law; 45 CFR 46.408 for assent",
        },
    ),
];

/// The ages of a jurisdiction (ISO 3166-1 alpha-2).
pub fn ages(jurisdiction: &str) -> Ages {
    TABLE
        .iter()
        .find(|(code, _)| *code == jurisdiction)
        .map_or(DEFAULT, |(_, ages)| *ages)
}
