//! The demonstration network: made up from a seed, then carried into a running application through its use cases.

pub mod generate;
pub mod populate;

use generate::Network;

/// The password of every account of the demonstration.
pub const PASSWORD: &str = "snow melts into the karez";

/// One line of the list of accounts that `karez demo` prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLine {
    pub login: String,
    pub name: String,
    /// What the person is, in English.
    pub role: String,
    /// Ids of the hospitals they act for.
    pub hospitals: Vec<&'static str>,
}

/// Every account: staff in the order of their hospitals, then patients.
pub fn accounts(network: &Network) -> Vec<AccountLine> {
    let staff = network.staff.iter().map(|s| AccountLine {
        login: s.email(),
        name: s.name.into(),
        role: s.title_en.into(),
        hospitals: s.posts.iter().map(|p| p.hospital).collect(),
    });
    let patients = network.people.iter().filter_map(|p| {
        Some(AccountLine {
            login: p.account.clone()?,
            name: p.name.latin(),
            role: "Patient".into(),
            hospitals: p.records.iter().map(|r| r.hospital).collect(),
        })
    });
    staff.chain(patients).collect()
}
