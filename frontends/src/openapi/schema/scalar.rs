//! Strings, numbers, booleans.

use witwire_ir::wire::Wire;
use witwire_ir::wire::json::Json;
use witwire_ir::{Format, Shape, Type};

use super::Schemas;
use super::declared::HostAlias;
use super::flat::Flat;
use super::kinds::Kinds;
use super::lower::Built;
use super::usage::Mode;

/// Formats of strings; where nothing else says so, they make a schema a string.
pub(super) fn is_text_format(format: &str) -> bool {
    HostAlias::of_format(format).is_some()
        || matches!(
            format,
            "byte"
                | "binary"
                | "base64"
                | "base64url"
                | "password"
                | "ipv4"
                | "ipv6"
                | "hostname"
                | "idn-email"
                | "idn-hostname"
                | "uri-reference"
                | "uri-template"
                | "iri"
                | "iri-reference"
                | "json-pointer"
                | "relative-json-pointer"
                | "regex"
                | "string"
                | "url"
        )
}

impl HostAlias {
    /// The alias for a format.
    pub(super) fn of_format(format: &str) -> Option<Self> {
        Some(match format {
            "date-time" => Self::DateTime,
            "date" => Self::Date,
            "time" => Self::Time,
            "duration" => Self::Duration,
            "uuid" => Self::Uuid,
            "uri" => Self::Uri,
            "email" => Self::Email,
            _ => return None,
        })
    }

    /// The rule that its values keep.
    pub(super) const fn format(self) -> Option<Format> {
        Some(match self {
            Self::DateTime => Format::DateTime,
            Self::Date => Format::Date,
            Self::Time => Format::Time,
            Self::Duration => Format::Duration,
            Self::Uuid => Format::Uuid,
            Self::Uri => Format::Uri,
            Self::Email => Format::Email,
            Self::Json => return None,
        })
    }
}

impl Schemas<'_> {
    pub(super) fn string(&mut self, flat: &Flat, mode: Mode) -> Built {
        let format = flat.format.as_deref().unwrap_or("");
        let base64 = flat.base64();
        if let Some(url_safe) = base64 {
            return Built::New(Type::with_wire(Shape::Bytes, Wire::Json(Json::Base64 { url_safe })));
        }
        let mut checks = if mode == Mode::Received { Vec::new() } else { self.views.string_checks(flat) };
        if let Some(alias) = HostAlias::of_format(format) {
            if checks.is_empty() {
                return Built::Existing(self.host_alias(alias));
            }
            // Rules of its own, which an alias that everybody shares cannot carry.
            checks.extend(alias.format().map(witwire_ir::Check::Format));
        }
        checks.shrink_to_fit();
        Built::New(Type { checks, ..Type::plain(Shape::String) })
    }

    /// Unsigned where nothing below 0 is allowed; 32 bits where the format says so, or where all values fit and are only sent.
    pub(super) fn integer(&self, flat: &Flat, mode: Mode) -> Built {
        let bounds = self.views.bounds(flat);
        let format = flat.format.as_deref().unwrap_or("");
        let unsigned =
            bounds.least().is_some_and(|n| n >= 0) || matches!(format, "uint32" | "uint64" | "uint" | "uint16" | "uint8");
        let fits = match (bounds.least(), bounds.greatest()) {
            (Some(a), Some(b)) if unsigned => a >= 0 && b <= i128::from(u32::MAX),
            (Some(a), Some(b)) => a >= i128::from(i32::MIN) && b <= i128::from(i32::MAX),
            _ => false,
        };
        let narrow =
            matches!(format, "int32" | "uint32" | "int16" | "int8" | "uint16" | "uint8") || (mode == Mode::Sent && fits);
        // A bound that the narrow type cannot hold wins over the format.
        let too_wide =
            bounds.greatest().is_some_and(|n| n > i128::from(if unsigned { u32::MAX.into() } else { i64::from(i32::MAX) }));
        let shape = match (unsigned, narrow && !too_wide) {
            (true, true) => Shape::U32,
            (true, false) => Shape::U64,
            (false, true) => Shape::S32,
            (false, false) => Shape::S64,
        };
        let checks = if mode == Mode::Received { Vec::new() } else { self.views.number_checks(flat, &shape) };
        Built::New(Type { checks, ..Type::plain(shape) })
    }

    pub(super) fn number(&self, flat: &Flat, mode: Mode) -> Built {
        let checks = if mode == Mode::Received { Vec::new() } else { self.views.number_checks(flat, &Shape::F64) };
        Built::New(Type { checks, ..Type::plain(Shape::F64) })
    }

    /// Whether a flat is one scalar kind without values to choose from, so that its type needs no name.
    pub(super) fn is_plain_scalar(flat: &Flat) -> bool {
        flat.choices.is_empty()
            && flat.values.is_none()
            && !flat.contradiction
            && [Kinds::BOOL, Kinds::INTEGER, Kinds::NUMBER, Kinds::STRING].contains(&flat.kinds)
    }
}
