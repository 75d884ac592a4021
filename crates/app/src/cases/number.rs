//! Case numbers: `K-26-00123`, counted per year on the node. A number says nothing about the patient.

use agreements::SystemPurpose;
use kernel::{HospitalId, Instant, ResourceId};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup};

use crate::docs::{self, Document, Versioned};
use crate::{App, AppError};

/// The last number given in one year.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct CaseNumbers {
    last: u32,
}

impl Document for CaseNumbers {
    const KIND: &'static str = "case-numbers";
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
}

impl App {
    /// The next number, taken within the batch: two that take the same one cannot both be committed.
    pub(crate) async fn next_case_number(
        &self,
        batch: &mut Batch,
        now: Instant,
    ) -> Result<String, AppError> {
        let year = now.to_zoned(jiff::tz::TimeZone::UTC).year() % 100;
        let id = ResourceId::new(format!("{year:02}"))?;
        let network = HospitalId::network();
        let permit = self.system(SystemPurpose::Decision);
        let mut numbers = self
            .load::<CaseNumbers>(&permit, &network, &id)
            .await?
            .unwrap_or_else(|| Versioned {
                key: self.doc_key::<CaseNumbers>(&network, &id),
                version: 0,
                doc: CaseNumbers::default(),
            });
        numbers.doc.last += 1;
        docs::put(batch, &numbers)?;
        Ok(format!("K-{year:02}-{:05}", numbers.doc.last))
    }
}
