//! Nodes as JSON text, and YAML's numbers as JSON writes them.

use super::{Content, NodeId, Scalar, Tree};

impl Tree {
    /// The node as compact JSON text; `None` where it has more than `budget` nodes (aliases can make a tree of any size).
    pub(crate) fn json(&self, id: NodeId, mut budget: usize) -> Option<String> {
        enum Todo<'t> {
            Node(NodeId),
            Text(&'static str),
            Key(&'t str),
        }
        let mut out = String::new();
        let mut stack = vec![Todo::Node(id)];
        while let Some(todo) = stack.pop() {
            match todo {
                Todo::Text(text) => out.push_str(text),
                Todo::Key(key) => {
                    push_string(&mut out, key);
                    out.push(':');
                }
                Todo::Node(id) => {
                    budget = budget.checked_sub(1)?;
                    match self.content(id) {
                        Content::Scalar { .. } => match self.scalar(id) {
                            Some(Scalar::Bool(b)) => out.push_str(if b { "true" } else { "false" }),
                            Some(Scalar::Number(n)) => out.push_str(&json_number(n)),
                            Some(Scalar::String(s)) => push_string(&mut out, s),
                            Some(Scalar::Null) | None => out.push_str("null"),
                        },
                        Content::List(items) => {
                            out.push('[');
                            stack.push(Todo::Text("]"));
                            for (i, item) in items.iter().enumerate().rev() {
                                stack.push(Todo::Node(*item));
                                if i > 0 {
                                    stack.push(Todo::Text(","));
                                }
                            }
                        }
                        Content::Map(map) => {
                            out.push('{');
                            stack.push(Todo::Text("}"));
                            for (i, (key, value)) in map.entries.iter().enumerate().rev() {
                                stack.push(Todo::Node(*value));
                                stack.push(Todo::Key(key));
                                if i > 0 {
                                    stack.push(Todo::Text(","));
                                }
                            }
                        }
                    }
                }
            }
        }
        Some(out)
    }
}

/// Appends a JSON string literal.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// Whether a plain scalar is a number (YAML 1.2 core schema without infinities, which JSON lacks).
pub(super) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(hex) = text.strip_prefix("0x") {
        return !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit());
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return !octal.is_empty() && octal.bytes().all(|b| (b'0'..=b'7').contains(&b));
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((m, e)) => (m, Some(e)),
        None => (unsigned, None),
    };
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        Some((whole, fraction)) => {
            (digits(whole) && (fraction.is_empty() || digits(fraction))) || (whole.is_empty() && digits(fraction))
        }
        None => digits(mantissa),
    };
    mantissa_ok && exponent.is_none_or(|e| digits(e.strip_prefix(['-', '+']).unwrap_or(e)))
}

/// A YAML number as JSON writes it.
pub(crate) fn json_number(text: &str) -> String {
    let radix = |digits: &str, radix: u32| {
        i128::from_str_radix(digits, radix).map_or_else(|_| format!("\"{text}\""), |n| n.to_string())
    };
    if let Some(hex) = text.strip_prefix("0x") {
        return radix(hex, 16);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return radix(octal, 8);
    }
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let end = unsigned.find(['.', 'e', 'E']).unwrap_or(unsigned.len());
    let (whole, rest) = unsigned.split_at(end);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let rest = match rest.strip_prefix('.') {
        Some("") => String::new(),
        Some(f) if f.starts_with(['e', 'E']) => f.to_owned(),
        _ => rest.to_owned(),
    };
    format!("{sign}{whole}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_core_schema() {
        for text in ["0", "-1", "+1", "1.5", "1.", ".5", "1e3", "1.5E-3", "0x1F", "0o17", "007"] {
            assert!(is_number(text), "{text}");
        }
        for text in ["", "-", ".", "1e", "1_000", "0x", "1.2.3", "0b1", "1-2", ".inf"] {
            assert!(!is_number(text), "{text}");
        }
        for (text, json) in
            [("+1", "1"), ("007", "7"), ("0x1F", "31"), ("1.", "1"), (".5", "0.5"), ("1.e3", "1e3"), ("-0", "-0")]
        {
            assert_eq!(json_number(text), json);
        }
    }
}
