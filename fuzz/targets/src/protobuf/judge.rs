//! Messages as prost-reflect reads them, in a form that can be compared: fields by number, entries of maps by key, numbers with
//! a point by their bits. Fields that are not known are left out.

use std::fmt::Write as _;

use prost_reflect::{DynamicMessage, EnumDescriptor, Kind, MapKey, MessageDescriptor, Syntax, Value};

/// What witwire refuses and prost-reflect reads, in the words of the refusal.
pub(super) const STRICTER: &[&str] = &["a required field is absent"];

/// prost-reflect's words for a string that is none.
pub(super) const NOT_UTF8: &str = "data is not UTF-8";

/// A message in the judge's eyes.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) text: String,
    /// It holds a number that its closed enum does not have. prost-reflect keeps it in the field; protobuf's own libraries, and
    /// witwire, have it among the fields that are not known.
    pub(super) beyond: bool,
}

/// Reads a message.
pub(super) fn read(message: &MessageDescriptor, bytes: &[u8]) -> Result<Judged, prost::DecodeError> {
    let message = DynamicMessage::decode(message.clone(), bytes)?;
    let mut judged = Judged::default();
    judged.message(&message);
    Ok(judged)
}

impl Judged {
    fn message(&mut self, message: &DynamicMessage) {
        let mut fields: Vec<_> = message.fields().collect();
        fields.sort_by_key(|(field, _)| field.number());
        self.text.push('{');
        for (field, value) in fields {
            let _ = write!(self.text, "{}:", field.number());
            self.value(value, &field.kind());
            self.text.push(' ');
        }
        self.text.push('}');
    }

    fn value(&mut self, value: &Value, kind: &Kind) {
        match value {
            // There is one null, whatever its number.
            Value::EnumNumber(_) if kind.as_enum().is_some_and(|of| of.full_name() == "google.protobuf.NullValue") => {
                self.text.push('0');
            }
            Value::EnumNumber(number) => {
                self.beyond |= kind.as_enum().is_some_and(|of| is_beyond(of, *number));
                let _ = write!(self.text, "{number}");
            }
            Value::F32(number) => drop(write!(self.text, "{:x}", number.to_bits())),
            Value::F64(number) => drop(write!(self.text, "{:x}", number.to_bits())),
            Value::Message(message) => self.message(message),
            Value::List(items) => {
                self.text.push('[');
                for item in items {
                    self.value(item, kind);
                    self.text.push(',');
                }
                self.text.push(']');
            }
            Value::Map(entries) => {
                let Kind::Message(entry) = kind else { panic!("a map's kind is its entry") };
                let kind = entry.map_entry_value_field().kind();
                let mut entries: Vec<(String, &Value)> = entries.iter().map(|(key, value)| (text(key), value)).collect();
                entries.sort_by(|a, b| a.0.cmp(&b.0));
                self.text.push('<');
                for (key, value) in entries {
                    let _ = write!(self.text, "{key}:");
                    self.value(value, &kind);
                    self.text.push(',');
                }
                self.text.push('>');
            }
            other => drop(write!(self.text, "{other:?}")),
        }
    }
}

fn text(key: &MapKey) -> String {
    format!("{key:?}")
}

fn is_beyond(of: &EnumDescriptor, number: i32) -> bool {
    of.parent_file().syntax() == Syntax::Proto2 && of.get_value(number).is_none()
}
