//! Writing in another transfer syntax and reading that again.

use super::*;

/// A gradient with noise, so that neither runs nor predictions are all there is.
fn phantom(count: usize, mask: u16) -> Vec<u16> {
    let mut state = 1_u32;
    (0..count)
        .map(|at| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (((at as u32 / 7) + (state >> 30)) as u16) & mask
        })
        .collect()
}

#[test]
fn values_survive_every_lossless_syntax_that_is_written() {
    let sixteen = phantom(64 * 48, 0xffff);
    let twelve = phantom(64 * 48, 0x0fff);
    let eight: Vec<u8> = phantom(64 * 48 * 3, 0xff)
        .iter()
        .map(|v| *v as u8)
        .collect();
    for data in [
        image("MONOCHROME2", [48, 64, 1, 16, 16, 15, 0], &words(&sixteen)),
        image("MONOCHROME2", [48, 64, 1, 16, 16, 15, 1], &words(&sixteen)),
        image("MONOCHROME2", [48, 64, 1, 16, 12, 11, 1], &words(&twelve)),
        image("RGB", [48, 64, 3, 8, 8, 7, 0], &eight),
        image("MONOCHROME1", [96, 96, 1, 8, 8, 7, 0], &eight),
    ] {
        let before = object(&data);
        let expected = decode(&before, 0).unwrap();
        for to in [
            syntax::IMPLICIT_LITTLE,
            syntax::DEFLATED,
            syntax::RLE,
            syntax::JPEG_LS,
            syntax::EXPLICIT_LITTLE,
        ] {
            let there =
                Object::read(transcode(&before, to, 90).unwrap(), &Limits::default()).unwrap();
            assert_eq!(there.transfer_syntax(), to);
            assert_eq!(decode(&there, 0).unwrap(), expected, "{to}");
            let back = transcode(&there, syntax::EXPLICIT_LITTLE, 90).unwrap();
            let back = Object::read(back, &Limits::default()).unwrap();
            assert_eq!(decode(&back, 0).unwrap(), expected, "{to} and back");
        }
    }
}

#[test]
fn what_is_squeezed_is_smaller_and_the_same() {
    let data = image(
        "MONOCHROME2",
        [48, 64, 1, 16, 12, 11, 1],
        &words(&phantom(64 * 48, 0x0fff)),
    );
    let file = object(&data).bytes().clone();
    let small = squeeze(file.clone(), &Limits::default()).unwrap();
    assert!(
        small.len() * 2 < file.len(),
        "{} of {}",
        small.len(),
        file.len()
    );
    let small = Object::read(small, &Limits::default()).unwrap();
    assert_eq!(decode(&small, 0), decode(&object(&data), 0));
    assert_eq!(small.dataset().plain(tags::SOP_INSTANCE_UID), Some("1.2.3"));
    assert_eq!(
        squeeze(small.bytes().clone(), &Limits::default()).unwrap(),
        small.bytes()
    );
    assert!(squeeze(Bytes::from_static(b"junk"), &Limits::default()).is_err());
}

#[test]
fn jpeg_with_loss_says_so_and_is_close() {
    let eight: Vec<u8> = (0..64 * 48).map(|at| (at % 64 * 4) as u8).collect();
    let data = image("MONOCHROME2", [48, 64, 1, 8, 8, 7, 0], &eight);
    let lossy = transcode(&object(&data), syntax::JPEG_BASELINE, 95).unwrap();
    let lossy = Object::read(lossy, &Limits::default()).unwrap();
    assert_eq!(
        lossy.dataset().plain(tags::LOSSY_IMAGE_COMPRESSION),
        Some("01")
    );
    let Values::U8(after) = decode(&lossy, 0).unwrap().values else {
        panic!("bits")
    };
    let worst = after
        .iter()
        .zip(&eight)
        .map(|(a, b)| a.abs_diff(*b))
        .max()
        .unwrap();
    assert!(worst <= 6, "{worst}");
    assert!(transcode(&object(&data), "1.2.840.10008.1.2.4.90", 95).is_err());
}

#[test]
fn a_frame_that_does_not_fit_its_description_is_refused() {
    let small = image("MONOCHROME2", [4, 4, 1, 8, 8, 7, 0], &[7; 16]);
    for to in [syntax::RLE, syntax::JPEG_LS, syntax::JPEG_BASELINE] {
        let there = Object::read(
            transcode(&object(&small), to, 90).unwrap(),
            &Limits::default(),
        )
        .unwrap();
        let mut data = there.dataset().clone();
        data.put_u16(tags::ROWS, 5_000);
        data.put_u16(tags::COLUMNS, 5_000);
        let lying = Object::made(data, there.syntax());
        let lying = Object::read(file::of(&lying), &Limits::default()).unwrap();
        assert!(decode(&lying, 0).is_err(), "{to}");
    }
    for (rows, columns, stored, high) in [
        (65_535, 65_535, 8, 7),
        (0, 4, 8, 7),
        (4, 4, 9, 8),
        (4, 4, 8, 3),
    ] {
        let mut data = small.clone();
        data.put_u16(tags::ROWS, rows);
        data.put_u16(tags::COLUMNS, columns);
        data.put_u16(tags::BITS_STORED, stored);
        data.put_u16(tags::HIGH_BIT, high);
        assert!(Description::of(&data).is_err() || decode(&object(&data), 0).is_err());
    }
}
