//! What an audit entry's hash covers, the same on every back end.

/// The parts of one entry, in the order in which they are hashed.
pub(crate) struct Entry<'a> {
    pub number: u64,
    pub at_us: i64,
    pub account: Option<&'a str>,
    pub patient: Option<&'a str>,
    pub action: &'a str,
    pub body: &'a [u8],
}

/// SHA-256 over the hash before and the entry: number and time as 8 bytes each, big-endian, then account, patient,
/// action and body, each led by its length in 8 bytes (all ones where there is none), so that no two entries have
/// the same bytes.
pub(crate) fn next(prev: [u8; 32], entry: &Entry<'_>) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(entry.body.len() + 128);
    bytes.extend(entry.number.to_be_bytes());
    bytes.extend(entry.at_us.to_be_bytes());
    let parts = [
        entry.account.map(str::as_bytes),
        entry.patient.map(str::as_bytes),
        Some(entry.action.as_bytes()),
        Some(entry.body),
    ];
    for part in parts {
        match part {
            None => bytes.extend(u64::MAX.to_be_bytes()),
            Some(p) => {
                bytes.extend((p.len() as u64).to_be_bytes());
                bytes.extend(p);
            }
        }
    }
    seal::chain_next(prev, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_and_empty_differ_and_every_part_counts() {
        let base = || Entry {
            number: 1,
            at_us: 2,
            account: Some("a"),
            patient: None,
            action: "read",
            body: b"{}",
        };
        let h = next(seal::CHAIN_START, &base());
        let others = [
            Entry {
                number: 2,
                ..base()
            },
            Entry { at_us: 3, ..base() },
            Entry {
                account: None,
                ..base()
            },
            Entry {
                patient: Some(""),
                ..base()
            },
            Entry {
                action: "write",
                ..base()
            },
            Entry {
                body: b"[]",
                ..base()
            },
        ];
        for o in &others {
            assert_ne!(next(seal::CHAIN_START, o), h);
        }
        assert_ne!(next(h, &base()), h);
    }
}
