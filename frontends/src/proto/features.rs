//! Edition features: what proto2, proto3 and the editions differ in.
//!
//! Source: Protocol Buffers, "Feature Settings for Editions", with the defaults of each edition.

use super::descriptor::{FeatureSet, FileDescriptorProto};

/// Features that are in force somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Features {
    pub(super) presence: Presence,
    pub(super) open_enum: bool,
    pub(super) packed: bool,
    pub(super) utf8: bool,
    pub(super) delimited: bool,
}

/// `features.field_presence`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Explicit,
    Implicit,
    Required,
}

/// The dialect of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Proto2,
    Proto3,
    Editions,
}

/// `EDITION_2023`, the first edition.
const FIRST_EDITION: i32 = 1000;
/// `EDITION_2024`, the last whose defaults are known here.
const LAST_EDITION: i32 = 1001;

/// A file that says what is not known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum UnknownDialect {
    Syntax(String),
    Edition(i32),
}

/// The dialect of a file and its features before any option.
pub(super) fn dialect(file: &FileDescriptorProto) -> Result<(Dialect, Features), UnknownDialect> {
    let proto2 = Features { presence: Presence::Explicit, open_enum: false, packed: false, utf8: false, delimited: false };
    let edition = Features { presence: Presence::Explicit, open_enum: true, packed: true, utf8: true, delimited: false };
    match file.syntax.as_deref() {
        None | Some("" | "proto2") => Ok((Dialect::Proto2, proto2)),
        Some("proto3") => Ok((Dialect::Proto3, Features { presence: Presence::Implicit, ..edition })),
        Some("editions") => match file.edition.unwrap_or_default() {
            FIRST_EDITION..=LAST_EDITION => Ok((Dialect::Editions, edition)),
            other => Err(UnknownDialect::Edition(other)),
        },
        Some(other) => Err(UnknownDialect::Syntax(other.to_owned())),
    }
}

impl Features {
    /// These features with what an element sets for itself and its children. Values that are not known change nothing.
    pub(super) fn with(self, own: Option<&FeatureSet>) -> Self {
        let Some(own) = own else { return self };
        Self {
            presence: match own.field_presence {
                Some(1) => Presence::Explicit,
                Some(2) => Presence::Implicit,
                Some(3) => Presence::Required,
                _ => self.presence,
            },
            open_enum: choose(own.enum_type, 1, 2, self.open_enum),
            packed: choose(own.repeated_field_encoding, 1, 2, self.packed),
            utf8: choose(own.utf8_validation, 2, 3, self.utf8),
            delimited: choose(own.message_encoding, 2, 1, self.delimited),
        }
    }
}

fn choose(value: Option<i32>, yes: i32, no: i32, inherited: bool) -> bool {
    match value {
        Some(v) if v == yes => true,
        Some(v) if v == no => false,
        _ => inherited,
    }
}
