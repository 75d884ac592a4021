//! Work that goes on beside requests: the jobs of `app::jobs`.

use std::time::Duration;

use app::App;
use tokio::task::JoinHandle;

/// Jobs under way.
pub struct Jobs(Vec<JoinHandle<()>>);

/// Starts the jobs of this node.
pub fn start(app: &App) -> Jobs {
    let app = app.clone();
    let node = format!("{}-{}", std::process::id(), app.new_id());
    Jobs(vec![tokio::spawn(async move { app.run_jobs(node).await })])
}

impl Jobs {
    /// Waits until each has ended; they hear of the closing by themselves.
    pub async fn stop(self) {
        for job in self.0 {
            let _ = tokio::time::timeout(Duration::from_secs(10), job).await;
        }
    }
}
