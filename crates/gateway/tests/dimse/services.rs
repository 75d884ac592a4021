use std::sync::atomic::Ordering;

use karez_gateway::dimse::classes::{
    EXPLICIT_LITTLE, IMPLICIT_LITTLE, STORAGE_COMMITMENT, STUDY_ROOT_FIND, VERIFICATION,
};
use karez_gateway::dimse::status;

use crate::world::{MR, World, command, number, settings};

#[tokio::test]
async fn an_object_is_kept_as_it_was_sent() {
    let world = World::new().await;
    let mut scanner = world.connect("SCANNER").await.unwrap();
    let data: Vec<u8> = (0..100_000u32).map(|n| n.to_le_bytes()[0]).collect();
    assert_eq!(scanner.store(MR, data.clone()).await, Some(status::SUCCESS));
    let kept = world.host.files.lock().unwrap()[0].clone();
    assert_eq!(&kept[128..132], b"DICM");
    assert!(kept.ends_with(&data));
    assert!(scanner.0.release().await.is_ok());
    world.stop().await;
}

#[tokio::test]
async fn a_request_is_refused_by_status_and_the_association_goes_on() {
    let world = World::new().await;
    let mut reader = world.connect("READER").await.unwrap();
    // May not store.
    assert_eq!(
        reader.store(MR, vec![0; 50_000]).await,
        Some(status::NOT_AUTHORISED)
    );
    let mut scanner = world.connect("SCANNER").await.unwrap();
    // Another class than the context's.
    assert_eq!(
        scanner
            .store("1.2.840.10008.5.1.4.1.1.2", vec![0; 10])
            .await,
        Some(status::CLASS_NOT_SUPPORTED)
    );
    // Larger than an object may be: read to its end, then refused.
    assert_eq!(
        scanner.store(MR, vec![0; 3 << 20]).await,
        Some(status::OUT_OF_RESOURCES)
    );
    assert_eq!(scanner.store(MR, vec![0; 10]).await, Some(status::SUCCESS));
    assert_eq!(world.host.files.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn strangers_and_what_is_not_offered_are_refused() {
    let world = World::new().await;
    let refused = world.connect("STRANGER").await.err().unwrap();
    assert!(refused.contains("reject"), "{refused}");
    let contexts: [(&str, &[&str]); 2] = [
        (VERIFICATION, &[IMPLICIT_LITTLE]),
        (STORAGE_COMMITMENT, &[IMPLICIT_LITTLE]),
    ];
    let scanner = world.connect_for("SCANNER", &contexts).await.unwrap();
    let accepted: Vec<&str> = scanner
        .0
        .presentation_contexts()
        .iter()
        .map(|c| c.abstract_syntax.as_str())
        .collect();
    assert_eq!(accepted, [VERIFICATION]);
}

#[tokio::test]
async fn a_peer_that_is_withdrawn_is_cut_within_a_second() {
    let world = World::new().await;
    let mut scanner = world.connect("SCANNER").await.unwrap();
    assert_eq!(scanner.store(MR, vec![0; 10]).await, Some(status::SUCCESS));
    world.host.withdrawn.store(true, Ordering::SeqCst);
    let mut last = Some(status::SUCCESS);
    let began = tokio::time::Instant::now();
    while last == Some(status::SUCCESS) && began.elapsed().as_secs() < 10 {
        last = scanner.store(MR, vec![0; 10]).await;
    }
    assert_eq!(last, Some(status::NOT_AUTHORISED));
}

#[tokio::test]
async fn a_query_is_answered_to_its_end_or_until_it_is_cancelled() {
    let world = World::new().await;
    let contexts: [(&str, &[&str]); 1] = [(STUDY_ROOT_FIND, &[EXPLICIT_LITTLE])];
    let mut reader = world.connect_for("READER", &contexts).await.unwrap();
    let context = reader.context(STUDY_ROOT_FIND);
    let find = command(0x0020, STUDY_ROOT_FIND, 5, true, &[]);
    reader.send(context, find.clone(), Some(vec![0; 2])).await;
    let mut pending = 0;
    loop {
        match reader.status().await {
            Some(status::PENDING) => pending += 1,
            last => break assert_eq!(last, Some(status::SUCCESS)),
        }
    }
    assert_eq!(pending, 1_000);
    // Asked again, with a cancel right behind.
    reader.send(context, find, Some(vec![0; 2])).await;
    let cancel = command(0x0fff, STUDY_ROOT_FIND, 0, false, &[(0x0120, &[5, 0])]);
    reader.send(context, cancel, None).await;
    let mut answers = 0;
    loop {
        answers += 1;
        match reader.status().await {
            Some(status::PENDING) => {}
            last => break assert_eq!(last, Some(status::CANCELLED)),
        }
    }
    assert!(answers < 1_000, "{answers}");
}

#[tokio::test]
async fn there_are_as_many_associations_as_are_allowed() {
    let world = World::new().await;
    let mut open = Vec::new();
    for _ in 0..settings().per_peer_max {
        open.push(world.connect("SCANNER").await.unwrap());
    }
    assert!(world.connect("SCANNER").await.is_err());
    open.pop().unwrap().0.release().await.unwrap();
    let mut found_place = false;
    for _ in 0..100 {
        found_place = world.connect("SCANNER").await.is_ok();
        if found_place {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(found_place, "a place that was given back is taken again");
}

#[tokio::test]
async fn a_move_to_nobody_known_is_refused() {
    use karez_gateway::dimse::classes::STUDY_ROOT_MOVE;
    let world = World::new().await;
    let contexts: [(&str, &[&str]); 1] = [(STUDY_ROOT_MOVE, &[EXPLICIT_LITTLE])];
    let mut reader = world.connect_for("READER", &contexts).await.unwrap();
    let context = reader.context(STUDY_ROOT_MOVE);
    let asked = command(0x0021, STUDY_ROOT_MOVE, 1, true, &[(0x0600, b"NOBODY")]);
    reader.send(context, asked, Some(vec![0; 2])).await;
    let answer = reader.answer().await.unwrap();
    assert_eq!(number(&answer, 0x0900), Some(status::DESTINATION_UNKNOWN));
}
