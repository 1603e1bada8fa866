//! Rules that are checked before a value is sent.

use witwire_ir::{Check, Format, Number, Shape};

use super::flat::Flat;
use super::view::Views;
use crate::openapi::context::Version;
use crate::openapi::tree::{NodeId, Scalar, json_number};

/// The bounds of a number.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Bounds {
    pub(super) minimum: Option<Bound>,
    pub(super) maximum: Option<Bound>,
}

/// One bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound {
    pub(super) at: Number,
    /// Whether the bound itself is not allowed.
    pub(super) exclusive: bool,
}

impl Bound {
    /// The least (or greatest, `up` false) integer that keeps it.
    fn integer(self, up: bool) -> i128 {
        let step = i128::from(self.exclusive);
        match self.at {
            Number::Int(n) => {
                if up {
                    n.saturating_add(step)
                } else {
                    n.saturating_sub(step)
                }
            }
            Number::Float(f) => {
                if up {
                    f.ceil() as i128
                } else {
                    f.floor() as i128
                }
            }
        }
    }
}

impl Bounds {
    /// The least integer, if there is a bound.
    pub(super) fn least(self) -> Option<i128> {
        self.minimum.map(|b| b.integer(true))
    }

    /// The greatest integer, if there is a bound.
    pub(super) fn greatest(self) -> Option<i128> {
        self.maximum.map(|b| b.integer(false))
    }
}

/// A number as written.
pub(super) fn number(text: &str) -> Option<Number> {
    let text = json_number(text);
    if let Ok(n) = text.parse::<i128>() {
        return Some(Number::Int(n));
    }
    let f: f64 = text.parse().ok().filter(|f: &f64| f.is_finite())?;
    Some(if f.fract() == 0.0 && f.abs() < 1e18 { Number::Int(f as i128) } else { Number::Float(f) })
}

impl Views<'_> {
    fn number_at(&self, node: NodeId, key: &str) -> Option<Number> {
        let value = self.cx.tree.get(node, key)?;
        match self.cx.tree.scalar(value)? {
            Scalar::Number(text) | Scalar::String(text) => number(text),
            _ => None,
        }
    }

    pub(super) fn count_at(&self, flat: &Flat, key: &str, least: bool) -> Option<u64> {
        let counts = flat.leaves.iter().filter_map(|n| match self.number_at(*n, key) {
            Some(Number::Int(n)) => u64::try_from(n).ok(),
            _ => None,
        });
        if least { counts.max() } else { counts.min() }
    }

    /// The tightest bounds of all schemas.
    pub(super) fn bounds(&self, flat: &Flat) -> Bounds {
        let mut bounds = Bounds::default();
        let value = |n: Number| match n {
            Number::Int(n) => n as f64,
            Number::Float(f) => f,
        };
        for &leaf in &flat.leaves {
            for (key, other, up) in [("minimum", "exclusiveMinimum", true), ("maximum", "exclusiveMaximum", false)] {
                let mut found = Vec::new();
                if let Some(at) = self.number_at(leaf, key) {
                    let exclusive = self.cx.tree.get_bool(leaf, other).unwrap_or(false);
                    found.push(Bound { at, exclusive });
                }
                if self.cx.version == Version::V31
                    && let Some(at) = self.number_at(leaf, other)
                {
                    found.push(Bound { at, exclusive: true });
                }
                let slot = if up { &mut bounds.minimum } else { &mut bounds.maximum };
                for bound in found {
                    let tighter = slot.is_none_or(|b| {
                        let (new, old) = (value(bound.at), value(b.at));
                        if up { new > old } else { new < old }
                    });
                    if tighter {
                        *slot = Some(bound);
                    }
                }
            }
        }
        bounds
    }

    /// Rules for numbers that a value of the shape can break.
    pub(super) fn number_checks(&self, flat: &Flat, shape: &Shape) -> Vec<Check> {
        let bounds = self.bounds(flat);
        let (least, greatest) = match shape {
            Shape::U32 => (0, i128::from(u32::MAX)),
            Shape::S32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
            Shape::U64 => (0, i128::from(u64::MAX)),
            Shape::S64 => (i128::from(i64::MIN), i128::from(i64::MAX)),
            _ => (i128::MIN, i128::MAX),
        };
        let mut checks = Vec::new();
        if let Some(bound) = bounds.minimum
            && bound.integer(true) > least
        {
            checks.push(if bound.exclusive { Check::ExclusiveMinimum(bound.at) } else { Check::Minimum(bound.at) });
        }
        if let Some(bound) = bounds.maximum
            && bound.integer(false) < greatest
        {
            checks.push(if bound.exclusive { Check::ExclusiveMaximum(bound.at) } else { Check::Maximum(bound.at) });
        }
        for leaf in &flat.leaves {
            match self.number_at(*leaf, "multipleOf") {
                Some(Number::Int(n)) if n > 0 && (n > 1 || matches!(shape, Shape::F64)) => {
                    checks.push(Check::MultipleOf(Number::Int(n)));
                }
                Some(Number::Float(f)) if f > 0.0 => checks.push(Check::MultipleOf(Number::Float(f))),
                _ => {}
            }
        }
        checks
    }

    /// Rules for strings.
    pub(super) fn string_checks(&self, flat: &Flat) -> Vec<Check> {
        let mut checks = Vec::new();
        checks.extend(self.count_at(flat, "minLength", true).filter(|n| *n > 0).map(Check::MinLength));
        checks.extend(self.count_at(flat, "maxLength", false).map(Check::MaxLength));
        for leaf in &flat.leaves {
            if let Some(pattern) = self.cx.tree.get_text(*leaf, "pattern") {
                checks.push(Check::Pattern(pattern.to_owned()));
            }
        }
        let format = match flat.format.as_deref() {
            Some("ipv4") => Some(Format::Ipv4),
            Some("ipv6") => Some(Format::Ipv6),
            Some("hostname") => Some(Format::Hostname),
            _ => None,
        };
        checks.extend(format.map(Check::Format));
        checks
    }

    /// Rules for arrays.
    pub(super) fn array_checks(&self, flat: &Flat) -> Vec<Check> {
        let mut checks = Vec::new();
        checks.extend(self.count_at(flat, "minItems", true).filter(|n| *n > 0).map(Check::MinItems));
        checks.extend(self.count_at(flat, "maxItems", false).map(Check::MaxItems));
        if flat.leaves.iter().any(|n| self.cx.tree.get_bool(*n, "uniqueItems") == Some(true)) {
            checks.push(Check::UniqueItems);
        }
        checks
    }

    /// Rules for objects that a value can break: `required` is the number of members that are always there.
    pub(super) fn object_checks(&self, flat: &Flat, required: usize) -> Vec<Check> {
        let mut checks = Vec::new();
        checks.extend(self.count_at(flat, "minProperties", true).filter(|n| *n > required as u64).map(Check::MinProperties));
        checks.extend(self.count_at(flat, "maxProperties", false).map(Check::MaxProperties));
        checks
    }
}
