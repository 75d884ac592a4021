//! The closed world typst works in: our templates, our words, one document's data, our fonts, and nothing else.

use std::sync::LazyLock;

use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

mod faces {
    include!(concat!(env!("OUT_DIR"), "/faces.rs"));
}

struct Shared {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let fonts: Vec<Font> = faces::FACES
        .iter()
        .flat_map(|face| Font::iter(Bytes::new(*face)))
        .collect();
    Shared {
        library: LazyHash::new(Library::default()),
        book: LazyHash::new(FontBook::from_fonts(&fonts)),
        fonts,
    }
});

/// Whether some face can draw the character; what is never drawn counts too.
pub(crate) fn can_draw(c: char) -> bool {
    let never_drawn = matches!(
        c,
        '\n' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
            | '\u{fe00}'..='\u{fe0f}'
    );
    never_drawn
        || (!c.is_control()
            && SHARED
                .fonts
                .iter()
                .any(|f| f.info().coverage.contains(c.into())))
}

const BASE: &str = include_str!("../templates/base.typ");

/// One document to be set.
pub(crate) struct Sheet {
    main: Source,
    base: Source,
    words: (FileId, Bytes),
    data: (FileId, Bytes),
}

impl Sheet {
    /// `template` is the template's text, `words` and `data` are JSON.
    pub(crate) fn new(template: &'static str, words: &'static str, data: Vec<u8>) -> Option<Self> {
        Some(Self {
            main: Source::new(id("/main.typ")?, template.into()),
            base: Source::new(id("/base.typ")?, BASE.into()),
            words: (id("/words.json")?, Bytes::new(words.as_bytes())),
            data: (id("/data.json")?, Bytes::new(data)),
        })
    }
}

fn id(path: &str) -> Option<FileId> {
    Some(RootedPath::new(VirtualRoot::Project, VirtualPath::new(path).ok()?).intern())
}

fn nowhere() -> FileError {
    FileError::AccessDenied
}

impl World for Sheet {
    fn library(&self) -> &LazyHash<Library> {
        &SHARED.library
    }
    fn book(&self) -> &LazyHash<FontBook> {
        &SHARED.book
    }
    fn main(&self) -> FileId {
        self.main.id()
    }
    fn source(&self, id: FileId) -> FileResult<Source> {
        [&self.main, &self.base]
            .into_iter()
            .find(|s| s.id() == id)
            .cloned()
            .ok_or_else(nowhere)
    }
    fn file(&self, id: FileId) -> FileResult<Bytes> {
        [&self.words, &self.data]
            .into_iter()
            .find(|f| f.0 == id)
            .map(|f| f.1.clone())
            .ok_or_else(nowhere)
    }
    fn font(&self, index: usize) -> Option<Font> {
        SHARED.fonts.get(index).cloned()
    }
    /// Time is part of the data; a template that asked for today would not give the same print twice.
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faces_cover_the_scripts_of_our_readers() {
        let texts = [
            "Saryözen Øñé ß – “” ‘’ … ≤ ≥ µ ² ₂ ° × → ✓",
            "阿依努尔·买买提 縣醫院 𠮷",
            "Гемоглобин Ёё Қазақша Әә Өө Ұұ Үү Іі Һһ Ңң Ғғ",
            "پاتىگۈل مەمەت ئۇيغۇرچە ې ۋ ڭ ھ ە",
            "المريض ٠١٢٣ «»، ؛ ؟",
        ];
        for text in texts {
            let missing: Vec<char> = text.chars().filter(|c| !can_draw(*c)).collect();
            assert!(
                missing.is_empty() || missing == ['✓'] || missing == ['𠮷'],
                "{missing:?}"
            );
        }
        assert!(!can_draw('\u{1f600}'));
        assert!(!can_draw('\u{7}'));
    }
}
