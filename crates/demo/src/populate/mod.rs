//! Carries a generated network into a running application, through the same use cases that pages and interfaces
//! call. Only the time of each step is set: what the network says happened weeks ago is decided as of then.

mod agreements;
mod cases;
mod opinions;
mod people;
mod records;
mod studies;
mod world;

use std::collections::BTreeMap;

use app::{App, AppError};
use kernel::{RecordKey, ResourceId};

use crate::generate::Network;
use world::World;

/// Where things of the network lie in the application.
#[derive(Debug, Clone, Default)]
pub struct Placed {
    /// Cases by the key of their plan.
    pub cases: BTreeMap<&'static str, RecordKey>,
    /// Agreements by their number.
    pub agreements: BTreeMap<&'static str, ResourceId>,
    /// Studies of images by the key of their plan.
    pub studies: BTreeMap<&'static str, RecordKey>,
}

/// Carries everything in. The application must hold no hospital yet.
pub async fn populate(app: &App, network: &Network) -> Result<Placed, AppError> {
    people::hospitals(app, network).await?;
    let accounts = people::staff(app, network).await?;
    let mut world = World {
        app,
        network,
        accounts,
        agreements: BTreeMap::new(),
    };
    agreements::all(&mut world).await?;
    let ids = records::all(&world).await?;
    people::patients(app, network, &ids).await?;
    let studies = studies::arrive(&world).await?;
    let cases = cases::all(&world, &ids, &studies).await?;
    studies::read(&world, &studies, &cases).await?;
    agreements::wind_up(&world).await?;
    tracing::info!(
        records = ids.len(),
        cases = network.cases.len(),
        "demonstration ready"
    );
    Ok(Placed {
        cases,
        agreements: world.agreements,
        studies,
    })
}
