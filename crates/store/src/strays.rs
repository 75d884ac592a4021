//! Files that no row knows: what a crash left between a file and the commit that would have referred to it. They are
//! looked for a little at a time, and deleted once they are a day old.

use std::collections::HashSet;

use futures::TryStreamExt as _;
use kernel::HospitalId;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;

use crate::StoreError;
use crate::blob_index::Backend;
use crate::blobs::{Blobs, UNUSED_HOURS};
use crate::objects::object_error;

/// Hexadecimal digits of an address.
const ADDRESS: usize = 64;
/// Rows read at once.
const AT_ONCE: u32 = 1_000;

/// Where one look ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strays {
    pub deleted: u64,
    /// Where to go on; none when every folder was looked at.
    pub next: Option<String>,
}

impl Blobs {
    /// Looks through one folder of files, the first one after `after`.
    pub async fn sweep_strays(
        &self,
        db: &dyn Backend,
        after: Option<String>,
    ) -> Result<Strays, StoreError> {
        let Some((hospital, two)) = self.next_folder(after).await? else {
            return Ok(Strays::default());
        };
        let folder = Path::from(format!("{hospital}/{two}"));
        let before = self.day_ago()?.as_second();
        let files: Vec<String> = self
            .objects()
            .list(Some(&folder))
            .try_filter_map(|f| async move {
                let old = f.last_modified.timestamp() < before;
                let name = f.location.filename().unwrap_or_default().to_owned();
                Ok((old && is_hex(&name, ADDRESS)).then_some(name))
            })
            .try_collect()
            .await
            .map_err(object_error)?;
        let mut strays: Vec<String> = Vec::new();
        if !files.is_empty() {
            let known = known(db, &hospital, &two).await?;
            strays.extend(files.into_iter().filter(|f| !known.contains(f)));
        }
        let mut deleted = 0;
        if !strays.is_empty() {
            // Nothing is put meanwhile; what was put since has its row, or is new again.
            let _turn = self.turn.write().await;
            let known = known(db, &hospital, &two).await?;
            for name in strays.iter().filter(|f| !known.contains(*f)) {
                let path = Path::from(format!("{hospital}/{two}/{name}"));
                let now = self.objects().head(&path).await;
                if now.is_ok_and(|f| f.last_modified.timestamp() < before) {
                    self.objects().delete(&path).await.map_err(object_error)?;
                    deleted += 1;
                }
            }
        }
        Ok(Strays {
            deleted,
            next: Some(format!("{hospital}/{two}")),
        })
    }

    /// The first folder after the given one: a hospital and two digits.
    async fn next_folder(
        &self,
        after: Option<String>,
    ) -> Result<Option<(HospitalId, String)>, StoreError> {
        let after = after.unwrap_or_default();
        let mut hospitals = self.folders(None).await?;
        hospitals.sort();
        for hospital in hospitals {
            let Ok(id) = HospitalId::new(&hospital) else {
                continue;
            };
            let mut twos = self.folders(Some(&Path::from(hospital.as_str()))).await?;
            twos.retain(|two| is_hex(two, 2));
            twos.sort();
            let next = twos
                .into_iter()
                .find(|two| format!("{hospital}/{two}") > after);
            if let Some(two) = next {
                return Ok(Some((id, two)));
            }
        }
        Ok(None)
    }

    async fn folders(&self, of: Option<&Path>) -> Result<Vec<String>, StoreError> {
        let listed = self.objects().list_with_delimiter(of).await;
        let all = listed.map_err(object_error)?.common_prefixes;
        Ok(all
            .iter()
            .filter_map(|p| p.filename().map(str::to_owned))
            .collect())
    }

    fn day_ago(&self) -> Result<kernel::Instant, StoreError> {
        self.now()
            .checked_sub(jiff::SignedDuration::from_hours(UNUSED_HOURS))
            .map_err(|_| StoreError::Internal("the clock is out of range".into()))
    }
}

/// Every address of the hospital that begins with two digits and that the database holds to be there.
async fn known(
    db: &dyn Backend,
    hospital: &HospitalId,
    two: &str,
) -> Result<HashSet<String>, StoreError> {
    let mut out = HashSet::new();
    let mut after = two.to_owned();
    loop {
        let page = db.blobs(Some((hospital.clone(), after)), AT_ONCE).await?;
        let full = page.len() == AT_ONCE as usize;
        let mut last = None;
        for blob in page {
            if blob.hospital != *hospital || !blob.address.starts_with(two) {
                return Ok(out);
            }
            last = Some(blob.address.clone());
            out.insert(blob.address);
        }
        match last {
            Some(address) if full => after = address,
            _ => return Ok(out),
        }
    }
}

fn is_hex(text: &str, len: usize) -> bool {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.len() == len && text.bytes().all(digit)
}
