//! Objects larger than the memory that is given to all of them.

use karez_gateway::dicomweb::{self, DicomWeb, Pictures};
use karez_gateway::dimse::Room;

use super::*;
use crate::object::phantom;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_larger_than_the_memory_for_all_is_kept_and_comes_back() {
    let world = World::new().await;
    let small = dicomweb::router(DicomWeb {
        app: Arc::new(world.node.app.clone()),
        object_bytes_max: 64 << 20,
        room: Room::of_mib(9),
        pictures: Pictures::default(),
    });
    let world = World {
        router: small,
        ..world
    };
    let mut large = phantom();
    large.side = 512;
    let film = imaging::write(&large.film(900, 40), true);
    let film = imaging::file::wrap(&film, testkit::phantom::MR, &uid(900), EXPLICIT, None);
    let noise: Vec<u8> = (0..20_000_000_u32)
        .map(|n| (n.wrapping_mul(n) >> 9) as u8)
        .collect();
    let answer = world.stow(&[file(1), noise.into(), film.clone()]).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{:?}", answer.body);
    let said = answer.json();
    assert_eq!(said["00081199"]["Value"].as_array().unwrap().len(), 2);
    assert_eq!(said["00081198"]["Value"][0]["00081197"]["Value"][0], 0xc000);
    let whole = "application/dicom; transfer-syntax=*";
    let back = world.get(&instance(900), whole).await;
    assert!(back.body == film);
    let frames = "multipart/related; type=application/octet-stream";
    let last = format!("{}/frames/40", instance(900));
    let last = world.get(&last, frames).await;
    assert!(last.parts()[0] == large.pixels(40));
    let refused = world.stow_as(&world.own, "studies/1.2.3.4", &[film]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let reason = &refused.json()["00081198"]["Value"][0];
    assert_eq!(reason["00081197"]["Value"][0], 0xa900);
    assert_eq!(reason["00081155"]["Value"][0], uid(900));
}

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
