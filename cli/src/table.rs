//! Aligned columns for a person.

use crate::error::CliError;
use crate::output::{Output, Tone};

/// Prints rows below headings, each column as wide as its widest cell. Lines end without spaces.
pub(crate) fn print<const N: usize>(headings: [&str; N], rows: &[[String; N]], output: Output) -> Result<(), CliError> {
    let [heading, lines @ ..] = &lines(headings, rows)[..] else { return Ok(()) };
    output.line(&output.paint(Tone::Heading, heading))?;
    lines.iter().try_for_each(|line| output.line(line))
}

fn lines<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    let mut widths = headings.map(width);
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let line = |cells: [&str; N]| {
        let mut line = String::new();
        for (cell, widest) in cells.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(widest - width(cell) + 2));
        }
        line.trim_end().to_owned()
    };
    std::iter::once(line(headings)).chain(rows.iter().map(|row| line(row.each_ref().map(String::as_str)))).collect()
}

/// In characters: names are ASCII, and what else is printed stands in the last column.
fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["a".to_owned(), "22".to_owned(), String::new()], ["long".to_owned(), "1".to_owned(), "x".to_owned()]];
        assert_eq!(lines(["N", "REV", "WHY"], &rows), ["N     REV  WHY", "a     22", "long  1    x"]);
        assert_eq!(lines(["N"], &[]), ["N"]);
    }
}
