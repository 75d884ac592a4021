//! Command sets (PS3.7 §6.3.1, annex E): group 0000 in implicit VR little endian, whatever was negotiated.

use std::collections::BTreeMap;

use kernel::limits;

/// Elements of group 0000 by their number.
mod element {
    pub const GROUP_LENGTH: u16 = 0x0000;
    pub const AFFECTED_CLASS: u16 = 0x0002;
    pub const REQUESTED_CLASS: u16 = 0x0003;
    pub const KIND: u16 = 0x0100;
    pub const MESSAGE: u16 = 0x0110;
    pub const RESPONDED_TO: u16 = 0x0120;
    pub const DESTINATION: u16 = 0x0600;
    pub const PRIORITY: u16 = 0x0700;
    pub const DATA_SET: u16 = 0x0800;
    pub const STATUS: u16 = 0x0900;
    pub const COMMENT: u16 = 0x0902;
    pub const AFFECTED_INSTANCE: u16 = 0x1000;
    pub const REQUESTED_INSTANCE: u16 = 0x1001;
    pub const EVENT: u16 = 0x1002;
    pub const ACTION: u16 = 0x1008;
    pub const REMAINING: u16 = 0x1020;
    pub const COMPLETED: u16 = 0x1021;
    pub const FAILED: u16 = 0x1022;
    pub const WARNED: u16 = 0x1023;
    pub const ORIGINATOR: u16 = 0x1030;
    pub const ORIGINATOR_MESSAGE: u16 = 0x1031;
}

/// Command Data Set Type of a message without a data set.
const NO_DATA_SET: u16 = 0x0101;
/// The bit of an answer.
const ANSWER: u16 = 0x8000;

/// What a message asks (PS3.7 table E.1-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Store,
    Get,
    Find,
    Move,
    Echo,
    EventReport,
    Action,
    Cancel,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Store,
        Self::Get,
        Self::Find,
        Self::Move,
        Self::Echo,
        Self::EventReport,
        Self::Action,
        Self::Cancel,
    ];

    const fn code(self) -> u16 {
        match self {
            Self::Store => 0x0001,
            Self::Get => 0x0010,
            Self::Find => 0x0020,
            Self::Move => 0x0021,
            Self::Echo => 0x0030,
            Self::EventReport => 0x0100,
            Self::Action => 0x0130,
            Self::Cancel => 0x0fff,
        }
    }

    /// As measurements name it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Store => "c-store",
            Self::Get => "c-get",
            Self::Find => "c-find",
            Self::Move => "c-move",
            Self::Echo => "c-echo",
            Self::EventReport => "n-event-report",
            Self::Action => "n-action",
            Self::Cancel => "c-cancel",
        }
    }
}

/// Counts of sub-operations (PS3.4 §C.4.2.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub remaining: u16,
    pub completed: u16,
    pub failed: u16,
    pub warned: u16,
}

/// One command set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command(BTreeMap<u16, Vec<u8>>);

/// A command set that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a command set")]
pub struct Malformed;

impl Command {
    /// Reads a whole command set. Elements outside group 0000 and lengths that lead out of it are refused.
    pub fn read(mut bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > limits::DICOM_COMMAND_BYTES_MAX {
            return Err(Malformed);
        }
        let mut elements = BTreeMap::new();
        while !bytes.is_empty() {
            let (head, rest) = bytes.split_first_chunk::<8>().ok_or(Malformed)?;
            if head[..2] != [0, 0] {
                return Err(Malformed);
            }
            let number = u16::from_le_bytes([head[2], head[3]]);
            let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
            let length = usize::try_from(length).map_err(|_| Malformed)?;
            let (value, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
            elements.insert(number, value.to_vec());
            bytes = rest;
        }
        let command = Self(elements);
        command.number(element::KIND).ok_or(Malformed)?;
        Ok(command)
    }

    /// The bytes, with the group's length first.
    #[allow(clippy::cast_possible_truncation)] // command sets are far smaller than 4 GiB
    pub fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(192);
        for (number, value) in &self.0 {
            put(&mut body, *number, value);
        }
        let mut whole = Vec::with_capacity(body.len() + 12);
        put(
            &mut whole,
            element::GROUP_LENGTH,
            &(body.len() as u32).to_le_bytes(),
        );
        whole.extend_from_slice(&body);
        whole
    }

    fn request(kind: Kind, message: u16, data_set: bool) -> Self {
        let mut command = Self::default();
        command.set(element::KIND, kind.code());
        command.set(element::MESSAGE, message);
        command.says_data_set(data_set);
        command
    }

    #[cfg(test)]
    pub fn echo(message: u16) -> Self {
        Self::request(Kind::Echo, message, false).with_class(crate::dimse::classes::VERIFICATION)
    }

    /// C-STORE-RQ; `on_behalf_of` names the entity and message of a C-MOVE (PS3.7 §9.3.1.1).
    pub fn store(
        message: u16,
        class: &str,
        instance: &str,
        on_behalf_of: Option<(&str, u16)>,
    ) -> Self {
        let mut command = Self::request(Kind::Store, message, true).with_class(class);
        command.set_text(element::AFFECTED_INSTANCE, instance, 0);
        command.set(element::PRIORITY, 0);
        if let Some((title, message)) = on_behalf_of {
            command.set_text(element::ORIGINATOR, title, b' ');
            command.set(element::ORIGINATOR_MESSAGE, message);
        }
        command
    }

    /// C-CANCEL-RQ of what was asked as `message`.
    #[cfg(test)]
    pub fn cancel(message: u16) -> Self {
        let mut command = Self::default();
        command.set(element::KIND, Kind::Cancel.code());
        command.set(element::RESPONDED_TO, message);
        command.says_data_set(false);
        command
    }

    /// N-EVENT-REPORT-RQ of storage commitment (PS3.4 §J.3.3).
    pub fn event(message: u16, class: &str, instance: &str, event: u16) -> Self {
        let mut command = Self::request(Kind::EventReport, message, true).with_class(class);
        command.set_text(element::AFFECTED_INSTANCE, instance, 0);
        command.set(element::EVENT, event);
        command
    }

    /// The answer to this request, with the class and instance it named.
    pub fn answer(&self, status: u16, data_set: bool) -> Self {
        let mut answer = Self::default();
        let kind = self.number(element::KIND).unwrap_or_default();
        answer.set(element::KIND, kind | ANSWER);
        answer.set(element::RESPONDED_TO, self.message());
        answer.set(element::STATUS, status);
        answer.says_data_set(data_set);
        for (asked, answered) in [
            (element::AFFECTED_CLASS, element::AFFECTED_CLASS),
            (element::REQUESTED_CLASS, element::AFFECTED_CLASS),
            (element::AFFECTED_INSTANCE, element::AFFECTED_INSTANCE),
            (element::REQUESTED_INSTANCE, element::AFFECTED_INSTANCE),
            (element::ACTION, element::ACTION),
            (element::EVENT, element::EVENT),
        ] {
            if let Some(value) = self.0.get(&asked) {
                answer.0.insert(answered, value.clone());
            }
        }
        answer
    }

    /// The answer with a word on what is wrong; never one that came from a data set.
    #[must_use]
    pub fn because(mut self, comment: &str) -> Self {
        let short: String = comment.chars().filter(char::is_ascii).take(64).collect();
        if !short.is_empty() {
            self.set_text(element::COMMENT, &short, b' ');
        }
        self
    }

    /// The answer with counts of sub-operations; how many remain is said only while some may (PS3.4 §C.4.2.3.1).
    #[must_use]
    pub fn with_counts(mut self, counts: Counts, remaining: bool) -> Self {
        if remaining {
            self.set(element::REMAINING, counts.remaining);
        }
        self.set(element::COMPLETED, counts.completed);
        self.set(element::FAILED, counts.failed);
        self.set(element::WARNED, counts.warned);
        self
    }

    fn with_class(mut self, class: &str) -> Self {
        self.set_text(element::AFFECTED_CLASS, class, 0);
        self
    }

    fn says_data_set(&mut self, present: bool) {
        self.set(
            element::DATA_SET,
            if present { 0x0001 } else { NO_DATA_SET },
        );
    }

    fn set(&mut self, number: u16, value: u16) {
        self.0.insert(number, value.to_le_bytes().to_vec());
    }

    fn set_text(&mut self, number: u16, text: &str, padding: u8) {
        let mut bytes = text.as_bytes().to_vec();
        if bytes.len() % 2 == 1 {
            bytes.push(padding);
        }
        self.0.insert(number, bytes);
    }

    fn number(&self, number: u16) -> Option<u16> {
        let value = self.0.get(&number)?;
        Some(u16::from_le_bytes([*value.first()?, *value.get(1)?]))
    }

    fn text(&self, number: u16) -> Option<&str> {
        let text = std::str::from_utf8(self.0.get(&number)?).ok()?;
        Some(text.trim_matches([' ', '\0'])).filter(|t| !t.is_empty())
    }

    /// The kind of a request; none when it is an answer or unknown.
    pub fn asks(&self) -> Option<Kind> {
        let code = self.number(element::KIND)?;
        Kind::ALL.into_iter().find(|k| k.code() == code)
    }

    /// The kind of request that this answers.
    pub fn answers(&self) -> Option<Kind> {
        let code = self.number(element::KIND)?;
        Kind::ALL.into_iter().find(|k| k.code() | ANSWER == code)
    }

    pub fn has_data_set(&self) -> bool {
        self.number(element::DATA_SET)
            .is_some_and(|d| d != NO_DATA_SET)
    }

    pub fn message(&self) -> u16 {
        self.number(element::MESSAGE).unwrap_or_default()
    }

    pub fn responded_to(&self) -> Option<u16> {
        self.number(element::RESPONDED_TO)
    }

    pub fn status(&self) -> Option<u16> {
        self.number(element::STATUS)
    }

    pub fn class(&self) -> Option<&str> {
        self.text(element::AFFECTED_CLASS)
            .or_else(|| self.text(element::REQUESTED_CLASS))
    }

    pub fn instance(&self) -> Option<&str> {
        self.text(element::AFFECTED_INSTANCE)
            .or_else(|| self.text(element::REQUESTED_INSTANCE))
    }

    pub fn destination(&self) -> Option<&str> {
        self.text(element::DESTINATION)
    }

    pub fn action(&self) -> Option<u16> {
        self.number(element::ACTION)
    }
}

#[allow(clippy::cast_possible_truncation)] // values of commands are shorter than 64 KiB
fn put(out: &mut Vec<u8>, number: u16, value: &[u8]) {
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let asked = Command::store(7, "1.2.3", "1.2.3.4", Some(("MOVER", 9)));
        let read = Command::read(&asked.bytes()).unwrap();
        assert_eq!(read.asks(), Some(Kind::Store));
        assert_eq!(
            (read.class(), read.instance()),
            (Some("1.2.3"), Some("1.2.3.4"))
        );
        assert!(read.has_data_set() && read.message() == 7);
        let answer = read.answer(0, false).because("kept");
        let answer = Command::read(&answer.bytes()).unwrap();
        assert_eq!(answer.answers(), Some(Kind::Store));
        assert_eq!((answer.responded_to(), answer.status()), (Some(7), Some(0)));
        assert!(answer.asks().is_none() && !answer.has_data_set());
    }

    #[test]
    fn lengths_that_lie_and_other_groups_are_refused() {
        let bytes = Command::echo(1).bytes();
        for n in 1..bytes.len() {
            if n != 12 {
                let _ = Command::read(&bytes[..n]);
            }
        }
        let mut long = bytes.clone();
        long[4] = 0xff;
        assert_eq!(Command::read(&long), Err(Malformed));
        let mut other = bytes;
        other[0] = 8;
        assert_eq!(Command::read(&other), Err(Malformed));
        assert_eq!(Command::read(&[]), Err(Malformed));
        assert_eq!(
            Command::read(&vec![0; limits::DICOM_COMMAND_BYTES_MAX + 8]),
            Err(Malformed)
        );
    }
}
