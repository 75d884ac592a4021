//! The parts of a PS3.10 file that matter on the way to a peer.

use bytes::Bytes;

/// The data set behind preamble and file meta information (PS3.10 §7.1); none when these cannot be followed.
pub fn data_set(file: &Bytes) -> Option<Bytes> {
    const META_BEGINS: usize = 132;
    if file.get(128..META_BEGINS)? != b"DICM" {
        return None;
    }
    let mut at = META_BEGINS;
    // Elements of group 0002 in explicit VR little endian.
    while file.get(at..at + 2) == Some(&[2, 0]) {
        let head = file.get(at..at + 8)?;
        let (head_bytes, length) = match &head[4..6] {
            b"OB" | b"OW" | b"UN" | b"UT" | b"SQ" => {
                let long = file.get(at + 8..at + 12)?;
                (12, u32::from_le_bytes(long.try_into().ok()?))
            }
            _ => (8, u32::from(u16::from_le_bytes([head[6], head[7]]))),
        };
        at = at
            .checked_add(head_bytes)?
            .checked_add(usize::try_from(length).ok()?)?;
    }
    (at <= file.len()).then(|| file.slice(at..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_set_begins_behind_the_meta_information() {
        let mut file = imaging::file::head("1.2.3", "1.2.3.4", "1.2.840.10008.1.2.1", Some("A"));
        file.extend_from_slice(&[8, 0, 5, 0]);
        let file = Bytes::from(file);
        assert_eq!(data_set(&file).unwrap()[..], [8, 0, 5, 0]);
        for n in 0..file.len() {
            let _ = data_set(&file.slice(..n));
        }
        assert_eq!(data_set(&Bytes::from_static(b"no file")), None);
    }
}
