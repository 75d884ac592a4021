//! Encapsulated pixel data (PS3.5 A.4), held or left where they lie.

use std::marker::PhantomData;

use bytes::Bytes;

use super::Reader;
use crate::dataset::{Away, Data, Fragment};
use crate::error::ImagingError;
use crate::layout::{Span, begins_stream};
use crate::source::Input;

/// Encapsulated pixel data as they are met with: the offset table, then fragments.
pub(super) struct Fragments<I> {
    pub count: usize,
    held: Vec<Bytes>,
    table: Bytes,
    away: Vec<Fragment>,
    of: PhantomData<I>,
}

impl<I> Default for Fragments<I> {
    fn default() -> Self {
        Self {
            count: 0,
            held: Vec::new(),
            table: Bytes::new(),
            away: Vec::new(),
            of: PhantomData,
        }
    }
}

impl<I: Input> Fragments<I> {
    pub fn add(&mut self, reader: &mut Reader<'_, I>, length: usize) -> Result<(), ImagingError> {
        let at = reader.at;
        reader.at += length;
        self.count += 1;
        if !I::LEAVES {
            self.held.push(reader.input.slice(at, length)?);
        } else if self.count > 1 {
            let begins = length >= 4 && begins_stream(&reader.input.few::<4>(at)?);
            let span = Span {
                offset: at as u64,
                length: length as u64,
            };
            self.away.push(Fragment { span, begins });
        } else if length / 4 <= reader.limits.frames {
            self.table = reader.held(at, length)?;
        }
        Ok(())
    }

    pub fn data(self) -> Data {
        if I::LEAVES && self.count > 0 {
            let (table, fragments) = (self.table, self.away);
            return Data::Away(Box::new(Away::Fragments { table, fragments }));
        }
        Data::Fragments(self.held)
    }
}
