//! Names across scripts: Han by pinyin, Cyrillic (Russian, Kazakh) and Uyghur Arabic letters by their usual Latin
//! ones, Latin without accents. Made for finding and comparing, never for showing as a person's name.

use fhir::text::fold;
use pinyin::ToPinyin;

use super::Name;

/// How two names compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameMatch {
    Same,
    /// A letter or two apart, or the same consonants: one script's spelling of another's.
    Similar,
    Other,
}

pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The name in plain Latin small letters; syllables of Han are set apart by blanks.
pub fn latin(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if is_han(c) {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
            // ü is typed as v in pinyin input and as u in passports; u finds both after `sound`.
            if let Some(p) = c.to_pinyin() {
                out.push_str(&p.plain().replace('ü', "u"));
                out.push(' ');
            }
        } else if let Some(letters) = cyrillic(c).or_else(|| uyghur(c)) {
            out.push_str(letters);
        } else if c.is_alphanumeric() || is_mark(c) {
            out.push(c);
        } else if c == '\'' || c == '’' || c == 'ʼ' {
            // Apostrophes only part syllables.
        } else {
            out.push(' ');
        }
    }
    fold(&out)
}

/// Combining marks are left for `fold` to take off with their letter.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn cyrillic(c: char) -> Option<&'static str> {
    let c = c.to_lowercase().next().unwrap_or(c);
    Some(match c {
        'а' | 'ә' => "a",
        'б' => "b",
        'в' => "v",
        'г' | 'ғ' => "g",
        'д' => "d",
        'е' | 'ё' | 'э' => "e",
        'ж' => "zh",
        'з' => "z",
        'и' | 'й' | 'і' | 'ы' => "i",
        'к' => "k",
        'қ' => "q",
        'л' => "l",
        'м' => "m",
        'н' => "n",
        'ң' => "ng",
        'о' | 'ө' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' | 'ұ' | 'ү' => "u",
        'ф' => "f",
        'х' | 'һ' => "h",
        'ц' => "ts",
        'ч' => "ch",
        'ш' => "sh",
        'щ' => "sch",
        'ъ' | 'ь' => "",
        'ю' => "yu",
        'я' => "ya",
        _ => return None,
    })
}

/// Uyghur Latin Yéziqi, without its accents.
fn uyghur(c: char) -> Option<&'static str> {
    Some(match c {
        'ا' => "a",
        'ە' | 'ې' => "e",
        'ب' => "b",
        'پ' => "p",
        'ت' => "t",
        'ج' => "j",
        'چ' => "ch",
        'خ' => "x",
        'د' => "d",
        'ر' => "r",
        'ز' => "z",
        'ژ' => "zh",
        'س' => "s",
        'ش' => "sh",
        'غ' => "gh",
        'ف' => "f",
        'ق' => "q",
        'ك' | 'ک' => "k",
        'گ' => "g",
        'ڭ' => "ng",
        'ل' => "l",
        'م' => "m",
        'ن' => "n",
        'ھ' | 'ه' => "h",
        'و' | 'ۆ' => "o",
        'ۇ' | 'ۈ' => "u",
        'ۋ' => "w",
        'ى' => "i",
        'ي' => "y",
        'ئ' => "",
        _ => return None,
    })
}

/// One spelling for sounds that systems of transcription write differently.
fn sound(latin: &str) -> String {
    let text: String = latin.chars().filter(|c| *c != ' ').collect();
    let mut text = text;
    for (from, to) in [
        ("kh", "h"),
        ("gh", "g"),
        ("sch", "sh"),
        ("zh", "j"),
        ("dj", "j"),
        ("ts", "c"),
        ("ph", "f"),
        ("ck", "k"),
    ] {
        text = text.replace(from, to);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let c = match c {
            'x' => 'h',
            'q' => 'k',
            'w' => 'v',
            'y' => 'i',
            other => other,
        };
        if !out.ends_with(c) {
            out.push(c);
        }
    }
    out
}

fn consonants(sound: &str) -> String {
    let mut out = String::new();
    for c in sound.chars().filter(|c| !"aeiouh".contains(*c)) {
        if !out.ends_with(c) {
            out.push(c);
        }
    }
    out
}

/// The ways one name is put together: family first and given first.
fn spellings(name: &Name) -> Vec<String> {
    let (family, given) = (latin(&name.family), latin(&name.given));
    let mut list = Vec::new();
    if !family.is_empty() || !given.is_empty() {
        list.push(sound(&format!("{family} {given}")));
        list.push(sound(&format!("{given} {family}")));
    }
    let whole = latin(&name.whole());
    if !whole.is_empty() {
        let mut words: Vec<_> = whole.split(' ').collect();
        list.push(sound(&whole));
        words.rotate_left(1);
        list.push(sound(&words.join(" ")));
    }
    list.sort();
    list.dedup();
    list
}

/// Compares every name of one person with every name of the other; none when either has no name.
pub(super) fn compare(a: &[Name], b: &[Name]) -> Option<NameMatch> {
    let (a, b): (Vec<_>, Vec<_>) = (
        a.iter().flat_map(spellings).collect(),
        b.iter().flat_map(spellings).collect(),
    );
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let any = |test: fn(&str, &str) -> bool| a.iter().any(|x| b.iter().any(|y| test(x, y)));
    Some(if any(|x, y| x == y) {
        NameMatch::Same
    } else if any(close) {
        NameMatch::Similar
    } else {
        NameMatch::Other
    })
}

fn close(x: &str, y: &str) -> bool {
    let longest = x.chars().count().max(y.chars().count());
    let allowed = match longest {
        0..=4 => 0,
        5..=8 => 1,
        _ => 2,
    };
    let (a, b) = (consonants(x), consonants(y));
    // Four consonants in the same order are rarely chance; fewer are.
    distance(x, y) <= allowed || (a == b && a.len() >= 4)
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = change.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
