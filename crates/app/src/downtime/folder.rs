//! Packs written into a folder every few hours, one file per hospital, the newest few kept.
//!
//! When the next is due is read from the folder itself, so that a restart neither skips nor repeats one.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use kernel::HospitalId;

use crate::settings::Downtime;
use crate::{App, AppError, Language};

/// Files of one hospital that are kept.
const KEPT: usize = 3;

impl App {
    /// Writes the packs that are due. Gives how many were written.
    pub async fn downtime_packs(&self) -> Result<usize, AppError> {
        let Some(settings) = self.settings.downtime.clone() else {
            return Ok(0);
        };
        let mut written = 0;
        for hospital in self.all_hospitals() {
            if !self.pack_is_due(&settings, &hospital.id)? {
                continue;
            }
            let mut spoken = hospital.languages.iter();
            let language = spoken
                .find_map(|l| Language::from_tag(l))
                .unwrap_or_default();
            let cx = self.pack_cx(&hospital.id, language);
            let pdf = self.downtime_pdf(&cx, language.tag()).await?;
            let stamp = cx.now.to_zoned(jiff::tz::TimeZone::UTC);
            let name = format!("{}-{}.pdf", hospital.id, stamp.strftime(STAMP));
            let (folder, id) = (settings.folder.clone(), hospital.id.clone());
            tokio::task::spawn_blocking(move || keep(&folder, &id, &name, &pdf))
                .await
                .map_err(|_| AppError::Internal("writing a pack was cut off".into()))?
                .map_err(|e| unavailable(&e))?;
            written += 1;
        }
        Ok(written)
    }

    fn pack_is_due(&self, settings: &Downtime, hospital: &HospitalId) -> Result<bool, AppError> {
        let newest = packs_of(&settings.folder, hospital)
            .map_err(|e| unavailable(&e))?
            .pop();
        let Some((at, _)) = newest else {
            return Ok(true);
        };
        let age = self.now().duration_since(at).as_secs();
        Ok(age < 0 || age.unsigned_abs() >= settings.every.as_secs())
    }
}

/// The instant in a file's name, UTC.
const STAMP: &str = "%Y%m%dT%H%M%SZ";

fn unavailable(error: &std::io::Error) -> AppError {
    AppError::Unavailable(format!("folder of downtime packs: {error}"))
}

/// The packs of a hospital, oldest first.
fn packs_of(
    folder: &Path,
    hospital: &HospitalId,
) -> std::io::Result<Vec<(kernel::Instant, PathBuf)>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let prefix = format!("{hospital}-");
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        let stamp = name
            .strip_prefix(&prefix)
            .and_then(|rest| rest.strip_suffix(".pdf"));
        let at = stamp.and_then(|s| jiff::civil::DateTime::strptime(STAMP, s).ok());
        if let Some(at) = at.and_then(|d| d.to_zoned(jiff::tz::TimeZone::UTC).ok()) {
            found.push((at.timestamp(), path));
        }
    }
    found.sort();
    Ok(found)
}

/// Writes the file whole or not at all, readable by its owner alone, and removes what is older than the newest few.
fn keep(folder: &Path, hospital: &HospitalId, name: &str, pdf: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let part = folder.join(format!(".{name}.part"));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&part)?;
    file.write_all(pdf)?;
    file.sync_all()?;
    std::fs::rename(&part, folder.join(name))?;
    std::fs::File::open(folder)?.sync_all()?;
    let packs = packs_of(folder, hospital)?;
    let old = packs.len().saturating_sub(KEPT);
    for (_, path) in &packs[..old] {
        std::fs::remove_file(path)?;
    }
    Ok(())
}
