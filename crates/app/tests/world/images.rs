//! A study of Yarqum's patient, with objects that were sent.

use app::imaging::ImageSource;
use imaging::Dataset;
use kernel::RecordKey;
pub use testkit::images::STUDY;
use testkit::images::{dataset_of, file_of};
use testkit::records::hospital_id;

use super::World;

/// An image of the patient p1.
pub fn dataset(study: &str, n: u32, modality: &str, accession: &str) -> Dataset {
    dataset_of("YQ-0048213", study, n, modality, accession)
}

impl World {
    /// Keeps an object at Yarqum, as its scanner sends it.
    pub async fn send(&self, d: &Dataset) -> RecordKey {
        let source = ImageSource {
            sender: "CT1".into(),
            exchange: "x1".into(),
            issuer: Some("https://yarqum.example/id/patient".into()),
        };
        let at = hospital_id("yarqum");
        let cx = self.cx("alimjan");
        let kept = self.node.app.image_store(&cx, &at, file_of(d), &source);
        kept.await.unwrap().study
    }

    /// A CT of three images, all of which have come.
    pub async fn study(&self) -> RecordKey {
        let mut key = None;
        for n in 1..=3 {
            key = Some(self.send(&dataset(STUDY, n, "CT", "A1")).await);
        }
        self.minutes(5);
        self.node.app.quiet_studies().await.unwrap();
        key.unwrap()
    }
}
