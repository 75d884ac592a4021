//! Objects are kept, found and opened again; what is none is refused; what is the same is no contradiction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_kept_is_found_opened_and_becomes_an_imaging_study() {
    let w = world().await;
    patient_with_number(&w, "p17", MRN, "17").await;
    let first = send(&w, &said(1)).await;
    assert_eq!(first.outcome, Outcome::New);
    let second = send(&w, &said(2)).await;
    assert_eq!(
        (second.outcome, &second.study),
        (Outcome::New, &first.study)
    );
    assert_eq!(send(&w, &said(2)).await.outcome, Outcome::Again);
    // One exchange, one study: one entry.
    assert_eq!(audited(&w, "imaging.stored").await, 1);
    let begun = imaging_study(&w, &first).await;
    assert_eq!(begun["status"], "registered");
    assert_eq!(begun["subject"]["reference"], "Patient/p17");

    let cx = w.clinician();
    let rows = found(&w, &cx, &ask(Level::Study, &[("PatientID", "17")])).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["0020000D"]["Value"][0], "1.2.826.1");
    assert_eq!(rows[0]["00201208"]["Value"][0], 2);
    assert_eq!(rows[0]["00080061"]["Value"][0], "CT");
    assert_eq!(rows[0]["00100010"]["Value"][0]["Ideographic"], "王^小东");
    let order: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    assert!(order.is_sorted());
    let target = Target::study("1.2.826.1");
    let lines = w.app().image_locate(&cx, &home(), &target).await.unwrap();
    assert_eq!(lines.len(), 2);
    let open = w.app().image_open(&cx, &lines[1]).await.unwrap();
    assert_eq!(open.all().await.unwrap(), file(&said(2)));
    assert_eq!(open.range(128..132).await.unwrap(), "DICM");
    imaging::Layout::from_bytes(open.layout_bytes()).unwrap();
    let (meta, next) = w
        .app()
        .image_metadata(&cx, &home(), &target, None, 1)
        .await
        .unwrap();
    let first_of_two: serde_json::Value = serde_json::from_slice(&meta[0]).unwrap();
    assert_eq!(first_of_two["00080018"]["Value"][0], "1.2.826.1.1.1");
    let (rest, end) = w
        .app()
        .image_metadata(&cx, &home(), &target, next.as_ref(), 9)
        .await
        .unwrap();
    assert_eq!((rest.len(), end), (1, None));
    assert!(audited(&w, "imaging.read").await > 0);
    assert!(audited(&w, "imaging.searched").await > 0);

    assert_eq!(w.app().quiet_studies().await.unwrap(), 0, "it may go on");
    w.node.clock.advance(SignedDuration::from_secs(6));
    assert_eq!(w.app().quiet_studies().await.unwrap(), 1);
    let whole = imaging_study(&w, &first).await;
    assert_eq!(whole["status"], "available");
    assert_eq!(whole["started"], "2026-03-01T10:30:15+08:00");
    assert_eq!(whole["series"][0]["numberOfInstances"], 2);
    assert_eq!(whole["series"][0]["instance"][1]["number"], 2);
    assert_eq!(whole["description"], "Chest with contrast");
    assert_eq!(whole["endpoint"][0]["reference"], "#dicomweb");
    assert_eq!(w.app().quiet_studies().await.unwrap(), 0);
    // What Karez wrote of it is not changed from outside.
    let change = w
        .app()
        .fhir_delete(&w.clinician(), &first.study, None)
        .await
        .unwrap_err();
    assert!(matches!(change, AppError::NotAllowed(_)), "{change:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_object_is_refused_and_leaves_nothing() {
    let w = world().await;
    let cx = w.clinician();
    let whole = file(&said(1));
    let no_study = Said {
        study: String::new(),
        ..said(1)
    };
    for bad in [
        Bytes::new(),
        Bytes::from_static(b"GIF89a"),
        whole.slice(..whole.len() - 3),
        file(&no_study),
    ] {
        let e = w
            .app()
            .image_store(&cx, &home(), bad, &source("x"))
            .await
            .unwrap_err();
        assert!(
            matches!(e, AppError::Malformed(_) | AppError::Invalid(_)),
            "{e:?}"
        );
    }
    assert!(found(&w, &cx, &ask(Level::Study, &[])).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_patient_leaves_no_image() {
    let w = world().await;
    patient_with_number(&w, "p17", MRN, "17").await;
    send(&w, &said(1)).await;
    let cx = w.clinician();
    let forgotten = Arc::new(AtomicU32::new(0));
    let told = Arc::clone(&forgotten);
    w.app().when_erased(move || {
        told.fetch_add(1, Ordering::Relaxed);
    });
    w.app()
        .erase_patient(
            &w.admin(HOME),
            &id("p17"),
            app::keeping::Ground::Request,
            "the patient asked",
        )
        .await
        .unwrap();
    assert!(forgotten.load(Ordering::Relaxed) > 0, "pictures are told");
    assert!(found(&w, &cx, &ask(Level::Study, &[])).await.is_empty());
    // Sent again, it is a new study of nobody known, although this process remembers the old one.
    let again = send(&w, &said(1)).await;
    assert_eq!(again.outcome, Outcome::New);
    assert_eq!(w.app().studies_waiting(&cx, 0).await.unwrap().0.len(), 1);
    let permit = agreements::Permit::system(agreements::SystemPurpose::Audit, w.node.now());
    let k = key(HOME, "ImagingStudy", again.study.id.as_str());
    assert!(w.node.store.get(&permit, &k, None).await.unwrap().is_some());
}

/// Sixteen pixels of 16 bits on what an object says otherwise.
fn with_pixels(s: &Said) -> imaging::Object {
    let mut d = dataset(s);
    d.put_text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, 16),
        (tags::COLUMNS, 16),
        (tags::BITS_ALLOCATED, 16),
        (tags::BITS_STORED, 12),
        (tags::HIGH_BIT, 11),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        d.put_u16(tag, value);
    }
    let pixels: Vec<u8> = (0..256_u16).flat_map(|n| (n * 9).to_le_bytes()).collect();
    d.put(imaging::Element {
        tag: tags::PIXEL_DATA,
        vr: VR::OW,
        data: imaging::Data::Bytes(pixels.into()),
    });
    let made = imaging::Object::made(d, imaging::syntax::of(EXPLICIT));
    imaging::Object::read(imaging::file::of(&made), &imaging::Limits::default()).unwrap()
}

/// What an edge compressed and what the scanner sent itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_object_in_another_lossless_syntax_is_no_contradiction() {
    let w = world().await;
    patient_with_number(&w, "p17", MRN, "17").await;
    let cx = w.clinician();
    let send = async |file: Bytes| {
        let kept = w.app().image_store(&cx, &home(), file, &source("x")).await;
        kept.unwrap().outcome
    };
    let in_syntax = |o: &imaging::Object, to| imaging::pixel::transcode(o, to, 100).unwrap();
    let direct = with_pixels(&said(1));
    let by_edge = in_syntax(&direct, imaging::syntax::JPEG_LS);
    assert_eq!(send(by_edge.clone()).await, Outcome::New);
    assert_eq!(send(direct.bytes().clone()).await, Outcome::Again);
    assert_eq!(
        send(in_syntax(&direct, imaging::syntax::RLE)).await,
        Outcome::Again
    );
    // What was kept first stands, as it came.
    let target = Target::study("1.2.826.1");
    let lines = w.app().image_locate(&cx, &home(), &target).await.unwrap();
    assert_eq!(lines.len(), 1);
    let open = w.app().image_open(&cx, &lines[0]).await.unwrap();
    assert_eq!(open.all().await.unwrap(), by_edge);
    // One attribute more is another content, also when it comes compressed; and it waits once, however it comes again.
    let other = with_pixels(&Said {
        institution: "Elsewhere".into(),
        ..said(1)
    });
    let squeezed = in_syntax(&other, imaging::syntax::JPEG_LS);
    assert_eq!(send(squeezed).await, Outcome::OtherContent);
    assert_eq!(send(other.bytes().clone()).await, Outcome::Again);
}
