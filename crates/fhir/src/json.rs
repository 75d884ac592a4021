//! One way to read JSON, whether it is a strict [`crate::raw::Doc`] or a `serde_json::Value`.

use std::borrow::Cow;

use serde_json::Value;

/// A JSON value that can be walked.
pub trait Json<'a>: Copy + 'a {
    /// The member of an object.
    fn get(self, key: &str) -> Option<Self>;
    /// The text of a string.
    fn text(self) -> Option<&'a str>;
    fn boolean(self) -> Option<bool>;
    /// A number as it was written, where that is known.
    fn number(self) -> Option<Cow<'a, str>>;
    /// The elements of an array; nothing for anything else.
    fn items(self) -> impl Iterator<Item = Self> + 'a;
    /// The members of an object in their order.
    fn members(self) -> impl Iterator<Item = (&'a str, Self)> + 'a;
    fn is_object(self) -> bool;
    fn is_array(self) -> bool;

    /// The text of a member.
    fn str_at(self, key: &str) -> Option<&'a str> {
        self.get(key).and_then(Self::text)
    }
    /// The elements of a member that is an array.
    fn list(self, key: &str) -> impl Iterator<Item = Self> + 'a {
        self.get(key).into_iter().flat_map(Self::items)
    }
}

impl<'a> Json<'a> for &'a Value {
    fn get(self, key: &str) -> Option<Self> {
        self.as_object()?.get(key)
    }
    fn text(self) -> Option<&'a str> {
        self.as_str()
    }
    fn boolean(self) -> Option<bool> {
        self.as_bool()
    }
    fn number(self) -> Option<Cow<'a, str>> {
        self.as_number().map(|n| Cow::Owned(n.to_string()))
    }
    fn items(self) -> impl Iterator<Item = Self> + 'a {
        self.as_array().into_iter().flatten()
    }
    fn members(self) -> impl Iterator<Item = (&'a str, Self)> + 'a {
        self.as_object()
            .into_iter()
            .flatten()
            .map(|(k, v)| (k.as_str(), v))
    }
    fn is_object(self) -> bool {
        Value::is_object(self)
    }
    fn is_array(self) -> bool {
        Value::is_array(self)
    }
}
