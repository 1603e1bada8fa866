//! Documentation as `///` lines.

use std::fmt::{self, Write};

/// Writes a text as documentation lines. A text of blank lines only writes nothing.
pub(super) fn write(out: &mut String, indent: &str, text: &str) -> fmt::Result {
    let text = text.replace("\r\n", "\n");
    let lines: Vec<String> = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).map(clean).collect();
    let (Some(first), Some(last)) = (lines.iter().position(|l| !l.is_empty()), lines.iter().rposition(|l| !l.is_empty()))
    else {
        return Ok(());
    };
    lines[first..=last].iter().try_for_each(|line| {
        let space = if line.is_empty() { "" } else { " " };
        writeln!(out, "{indent}///{space}{line}")
    })
}

/// WIT refuses control characters, bidirectional overrides and some deprecated code points anywhere in its text, comments
/// included (the component model's `WIT.md`, "Lexical structure").
fn clean(line: &str) -> String {
    let line: String = line
        .chars()
        .map(|c| match c {
            '\t' => ' ',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            '\u{149}' | '\u{673}' | '\u{f77}' | '\u{f79}' | '\u{17a3}' | '\u{17a4}' | '\u{17b4}' | '\u{17b5}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect();
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::write;

    fn docs(text: &str) -> String {
        let mut out = String::new();
        write(&mut out, "  ", text).expect("a string takes all");
        out
    }

    #[test]
    fn blank_ends_go_and_blank_lines_stay() {
        assert_eq!(docs("\n\na \r\n\r\nb\t\n \n"), "  /// a\n  ///\n  /// b\n");
        assert_eq!(docs(" \n\t\n"), "");
    }

    #[test]
    fn what_wit_refuses_is_replaced() {
        assert_eq!(docs("a\u{0}b\u{202e}c\u{149}d\rpackage x;"), "  /// a\u{fffd}b\u{fffd}c\u{fffd}d\n  /// package x;\n");
    }
}
