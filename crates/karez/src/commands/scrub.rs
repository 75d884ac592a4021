//! `karez scrub`: every file read from end to end, also while the node serves.

use std::process::ExitCode;

use super::backup::say;
use crate::config::Config;
use crate::node;

/// Bytes read between two lines of progress in the log.
const STRETCH_BYTES: u64 = 1 << 30;

pub async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    crate::tls::install_provider();
    let (store, _lock) = node::store_beside(config).await?;
    let (mut next, mut files, mut bytes, mut faulty) = (None, 0, 0, 0);
    loop {
        let done = store.scrub(next.take(), STRETCH_BYTES).await?;
        files += done.blobs;
        bytes += done.bytes;
        faulty += done.faulty.len();
        for found in &done.faulty {
            say(&serde_json::to_string(found)?)?;
        }
        next = done.next;
        if next.is_none() {
            break;
        }
        tracing::info!(files, bytes, "scrubbing");
    }
    store.close().await;
    say(&serde_json::json!({"files": files, "bytes": bytes, "faulty": faulty}).to_string())?;
    Ok(if faulty == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
