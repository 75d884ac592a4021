//! Work that goes on beside requests: the jobs of `app::jobs`, and what other nodes committed that this one has to know.

use std::time::Duration;

use app::App;
use store::backup::ship::Shipper;
use tokio::task::JoinHandle;

/// Jobs under way.
pub struct Jobs(Vec<JoinHandle<()>>);

/// Starts the jobs of this node.
pub fn start(app: &App) -> Jobs {
    let app = app.clone();
    let node = format!("{}-{}", std::process::id(), app.new_id());
    let follower = app.clone();
    Jobs(vec![
        tokio::spawn(async move { app.run_jobs(node).await }),
        tokio::spawn(async move { follower.follow_feed().await }),
    ])
}

impl Jobs {
    /// Carries the log to the backup place until the node closes, and once more then.
    pub fn follow(&mut self, app: &App, shipper: Shipper) {
        let app = app.clone();
        let closing = async move { app.until_closing().await };
        self.0.push(tokio::spawn(shipper.run(closing)));
    }

    /// Waits until each has ended; they hear of the closing by themselves.
    pub async fn stop(self) {
        for job in self.0 {
            let _ = tokio::time::timeout(Duration::from_secs(10), job).await;
        }
    }
}
