//! Raw values by key, with where each came from.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

/// One documented key.
#[derive(Debug)]
pub struct Key {
    /// `section.name`.
    pub name: &'static str,
    pub doc: &'static str,
    /// As text; empty for none.
    pub default: &'static str,
    pub kind: KeyKind,
}

/// How a value is written in TOML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    Text,
    Number,
    /// Text that is never printed back.
    Secret,
}

impl Key {
    pub const fn text(name: &'static str, default: &'static str, doc: &'static str) -> Self {
        Self {
            name,
            doc,
            default,
            kind: KeyKind::Text,
        }
    }
    pub const fn number(name: &'static str, default: &'static str, doc: &'static str) -> Self {
        Self {
            name,
            doc,
            default,
            kind: KeyKind::Number,
        }
    }
    pub const fn secret(name: &'static str, doc: &'static str) -> Self {
        Self {
            name,
            doc,
            default: "",
            kind: KeyKind::Secret,
        }
    }
    pub fn default_toml(&self) -> String {
        match self.kind {
            KeyKind::Number => self.default.to_owned(),
            KeyKind::Text | KeyKind::Secret => format!("{:?}", self.default),
        }
    }
}

/// Why the configuration is refused. Names the key, never a secret's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("{key}: {why}")]
    Value { key: String, why: String },
    #[error("{key} ({place}): no such key; `karez config explain` lists them")]
    Unknown { key: String, place: String },
    #[error("{file}: {why}")]
    File { file: String, why: String },
}

impl ConfigError {
    pub fn value(key: &str, why: impl Into<String>) -> Self {
        Self::Value {
            key: key.to_owned(),
            why: why.into(),
        }
    }
}

/// The environment variable of a key: `server.listen` is `KAREZ_SERVER_LISTEN`.
pub fn variable(name: &str) -> String {
    format!("KAREZ_{}", name.replace('.', "_").to_uppercase())
}

/// Values as they were given.
#[derive(Debug)]
pub struct Values {
    keys: Vec<&'static Key>,
    given: BTreeMap<&'static str, String>,
}

impl Values {
    pub const fn new(keys: Vec<&'static Key>) -> Self {
        Self {
            keys,
            given: BTreeMap::new(),
        }
    }

    fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|k| k.name == name).copied()
    }

    pub fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let file = path.display().to_string();
        let wrong = |why: String| ConfigError::File {
            file: file.clone(),
            why,
        };
        let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
        let table: toml::Table = text
            .parse()
            .map_err(|e: toml::de::Error| wrong(e.message().to_owned()))?;
        for (section, inner) in table {
            let toml::Value::Table(inner) = inner else {
                return Err(ConfigError::Unknown {
                    key: section,
                    place: file,
                });
            };
            for (name, value) in inner {
                let name = format!("{section}.{name}");
                let Some(key) = self.key(&name) else {
                    return Err(ConfigError::Unknown {
                        key: name,
                        place: file,
                    });
                };
                let text = plain(&value)
                    .ok_or_else(|| ConfigError::value(&name, "text or a number is expected"))?;
                self.given.insert(key.name, text);
            }
        }
        Ok(())
    }

    /// Takes `KAREZ_<SECTION>_…` variables. One that begins like a section of ours and names no key is refused.
    pub fn read_environment(
        &mut self,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        let sections: Vec<String> = self
            .keys
            .iter()
            .filter_map(|k| k.name.split_once('.'))
            .map(|(section, _)| variable(section) + "_")
            .collect();
        for (name, value) in environment {
            if let Some(key) = self.keys.iter().find(|k| variable(k.name) == name) {
                self.given.insert(key.name, value);
            } else if sections.iter().any(|s| name.starts_with(s.as_str())) {
                return Err(ConfigError::Unknown {
                    key: name,
                    place: "environment".into(),
                });
            }
        }
        Ok(())
    }

    pub fn set_flag(&mut self, name: &str, value: &str) {
        if let Some(key) = self.key(name) {
            self.given.insert(key.name, value.to_owned());
        }
    }

    /// The value given, or the default. Empty text means none.
    pub fn text(&self, name: &str) -> &str {
        let given = self.given.get(name).map(String::as_str);
        given
            .or_else(|| self.key(name).map(|k| k.default))
            .unwrap_or_default()
            .trim()
    }

    pub fn some(&self, name: &str) -> Option<String> {
        let text = self.text(name);
        (!text.is_empty()).then(|| text.to_owned())
    }

    pub fn parse<T>(&self, name: &str) -> Result<T, ConfigError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.text(name)
            .parse()
            .map_err(|e: T::Err| ConfigError::value(name, e.to_string()))
    }

    /// A whole number within bounds.
    pub fn number(&self, name: &str, least: u64, most: u64) -> Result<u64, ConfigError> {
        let n: u64 = self.parse(name)?;
        if (least..=most).contains(&n) {
            Ok(n)
        } else {
            let why = format!("{n} is not within {least} to {most}");
            Err(ConfigError::value(name, why))
        }
    }

    /// Parts separated by commas.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.text(name)
            .split(',')
            .map(|p| p.trim().to_owned())
            .filter(|p| !p.is_empty())
            .collect()
    }
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(s) => Some(s.clone()),
        toml::Value::Integer(n) => Some(n.to_string()),
        toml::Value::Float(n) => Some(n.to_string()),
        toml::Value::Boolean(b) => Some(b.to_string()),
        toml::Value::Array(parts) => {
            let parts: Option<Vec<String>> = parts.iter().map(plain).collect();
            Some(parts?.join(","))
        }
        toml::Value::Table(_) | toml::Value::Datetime(_) => None,
    }
}
