//! The icons, drawn on a 20 × 20 grid with a 1.5 line, in the markup itself: nothing to fetch, nothing to flash.

use maud::{Markup, PreEscaped, html};

/// Name and path data, sorted by name.
const PATHS: &[(&str, &str)] = &[
    ("bell", "M5 13.5V9a5 5 0 0 1 10 0v4.5l1.5 1.5h-13zM8.5 17h3"),
    (
        "book",
        "M10 5C8 3.5 5.5 3.5 3 4v12c2.5-.5 5-.5 7 1 2-1.5 4.5-1.5 7-1V4c-2.5-.5-5-.5-7 1zM10 5v12",
    ),
    ("calendar", "M3 5h14v12H3zM3 8.5h14M6.5 3v3.5M13.5 3v3.5"),
    ("check", "m4 10.5 4 4 8-9"),
    (
        "contrast",
        "M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM10 3v14M10 6h4.5M10 9h6.5M10 12h6M10 15h4",
    ),
    ("cut", "M2 10h5M13 10h5M8.5 6l-1 8M12.5 6l-1 8"),
    ("download", "M10 4v9M6 9l4 4 4-4M3 13v4h14v-4"),
    ("file", "M5 2.5h6.5L15 6v11.5H5zM11.5 2.5V6H15"),
    ("home", "m3 9.5 7-6 7 6M5 8v8.5h10V8"),
    (
        "image",
        "M3 4h14v12H3zM3 13l4-4 3.5 3.5L13 10l4 4M11.5 7a1 1 0 1 0 2 0 1 1 0 1 0-2 0",
    ),
    ("inbox", "M3 11 5.5 4h9L17 11v5.5H3zM3 11h4l1 2.5h4l1-2.5h4"),
    (
        "info",
        "M3 10a7 7 0 1 0 14 0 7 7 0 1 0-14 0M10 9v5M10 6.2v.1",
    ),
    (
        "key",
        "M3 10a3.5 3.5 0 1 0 7 0 3.5 3.5 0 1 0-7 0M10 10h8M15 10v2.5",
    ),
    ("lab", "M8 2.5h4M8.5 2.5v5L4 16.5h12L11.5 7.5v-5M6 12.5h8"),
    (
        "language",
        "M3 10a7 7 0 1 0 14 0 7 7 0 1 0-14 0M3 10h14M10 3c-4.5 4-4.5 10 0 14 4.5-4 4.5-10 0-14",
    ),
    ("lock", "M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9"),
    ("menu", "M3 5.5h14M3 10h14M3 14.5h14"),
    ("message", "M3 4h14v10H9l-4 3.5V14H3z"),
    ("moon", "M16 12.5A7 7 0 0 1 7.5 4 6.8 6.8 0 1 0 16 12.5z"),
    ("next", "m8 5 5 5-5 5"),
    ("pause", "M7.5 5v10M12.5 5v10"),
    (
        "people",
        "M4.5 6.5a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0M2.5 16c0-3 2-5 4.5-5s4.5 2 4.5 5M12.5 4.5a2.5 2.5 0 0 1 0 4.5M14 11.5c2 .5 3.5 2 3.5 4.5",
    ),
    (
        "person",
        "M7 6.5a3 3 0 1 0 6 0 3 3 0 1 0-6 0M4 17c0-3.5 2.5-5.5 6-5.5s6 2 6 5.5",
    ),
    ("phone", "M6.5 2.5h7v15h-7zM9 15h2"),
    (
        "pill",
        "M5 10.5 10.5 5a3.2 3.2 0 0 1 4.5 4.5L9.5 15A3.2 3.2 0 0 1 5 10.5zM7.7 7.7l4.6 4.6",
    ),
    (
        "pin",
        "M10 17.5s5.5-5 5.5-9.5a5.5 5.5 0 0 0-11 0c0 4.5 5.5 9.5 5.5 9.5zM8 8a2 2 0 1 0 4 0 2 2 0 1 0-4 0",
    ),
    ("previous", "m12 5-5 5 5 5"),
    ("print", "M6 7V3h8v4M5 14H3V7h14v7h-2M6 11.5h8V17H6z"),
    ("record", "M5 2.5h10v15H5zM7.5 6.5h5M7.5 9.5h5M7.5 12.5h3"),
    (
        "search",
        "M3.5 9a5.5 5.5 0 1 0 11 0 5.5 5.5 0 1 0-11 0M13 13l4 4",
    ),
    (
        "shield",
        "M10 2.5 16 5v5c0 4-2.5 6.5-6 7.5-3.5-1-6-3.5-6-7.5V5z",
    ),
    ("sign", "M3 16.5h14M5 12.5l8-8 2.5 2.5-8 8H5z"),
    ("split", "M3 4h14v12H3zM11 4v12"),
    (
        "sun",
        "M6.5 10a3.5 3.5 0 1 0 7 0 3.5 3.5 0 1 0-7 0M10 2v2M10 16v2M2 10h2M16 10h2M4.3 4.3l1.4 1.4M14.3 14.3l1.4 1.4M4.3 15.7l1.4-1.4M14.3 5.7l1.4-1.4",
    ),
    ("turn", "M16.5 10A6.5 6.5 0 1 1 13 4.3M13 1.5v3.2h3.2"),
    ("undo", "M7 4 3 8l4 4M3 8h9a5 4.5 0 0 1 0 9H8"),
    ("upload", "M10 13V4M6 8l4-4 4 4M3 13v4h14v-4"),
    ("video", "M3 6h9.5v8H3zM12.5 9 17 6.5v7L12.5 11"),
    ("warn", "M10 3 18 17H2zM10 8v4.5M10 14.7v.1"),
    ("x", "m5 5 10 10M15 5 5 15"),
];

/// Solid shapes of priority: a case's urgency is told by its shape before its colour.
const URGENCY: &[(&str, &str)] = &[
    (
        "emergency",
        "M10 1 19 10l-9 9-9-9zM9 5.5v6h2v-6zm0 7.5v2h2v-2z",
    ),
    ("routine", "M4 9h12v2H4z"),
    (
        "soon",
        "M10 3.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zm0 2v9a4.5 4.5 0 0 0 0-9z",
    ),
    ("urgent", "M10 2.5 18.5 17h-17z"),
];

fn find(table: &'static [(&str, &str)], name: &str) -> &'static str {
    table
        .iter()
        .find(|(n, _)| *n == name)
        .map_or("", |(_, d)| d)
}

/// An icon beside a word; hidden from assistive technology, which reads the word.
pub fn icon(name: &str) -> Markup {
    let turned = matches!(name, "next" | "previous" | "undo");
    html! {
        svg class=(if turned { "i flip" } else { "i" }) viewBox="0 0 20 20" aria-hidden="true" { path d=(find(PATHS, name)) {} }
    }
}

/// The shape of an urgency (`emergency`, `urgent`, `soon`, `routine`).
pub fn urgency_icon(code: &str) -> Markup {
    html! { svg class="i" viewBox="0 0 20 20" aria-hidden="true" { path fill-rule="evenodd" d=(find(URGENCY, code)) {} } }
}

/// The mark: a karez in section, level ground, shafts growing shorter, the channel rising.
pub fn mark() -> Markup {
    PreEscaped(
        r#"<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><path stroke-width="2" d="M2 6h28M6 6v17.2M13 6v13.2M20 6v9.2"/><path stroke-width="3.6" d="M2.5 25.5 29 10.3"/></svg>"#
            .to_owned(),
    )
}

/// Every icon's name, for the style guide.
pub fn names() -> impl Iterator<Item = &'static str> {
    PATHS.iter().map(|(n, _)| *n)
}

/// The alarm marks of IEC 60601-1-8: one, two or three strokes in a triangle.
pub fn alarm_icon(priority: &str) -> Markup {
    const FRAME: &str = "M13 1 25 19H1z";
    let strokes = match priority {
        "high" => {
            "M8.6 8.5h1.6v5h-1.6zm0 6h1.6v1.7h-1.6zM12.2 8.5h1.6v5h-1.6zm0 6h1.6v1.7h-1.6zM15.8 8.5h1.6v5h-1.6zm0 6h1.6v1.7h-1.6z"
        }
        "medium" => {
            "M10.2 8.5h1.6v5h-1.6zm0 6h1.6v1.7h-1.6zM14.2 8.5h1.6v5h-1.6zm0 6h1.6v1.7h-1.6z"
        }
        _ => "M12.2 8.5h1.6v5h-1.6zm0 6h1.6v1.7h-1.6z",
    };
    html! { svg class="i" viewBox="0 0 26 20" aria-hidden="true" { path fill-rule="evenodd" d={ (FRAME) (strokes) } {} } }
}
