//! Fragments to messages (PS3.8 annex E, PS3.7 §6.3): a pure state that takes one value after the other.

use bytes::Bytes;
use kernel::limits;

use super::command::Command;
use super::pdu::{Fault, Value};

/// What one fragment completes.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// A whole command; its data set follows if it says so.
    Command { context: u8, command: Command },
    /// Some bytes of the data set.
    Data { bytes: Bytes, last: bool },
}

/// Where in a message the line is.
#[derive(Debug, Default)]
pub struct Assembler {
    command: Vec<u8>,
    at: At,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    Between,
    InCommand(u8),
    InDataSet(u8),
}

impl Assembler {
    /// Whether no message has begun.
    pub fn is_between(&self) -> bool {
        self.at == At::Between
    }

    /// Takes a fragment. Fragments of one message come in one context, its command first.
    pub fn take(&mut self, value: Value) -> Result<Option<Piece>, Fault> {
        match self.at {
            At::Between | At::InCommand(_) if !value.command => Err(Fault::Unexpected),
            At::InCommand(context) if context != value.context => Err(Fault::Unexpected),
            At::InDataSet(context) if value.command || context != value.context => {
                Err(Fault::Unexpected)
            }
            At::InDataSet(_) => {
                if value.last {
                    self.at = At::Between;
                }
                Ok(Some(Piece::Data {
                    bytes: value.bytes,
                    last: value.last,
                }))
            }
            At::Between | At::InCommand(_) => self.take_command(&value),
        }
    }

    fn take_command(&mut self, value: &Value) -> Result<Option<Piece>, Fault> {
        if self.command.len() + value.bytes.len() > limits::DICOM_COMMAND_BYTES_MAX {
            return Err(Fault::Invalid);
        }
        self.command.extend_from_slice(&value.bytes);
        if !value.last {
            self.at = At::InCommand(value.context);
            return Ok(None);
        }
        let command = Command::read(&self.command).map_err(|_| Fault::Invalid)?;
        self.command.clear();
        self.at = if command.has_data_set() {
            At::InDataSet(value.context)
        } else {
            At::Between
        };
        Ok(Some(Piece::Command {
            context: value.context,
            command,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(context: u8, command: bool, last: bool, bytes: &[u8]) -> Value {
        Value {
            context,
            command,
            last,
            bytes: Bytes::copy_from_slice(bytes),
        }
    }

    #[test]
    fn a_message_in_fragments_is_put_together() {
        let store = Command::store(1, "1.2", "1.3", None);
        let bytes = store.bytes();
        let (a, b) = bytes.split_at(20);
        let mut assembler = Assembler::default();
        assert_eq!(assembler.take(value(1, true, false, a)), Ok(None));
        let Ok(Some(Piece::Command {
            context: 1,
            command,
        })) = assembler.take(value(1, true, true, b))
        else {
            panic!("a command");
        };
        assert_eq!(command.class(), Some("1.2"));
        assert!(!assembler.is_between());
        for last in [false, true] {
            assert!(matches!(
                assembler.take(value(1, false, last, b"xx")),
                Ok(Some(Piece::Data { .. }))
            ));
        }
        assert!(assembler.is_between());
    }

    #[test]
    fn fragments_out_of_turn_or_in_another_context_are_refused() {
        let bytes = Command::store(1, "1.2", "1.3", None).bytes();
        let mut assembler = Assembler::default();
        assert_eq!(
            assembler.take(value(1, false, true, b"")),
            Err(Fault::Unexpected)
        );
        assembler.take(value(1, true, false, &bytes[..20])).unwrap();
        assert_eq!(
            assembler.take(value(3, true, true, &bytes[20..])),
            Err(Fault::Unexpected)
        );
        assembler.take(value(1, true, true, &bytes[20..])).unwrap();
        assert_eq!(
            assembler.take(value(3, false, true, b"")),
            Err(Fault::Unexpected)
        );
        assert_eq!(
            assembler.take(value(1, true, true, &bytes)),
            Err(Fault::Unexpected)
        );
    }

    #[test]
    fn a_command_without_end_is_refused_in_bounded_memory() {
        let mut assembler = Assembler::default();
        let chunk = vec![0; 8 << 10];
        let mut refused = false;
        for _ in 0..4 {
            refused |= assembler.take(value(1, true, false, &chunk)).is_err();
        }
        assert!(refused && assembler.command.len() <= limits::DICOM_COMMAND_BYTES_MAX);
    }
}
