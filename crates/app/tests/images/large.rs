//! Objects that are too large to be held are kept as small ones are, and said to be the same where they are.

use app::imaging::{Content, Kept};
use imaging::pixel::transcode;
use imaging::{Element, Limits, Object, syntax};
use kernel::limits::IMAGE_HELD_BYTES_MAX;
use testkit::phantom::Phantom;

use super::*;

const STUDY: &str = "1.2.826.9";

/// Frames of 512 KiB that together are larger than what is held.
fn film(change: impl FnOnce(&mut Dataset)) -> Object {
    let mut d = Phantom::new(STUDY, "17", 512).film(1, 20);
    // The values are compressible; noise keeps them large.
    let noise = |n: usize| (n.wrapping_mul(2_654_435_761) >> 13) as u8;
    let pixels = d.bytes(tags::PIXEL_DATA).unwrap().iter().enumerate();
    let pixels: Vec<u8> = pixels.map(|(n, b)| b ^ noise(n)).collect();
    d.put(Element {
        tag: tags::PIXEL_DATA,
        vr: VR::OW,
        data: imaging::Data::Bytes(pixels.into()),
    });
    change(&mut d);
    let made = Object::made(d, syntax::of(EXPLICIT));
    Object::read(file::of(&made), &Limits::default()).unwrap()
}

/// As it comes in: in pieces of this size.
async fn incoming(w: &World, file: &Bytes, piece: usize) -> Result<Content, AppError> {
    let mut incoming = w.app().image_incoming(Vec::new());
    for some in file.chunks(piece) {
        incoming.push(some).await?;
        // A few pieces are in memory, however large it is.
        assert!(incoming.held_with(0) <= IMAGE_HELD_BYTES_MAX);
    }
    Ok(incoming.end().await?)
}

async fn send_large(w: &World, file: &Bytes, piece: usize) -> Result<Kept, AppError> {
    let content = incoming(w, file, piece).await?;
    assert!(content.held().is_none(), "it is not in memory");
    let cx = w.clinician();
    w.app()
        .image_store(&cx, &home(), content, &source("x"))
        .await
}

/// Line, layout, metadata and bytes of the only object.
async fn only(w: &World) -> (String, Bytes, Bytes, Bytes) {
    let (cx, target) = (w.clinician(), Target::study(STUDY));
    let lines = w.app().image_locate(&cx, &home(), &target).await.unwrap();
    assert_eq!(lines.len(), 1);
    let open = w.app().image_open(&cx, &lines[0]).await.unwrap();
    let metadata = w
        .app()
        .image_metadata(&cx, &home(), &target, None, 2)
        .await
        .unwrap();
    let l = &lines[0];
    let said = format!("{} {} {} {:?}", l.digest, l.size, l.frames, l.rows);
    let layout = open.layout_bytes().clone();
    let all = open.all().await.unwrap();
    (said, layout, metadata.0[0].clone(), all)
}

fn blobs(w: &World) -> usize {
    let mut waiting = vec![w.node.folder().join("blobs")];
    let mut files = 0;
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                waiting.push(entry.path());
            } else {
                files += 1;
            }
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_object_in_any_pieces_is_kept_as_the_whole() {
    let plain = film(|_| ());
    let compressed = transcode(&plain, syntax::JPEG_LS, 100).unwrap();
    let deflated = transcode(&plain, syntax::DEFLATED, 100).unwrap();
    let pieces: [&[usize]; 3] = [&[10_001, 16 << 20], &[1 << 20], &[1 << 20]];
    for (file, pieces) in [plain.bytes().clone(), compressed, deflated]
        .into_iter()
        .zip(pieces)
    {
        assert!(file.len() > IMAGE_HELD_BYTES_MAX);
        let whole = world().await;
        let (cx, from) = (whole.clinician(), source("x"));
        let at = home();
        let kept = whole.app().image_store(&cx, &at, file.clone(), &from);
        assert_eq!(kept.await.unwrap().outcome, Outcome::New);
        let expected = only(&whole).await;
        assert!(expected.3 == file);
        for piece in pieces {
            let w = world().await;
            let kept = send_large(&w, &file, *piece).await.unwrap();
            assert_eq!(kept.outcome, Outcome::New);
            assert!(only(&w).await == expected, "{piece}");
            let again = send_large(&w, &file, 65_536).await.unwrap();
            assert_eq!(again.outcome, Outcome::Again);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_object_in_another_syntax_is_the_same_and_with_another_value_it_is_not() {
    let w = world().await;
    let plain = film(|_| ());
    let squeezed = transcode(&plain, syntax::JPEG_LS, 100).unwrap();
    let kept = send_large(&w, &squeezed, 1 << 20).await.unwrap();
    assert_eq!(kept.outcome, Outcome::New);
    let direct = send_large(&w, plain.bytes(), 1 << 20).await.unwrap();
    assert_eq!(direct.outcome, Outcome::Again);
    let other = film(|d| {
        let mut pixels = d.bytes(tags::PIXEL_DATA).unwrap().to_vec();
        *pixels.last_mut().unwrap() ^= 1;
        d.put(Element {
            tag: tags::PIXEL_DATA,
            vr: VR::OW,
            data: imaging::Data::Bytes(pixels.into()),
        });
    });
    let kept = send_large(&w, other.bytes(), 1 << 20).await.unwrap();
    assert_eq!(kept.outcome, Outcome::OtherContent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_object_that_is_none_or_breaks_off_leaves_nothing() {
    let w = world().await;
    let before = blobs(&w);
    let whole = film(|_| ()).bytes().clone();
    let noise: Vec<u8> = (0..12_000_000_u32)
        .map(|n| (n.wrapping_mul(n) >> 9) as u8)
        .collect();
    // Known for what it is before it is whole.
    let refused = incoming(&w, &noise.into(), 1 << 20).await;
    assert!(
        matches!(refused, Err(AppError::Malformed(_))),
        "{refused:?}"
    );
    // The last of the fragments is there no more; and one without a study.
    let no_study = film(|d| drop(d.remove(tags::STUDY_INSTANCE_UID)));
    let refused = send_large(&w, no_study.bytes(), 1 << 20).await;
    assert!(matches!(refused, Err(AppError::Invalid(_))), "{refused:?}");
    // Broken off: what came is dropped with the line.
    let mut incoming = w.app().image_incoming(Vec::new());
    incoming.push(&whole[..whole.len() - 9]).await.unwrap();
    drop(incoming);
    assert!(
        found(&w, &w.clinician(), &ask(Level::Study, &[]))
            .await
            .is_empty()
    );
    assert_eq!(blobs(&w), before);
    let scratch = std::fs::read_dir(w.node.folder().join("incoming"));
    assert_eq!(scratch.map_or(0, Iterator::count), 0);
}

/// What an edge compressed and what the scanner sent itself, in the same instant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_object_in_two_syntaxes_at_once_is_one() {
    let w = world().await;
    let cx = w.clinician();
    for n in 0..12 {
        let object = Phantom::new(STUDY, "17", 32).dataset(n);
        let made = Object::made(object, syntax::of(EXPLICIT));
        let plain = Object::read(file::of(&made), &Limits::default()).unwrap();
        let send = async |to| {
            let file = transcode(&plain, to, 100).unwrap();
            let kept = w.app().image_store(&cx, &home(), file, &source("x")).await;
            kept.unwrap().outcome
        };
        let (a, b, c) = tokio::join!(
            send(syntax::RLE),
            send(EXPLICIT),
            send(syntax::IMPLICIT_LITTLE)
        );
        let new = [a, b, c].iter().filter(|o| **o == Outcome::New).count();
        let again = [a, b, c].iter().filter(|o| **o == Outcome::Again).count();
        assert_eq!((new, again), (1, 2), "{n}");
    }
}
