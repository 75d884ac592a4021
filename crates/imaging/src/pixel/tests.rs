use super::*;
use crate::dataset::{Data, Dataset, Element};
use crate::{Limits, VR, file, syntax, tags, write};
use bytes::Bytes;

mod written;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

/// An image of a photometric interpretation, bits and pixels.
fn image(
    term: &str,
    [rows, columns, samples, allocated, stored, high, signed]: [u16; 7],
    pixels: &[u8],
) -> Dataset {
    let mut data = Dataset::new();
    data.put_text(tags::SOP_CLASS_UID, VR::UI, CT);
    data.put_text(tags::SOP_INSTANCE_UID, VR::UI, "1.2.3");
    data.put_text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, term);
    for (tag, value) in [
        (tags::ROWS, rows),
        (tags::COLUMNS, columns),
        (tags::SAMPLES_PER_PIXEL, samples),
        (tags::BITS_ALLOCATED, allocated),
        (tags::BITS_STORED, stored),
        (tags::HIGH_BIT, high),
        (tags::PIXEL_REPRESENTATION, signed),
    ] {
        data.put_u16(tag, value);
    }
    let vr = if allocated > 8 { VR::OW } else { VR::OB };
    raw(&mut data, tags::PIXEL_DATA, vr, pixels);
    data
}

fn raw(data: &mut Dataset, tag: crate::Tag, vr: VR, bytes: &[u8]) {
    data.put(Element {
        tag,
        vr,
        data: Data::Bytes(Bytes::copy_from_slice(bytes)),
    });
}

fn words(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn object(data: &Dataset) -> Object {
    let bytes = file::wrap(
        &write(data, true),
        CT,
        "1.2.3",
        syntax::EXPLICIT_LITTLE,
        None,
    );
    Object::read(bytes, &Limits::default()).unwrap()
}

fn values(data: &Dataset) -> Values {
    decode(&object(data), 0).unwrap().values
}

fn shown(data: &Dataset, wanted: &Wanted) -> Image {
    let object = object(data);
    let d = Description::of(object.dataset()).unwrap();
    let look = Look::of(object.dataset(), &d, 0);
    render(
        &decode(&object, 0).unwrap(),
        &d,
        &look,
        &overlays(&object, 0),
        wanted,
    )
    .unwrap()
}

#[test]
fn only_the_bits_that_are_stored_are_the_value() {
    // Twelve bits in the upper part of sixteen, other things below.
    let data = image(
        "MONOCHROME2",
        [1, 3, 1, 16, 12, 15, 0],
        &words(&[0x123f, 0xfff1, 0x0001]),
    );
    assert_eq!(values(&data), Values::U16(vec![0x123, 0xfff, 0]));
    // Twelve signed bits below four of an overlay.
    let data = image(
        "MONOCHROME2",
        [1, 3, 1, 16, 12, 11, 1],
        &words(&[0x1fff, 0xf800, 0x07ff]),
    );
    assert_eq!(values(&data), Values::I16(vec![-1, -2048, 2047]));
    let data = image("MONOCHROME2", [1, 2, 1, 8, 8, 7, 1], &[0xff, 0x7f]);
    assert_eq!(values(&data), Values::I16(vec![-1, 127]));
    let data = image(
        "MONOCHROME2",
        [1, 1, 1, 32, 32, 31, 1],
        &(-5_i32).to_le_bytes(),
    );
    assert_eq!(values(&data), Values::I32(vec![-5]));
}

#[test]
fn frames_of_one_bit_follow_each_other_without_a_gap() {
    let mut data = image("MONOCHROME2", [1, 3, 1, 1, 1, 0, 0], &[0b0010_1101, 0]);
    data.put_text(tags::NUMBER_OF_FRAMES, VR::IS, "2");
    let object = object(&data);
    assert_eq!(
        decode(&object, 0).unwrap().values,
        Values::U8(vec![1, 0, 1])
    );
    assert_eq!(
        decode(&object, 1).unwrap().values,
        Values::U8(vec![1, 0, 1])
    );
    assert!(decode(&object, 5).is_err());
}

#[test]
fn planes_become_pixels_and_shared_chroma_is_given_to_both() {
    let mut data = image("RGB", [1, 2, 3, 8, 8, 7, 0], &[1, 2, 3, 4, 5, 6]);
    data.put_u16(tags::PLANAR_CONFIGURATION, 1);
    assert_eq!(values(&data), Values::U8(vec![1, 3, 5, 2, 4, 6]));
    let data = image("YBR_FULL_422", [1, 2, 3, 8, 8, 7, 0], &[10, 20, 128, 128]);
    let frame = decode(&object(&data), 0).unwrap();
    assert_eq!(
        (frame.photometric, &frame.values),
        (
            Photometric::YbrFull,
            &Values::U8(vec![10, 128, 128, 20, 128, 128])
        )
    );
    assert_eq!(
        shown(&data, &Wanted::default()).data,
        [10, 10, 10, 20, 20, 20]
    );
    let red = image("YBR_FULL", [1, 1, 3, 8, 8, 7, 0], &[76, 85, 255]);
    assert_eq!(shown(&red, &Wanted::default()).data, [254, 0, 0]);
}

#[test]
fn a_window_is_that_of_the_standard() {
    // PS3.3 C.11.2.1.2.1: centre 2048, width 4096 maps 0..=4095 onto all of black to white.
    let linear = Window {
        centre: 2048.0,
        width: 4096.0,
        ..Window::default()
    };
    assert_eq!(
        (
            linear.at(0.0),
            linear.at(4095.0),
            linear.at(-7.0),
            linear.at(9999.0)
        ),
        (0.0, 1.0, 0.0, 1.0)
    );
    let step = Window {
        centre: 100.0,
        width: 1.0,
        ..Window::default()
    };
    assert_eq!((step.at(99.0), step.at(100.0)), (0.0, 1.0));
    let exact = Window {
        function: Function::LinearExact,
        centre: 0.0,
        width: 100.0,
        ..Window::default()
    };
    assert_eq!(
        (exact.at(-50.0), exact.at(0.0), exact.at(50.0)),
        (0.0, 0.5, 1.0)
    );
    let sigmoid = Window {
        function: Function::Sigmoid,
        centre: 0.0,
        width: 100.0,
        ..Window::default()
    };
    assert_eq!(sigmoid.at(0.0), 0.5);
    assert!((sigmoid.at(25.0) - 0.731_058_578).abs() < 1e-6);
}

#[test]
fn values_pass_modality_voi_and_presentation() {
    let mut data = image(
        "MONOCHROME2",
        [1, 3, 1, 16, 16, 15, 0],
        &words(&[0, 1024, 2048]),
    );
    data.put_text(tags::RESCALE_SLOPE, VR::DS, "1");
    data.put_text(tags::RESCALE_INTERCEPT, VR::DS, "-1024");
    data.put_text(tags::WINDOW_CENTER, VR::DS, "0\\40");
    data.put_text(tags::WINDOW_WIDTH, VR::DS, "2048\\400");
    let plain = shown(&data, &Wanted::default()).data;
    assert_eq!((plain[0], plain[2]), (0, 255));
    assert!((127..=128).contains(&plain[1]));
    let window = Some(Window {
        centre: 1024.0,
        width: 1.0,
        ..Window::default()
    });
    assert_eq!(
        shown(
            &data,
            &Wanted {
                window,
                ..Wanted::default()
            }
        )
        .data,
        [0, 0, 255]
    );
    data.put_text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME1");
    assert_eq!(shown(&data, &Wanted::default()).data[0], 255);
    // Padding is background, and does not stretch a window made from the values.
    let mut padded = image(
        "MONOCHROME2",
        [1, 3, 1, 16, 16, 15, 1],
        &words(&[0x8000, 10, 20]),
    );
    raw(
        &mut padded,
        tags::PIXEL_PADDING_VALUE,
        VR::SS,
        &0x8000_u16.to_le_bytes(),
    );
    assert_eq!(shown(&padded, &Wanted::default()).data, [0, 0, 255]);
}

#[test]
fn tables_map_modality_and_voi() {
    let mut data = image("MONOCHROME2", [1, 4, 1, 8, 8, 7, 0], &[0, 1, 2, 9]);
    let mut table = Dataset::item_of(&data);
    raw(
        &mut table,
        tags::LUT_DESCRIPTOR,
        VR::US,
        &words(&[3, 0, 16]),
    );
    raw(
        &mut table,
        tags::LUT_DATA,
        VR::OW,
        &words(&[0, 0x8000, 0xffff]),
    );
    data.put_items(tags::VOILUT_SEQUENCE, vec![table.clone()]);
    assert_eq!(shown(&data, &Wanted::default()).data, [0, 128, 255, 255]);
    data.remove(tags::VOILUT_SEQUENCE);
    data.put_items(tags::MODALITY_LUT_SEQUENCE, vec![table]);
    let d = Description::of(&data).unwrap();
    assert_eq!(Look::of(&data, &d, 0).modality_value(1.0), 32_768.0);
}

#[test]
fn each_frame_of_an_enhanced_object_has_its_own_look() {
    let mut data = image("MONOCHROME2", [1, 1, 1, 16, 16, 15, 0], &words(&[100, 100]));
    data.put_text(tags::NUMBER_OF_FRAMES, VR::IS, "2");
    let group = |slope: &str, position: &str| {
        let mut transformation = Dataset::item_of(&data);
        transformation.put_text(tags::RESCALE_SLOPE, VR::DS, slope);
        transformation.put_text(tags::RESCALE_INTERCEPT, VR::DS, "1");
        let mut plane = Dataset::item_of(&data);
        plane.put_text(tags::IMAGE_POSITION_PATIENT, VR::DS, position);
        let mut group = Dataset::item_of(&data);
        group.put_items(
            tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
            vec![transformation],
        );
        group.put_items(tags::PLANE_POSITION_SEQUENCE, vec![plane]);
        group
    };
    let groups = vec![group("2", "0\\0\\1"), group("3", "0\\0\\2")];
    let mut shared = Dataset::item_of(&data);
    let mut orientation = Dataset::item_of(&data);
    orientation.put_text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0");
    let mut measures = Dataset::item_of(&data);
    measures.put_text(tags::PIXEL_SPACING, VR::DS, "0.5\\0.5");
    shared.put_items(tags::PLANE_ORIENTATION_SEQUENCE, vec![orientation]);
    shared.put_items(tags::PIXEL_MEASURES_SEQUENCE, vec![measures]);
    data.put_items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, groups);
    data.put_items(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![shared]);
    let d = Description::of(&data).unwrap();
    let value = |frame| Look::of(&data, &d, frame).modality_value(100.0);
    assert_eq!((value(0), value(1)), (201.0, 301.0));
    assert_eq!(plane(&data, 1).unwrap().0, [0.0, 0.0, 2.0]);
    assert_eq!(plane(&data, 1).unwrap().2, [0.5, 0.5]);
}

#[test]
fn palettes_plain_and_segmented_give_colours() {
    let mut data = image("PALETTE COLOR", [1, 4, 1, 8, 8, 7, 0], &[0, 1, 2, 3]);
    for (descriptor, table, values) in [
        (0x1101, 0x1201, [0, 0x5500, 0xaa00, 0xff00]),
        (0x1102, 0x1202, [0xff00, 0, 0, 0]),
    ] {
        raw(
            &mut data,
            crate::Tag(0x0028, descriptor),
            VR::US,
            &words(&[4, 0, 16]),
        );
        raw(
            &mut data,
            crate::Tag(0x0028, table),
            VR::OW,
            &words(&values),
        );
    }
    raw(
        &mut data,
        crate::Tag(0x0028, 0x1103),
        VR::US,
        &words(&[4, 0, 16]),
    );
    // One discrete value, then a straight line of three to 0x0300.
    raw(
        &mut data,
        crate::Tag(0x0028, 0x1223),
        VR::OW,
        &words(&[0, 1, 0, 1, 3, 0x0300]),
    );
    let colours = shown(&data, &Wanted::default()).data;
    assert_eq!(colours, [0, 0xff, 0, 0x55, 0, 1, 0xaa, 0, 2, 0xff, 0, 3]);
}

#[test]
fn overlays_are_drawn_where_they_lie() {
    let mut data = image(
        "MONOCHROME2",
        [2, 2, 1, 16, 12, 11, 0],
        &words(&[0x8000, 0, 0, 1]),
    );
    for (element, value) in [(0x0010, 1), (0x0011, 1)] {
        data.put_u16(crate::Tag(0x6000, element), value);
    }
    raw(
        &mut data,
        crate::Tag(0x6000, 0x0050),
        VR::SS,
        &words(&[2, 1]),
    );
    raw(&mut data, crate::Tag(0x6000, 0x3000), VR::OW, &[1, 0]);
    let wanted = Wanted {
        overlays: true,
        ..Wanted::default()
    };
    assert_eq!(shown(&data, &wanted).data, [0, 0, 255, 255]);
    assert_eq!(shown(&data, &Wanted::default()).data, [0, 0, 0, 255]);
    // In bit 15 of the pixels.
    for (element, value) in [(0x0010, 2), (0x0011, 2), (0x0100, 16), (0x0102, 15)] {
        data.put_u16(crate::Tag(0x6002, element), value);
    }
    let found = overlays(&object(&data), 0);
    assert_eq!((found.len(), &found[1].bits), (2, &vec![1, 0, 0, 0]));
}

#[test]
fn pictures_are_cropped_turned_and_scaled() {
    let data = image(
        "MONOCHROME2",
        [2, 4, 1, 8, 8, 7, 0],
        &[0, 0, 255, 255, 0, 0, 255, 255],
    );
    let half = shown(
        &data,
        &Wanted {
            size: Some((2, 2)),
            ..Wanted::default()
        },
    );
    assert_eq!(
        (half.width, half.height, half.data.clone()),
        (2, 1, vec![0, 255])
    );
    let mirrored = shown(
        &data,
        &Wanted {
            mirror: true,
            ..Wanted::default()
        },
    );
    assert_eq!(mirrored.data[..4], [255, 255, 0, 0]);
    let crop = Crop {
        left: 1,
        top: 1,
        width: 2,
        height: 1,
    };
    assert_eq!(
        shown(
            &data,
            &Wanted {
                crop: Some(crop),
                ..Wanted::default()
            }
        )
        .data,
        [0, 255]
    );
    let larger = shown(
        &data,
        &Wanted {
            size: Some((8, 8)),
            ..Wanted::default()
        },
    );
    assert_eq!((larger.width, larger.height), (8, 4));
    assert!(half.png().unwrap().starts_with(b"\x89PNG"));
    assert!(half.jpeg(90).unwrap().starts_with(&[0xff, 0xd8]));
    let object = object(&data);
    let d = Description::of(object.dataset()).unwrap();
    let outside = Wanted {
        crop: Some(Crop {
            left: 3,
            top: 0,
            width: 2,
            height: 1,
        }),
        ..Wanted::default()
    };
    let frame = decode(&object, 0).unwrap();
    assert!(
        render(
            &frame,
            &d,
            &Look::of(object.dataset(), &d, 0),
            &[],
            &outside
        )
        .is_err()
    );
}

/// The excerpt of a frame, read as it would be by ranges.
fn excerpt(whole: &Object, index: u32) -> Object {
    let part = |s: &crate::layout::Span| {
        whole.bytes()[s.offset as usize..(s.offset + s.length) as usize].to_vec()
    };
    let excerpt = whole.layout().excerpt(index).unwrap();
    let frame: Vec<u8> = excerpt.frame.iter().flat_map(part).collect();
    let head = &whole.bytes()[..excerpt.head as usize];
    excerpt.object(head, &frame, &Limits::default()).unwrap()
}

#[test]
fn a_frame_is_decoded_from_its_excerpt_as_from_the_whole() {
    let mut data = image(
        "MONOCHROME2",
        [1, 3, 1, 8, 8, 7, 0],
        &[1, 2, 3, 4, 5, 6, 7, 8, 9, 0],
    );
    data.put_text(tags::NUMBER_OF_FRAMES, VR::IS, "3");
    let native = object(&data);
    let squeezed = transcode(&native, syntax::RLE, 90).unwrap();
    let squeezed = Object::read(squeezed, &Limits::default()).unwrap();
    for whole in [native, squeezed] {
        for index in 0..3 {
            let part = excerpt(&whole, index);
            assert!(part.bytes().len() < whole.bytes().len());
            assert_eq!(
                decode(&part, index).unwrap(),
                decode(&whole, index).unwrap(),
                "frame {index}"
            );
            assert!(decode(&part, index + 1).is_err());
        }
        assert_eq!(whole.layout().excerpt(3), None);
    }
}
