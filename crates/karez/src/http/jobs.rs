//! Work that goes on beside requests.

use std::time::Duration;

use app::App;
use tokio::task::JoinHandle;

/// How often spent assertions are forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(15 * 60);

/// Jobs under way.
pub struct Jobs(Vec<JoinHandle<()>>);

/// Starts the jobs of this node.
pub fn start(app: &App) -> Jobs {
    Jobs(vec![tokio::spawn(tidy(app.clone()))])
}

impl Jobs {
    /// Waits until each has ended; they hear of the closing by themselves.
    pub async fn stop(self) {
        for job in self.0 {
            let _ = tokio::time::timeout(Duration::from_secs(10), job).await;
        }
    }
}

async fn tidy(app: App) {
    let mut closing = app.closing();
    loop {
        tokio::select! {
            _ = closing.wait_for(|c| *c) => return,
            () = tokio::time::sleep(TIDY_EVERY) => {}
        }
        if let Err(e) = app.forget_used_assertions().await {
            tracing::warn!(error = %e, "spent assertions were not forgotten");
        }
    }
}
