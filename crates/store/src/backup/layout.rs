//! The names of objects in a backup place. They carry what a plan of a restore needs, and no patient data.

use kernel::Instant;
use object_store::path::Path;

use super::Reach;

/// One segment of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub stream: String,
    /// Counted from 1 within the stream, without gaps.
    pub seq: u64,
    /// Where its last commit ends.
    pub reach: Reach,
}

/// A whole copy of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    pub stream: String,
    /// The first segment that is to be applied to it.
    pub seq: u64,
    pub reach: Reach,
}

/// An object of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Base(Base),
    Segment(Segment),
}

fn stem(seq: u64, reach: Reach) -> String {
    format!("{seq:012}-{}-{}", reach.position, reach.at.as_microsecond())
}

fn unstem(stem: &str) -> Option<(u64, Reach)> {
    let mut parts = stem.splitn(3, '-');
    let seq = parts.next()?.parse().ok()?;
    let position = parts.next()?.parse().ok()?;
    let at = Instant::from_microsecond(parts.next()?.parse().ok()?).ok()?;
    Some((seq, Reach { position, at }))
}

impl Segment {
    /// The name of its file: `000000000017-4711-1795334400000000.log`.
    pub fn file_name(&self) -> String {
        format!("{}.log", stem(self.seq, self.reach))
    }
    /// Reads what [`Segment::file_name`] wrote.
    pub fn parse(stream: &str, name: &str) -> Option<Self> {
        let (seq, reach) = unstem(name.strip_suffix(".log")?)?;
        Some(Self {
            stream: stream.to_owned(),
            seq,
            reach,
        })
    }
    pub fn path(&self) -> Path {
        Path::from(format!("streams/{}/log/{}", self.stream, self.file_name()))
    }
}

impl Base {
    pub fn path(&self) -> Path {
        Path::from(format!(
            "streams/{}/base/{}.base",
            self.stream,
            stem(self.seq, self.reach)
        ))
    }
}

/// Where every stream lies.
pub fn streams() -> Path {
    Path::from("streams")
}

/// Where erasures lie.
pub fn erasures() -> Path {
    Path::from("erasures")
}

/// Where blobs lie.
pub fn blobs() -> Path {
    Path::from("blobs")
}

/// Reads the name of an object of a stream; none for what is not ours.
pub fn parse(path: &Path) -> Option<Entry> {
    let parts: Vec<_> = path.parts().map(|p| p.as_ref().to_owned()).collect();
    let [root, stream, kind, name] = &parts[..] else {
        return None;
    };
    match (root.as_str(), kind.as_str()) {
        ("streams", "log") => Segment::parse(stream, name).map(Entry::Segment),
        ("streams", "base") => {
            let (seq, reach) = unstem(name.strip_suffix(".base")?)?;
            Some(Entry::Base(Base {
                stream: stream.clone(),
                seq,
                reach,
            }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        let reach = Reach {
            position: 4711,
            at: Instant::from_microsecond(1_795_334_400_000_123).unwrap(),
        };
        let segment = Segment {
            stream: "0198-a".into(),
            seq: 17,
            reach,
        };
        assert_eq!(parse(&segment.path()), Some(Entry::Segment(segment)));
        let base = Base {
            stream: "0198-a".into(),
            seq: 18,
            reach,
        };
        assert_eq!(parse(&base.path()), Some(Entry::Base(base)));
        assert_eq!(parse(&Path::from("streams/x/log/README")), None);
    }
}
