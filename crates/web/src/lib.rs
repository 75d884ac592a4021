//! The pages: templates, styles, words and islands.

pub mod assets;
pub mod components;
pub mod show;
pub mod words;
