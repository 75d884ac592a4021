//! Carries a generated network into a running application, through the same use cases that pages and interfaces
//! call. Only the time of each step is set: what the network says happened weeks ago is decided as of then.

mod people;

use app::{App, AppError};

use crate::generate::Network;

/// Carries everything in. The application must hold no hospital yet.
pub async fn populate(app: &App, network: &Network) -> Result<(), AppError> {
    people::hospitals(app, network).await?;
    let ids = people::staff(app, network).await?;
    tracing::info!(accounts = ids.len(), "demonstration staff ready");
    Ok(())
}
