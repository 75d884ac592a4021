use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::world::{World, settings};

/// What the listener says to these bytes before it closes.
async fn said(world: &World, bytes: &[u8]) -> Vec<u8> {
    let mut connection = world.raw().await;
    connection.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), connection.read_to_end(&mut answer))
        .await
        .expect("the line is closed")
        .ok();
    answer
}

/// A request with this body behind its header.
fn unit(kind: u8, length: u32, body: &[u8]) -> Vec<u8> {
    let mut unit = vec![kind, 0];
    unit.extend_from_slice(&length.to_be_bytes());
    unit.extend_from_slice(body);
    unit
}

fn request(items: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 1, 0, 0];
    body.extend_from_slice(b"YARQUM          SCANNER         ");
    body.extend_from_slice(&[0; 32]);
    body.extend_from_slice(items);
    let length = u32::try_from(body.len()).unwrap();
    unit(1, length, &body)
}

#[tokio::test]
async fn units_that_cannot_be_are_answered_with_an_abort() {
    let world = World::new().await;
    for (bytes, reason) in [
        // A request of 4 GiB, of which nothing comes.
        (unit(1, u32::MAX, b""), 6),
        // A type that does not exist.
        (unit(0x5a, 10, b""), 1),
        // Data, or a release, before there is an association.
        (unit(4, 10, &[0, 0, 0, 6, 1, 3, 0, 0, 0, 0]), 2),
        (unit(5, 4, &[0; 4]), 2),
        // Items that are longer than the request.
        (request(&[0x10, 0, 0xff, 0xff, b'1']), 6),
        // User information whose parts lie (PS3.7 §D.3.3.5).
        (
            request(&[0x50, 0, 0, 8, 0x56, 0, 0, 4, 0xff, 0xff, 1, 1]),
            6,
        ),
        // No contexts, no application context.
        (request(&[]), 6),
        // HTTP.
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 1),
    ] {
        let answer = said(&world, &bytes).await;
        assert_eq!(answer.len(), 10, "{bytes:?}: {answer:?}");
        assert_eq!((answer[0], answer[9]), (7, reason), "{bytes:?}");
    }
}

#[tokio::test]
async fn a_thousand_mutilated_requests_leave_a_listener_that_serves() {
    let mut settings = settings();
    settings.patience.idle = Duration::from_millis(200);
    let world = World::with(settings).await;
    let good = request(&[
        0x10, 0, 0, 21, b'1', b'.', b'2', b'.', b'8', b'4', b'0', b'.', b'1', b'0', b'0', b'0',
        b'8', b'.', b'3', b'.', b'1', b'.', b'1', b'.', b'1',
    ]);
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..1_000 {
        let mut bytes = good.clone();
        for _ in 0..4 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let at = usize::try_from(seed).unwrap_or(0) % bytes.len();
            bytes[at] = seed.to_le_bytes()[7];
        }
        let mut connection = world.raw().await;
        let _ = connection.write_all(&bytes).await;
    }
    let mut served = false;
    for _ in 0..500 {
        served = world.connect("SCANNER").await.is_ok();
        if served {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(served);
}
