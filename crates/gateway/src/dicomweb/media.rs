//! Media types with their parameters (RFC 9110 §8.3.1), and lists of them as `Accept` has them (§12.5.1).

/// A media type or range; type, subtype and names of parameters in lower case.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Media {
    pub essence: String,
    pub parameters: Vec<(String, String)>,
}

impl Media {
    /// Reads one media type; none when it is none.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = split(text, ';');
        let essence = parts.next()?.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        if kind.is_empty() || subtype.is_empty() || essence.contains(char::is_whitespace) {
            return None;
        }
        let parameters = parts
            .filter_map(|p| p.trim().split_once('='))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), unquoted(value.trim())))
            .collect();
        Some(Self {
            essence,
            parameters,
        })
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// How much it is wanted, in thousandths.
    pub fn quality(&self) -> u16 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and 1000
        let thousandths = |q: f32| (q.clamp(0.0, 1.0) * 1000.0) as u16;
        self.parameter("q")
            .and_then(|q| q.parse::<f32>().ok())
            .filter(|q| !q.is_nan())
            .map_or(1000, thousandths)
    }
}

/// The ranges of an `Accept` field, the most wanted first, those equally wanted in their order; those not wanted left out.
pub fn ranges(field: &str) -> Vec<Media> {
    let mut ranges: Vec<Media> = split(field, ',')
        .filter_map(Media::read)
        .filter(|m| m.quality() > 0)
        .collect();
    ranges.sort_by_key(|m| std::cmp::Reverse(m.quality()));
    ranges
}

/// Cuts at `by` outside of quoted strings.
fn split(text: &str, by: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut quoted = false;
        let mut escaped = false;
        for (at, c) in text.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                c if c == by && !quoted => {
                    rest = Some(&text[at + c.len_utf8()..]);
                    return Some(&text[..at]);
                }
                _ => {}
            }
        }
        rest = None;
        Some(text)
    })
}

/// A parameter's value without its quotes (RFC 9110 §5.6.4).
fn unquoted(value: &str) -> String {
    let Some(inner) = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return value.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut escaped = false;
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_parameters_keep_what_would_part_them() {
        let media = Media::read(
            "Multipart/Related; type=\"application/dicom\"; boundary=\"a;b,\\\"c\"; Transfer-Syntax=*",
        )
        .unwrap();
        assert_eq!(media.essence, "multipart/related");
        assert_eq!(media.parameter("type"), Some("application/dicom"));
        assert_eq!(media.parameter("boundary"), Some("a;b,\"c"));
        assert_eq!(media.parameter("transfer-syntax"), Some("*"));
        assert_eq!(Media::read("nothing"), None);
        assert_eq!(Media::read("a b/c"), None);
    }

    #[test]
    fn ranges_come_in_the_order_they_are_wanted() {
        let wanted = ranges("image/png;q=0.5, text/html;q=0, image/jpeg, */*;q=0.5;x=1, rubbish");
        let essences: Vec<_> = wanted.iter().map(|m| m.essence.as_str()).collect();
        assert_eq!(essences, ["image/jpeg", "image/png", "*/*"]);
    }
}
