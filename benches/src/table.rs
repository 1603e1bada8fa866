//! Figures as Markdown.

use std::fmt::Write as _;

use crate::OWN;
use crate::large::Large;
use crate::measure::{Measured, MeasuredSide};

/// All cases and sides, with medians, instructions, and how many times witwire takes what the side takes.
pub fn figures(cases: &[Measured]) -> String {
    let mut text = String::from(
        "| case | side | median | half of the samples | witwire takes | instructions | witwire takes |\n|---|---|---:|---:|---:|---:|---:|\n",
    );
    for case in cases {
        let name = case.entry.name;
        let own = case.sides.iter().find(|side| side.name == OWN);
        for side in &case.sides {
            let times = side.times;
            let takes = |of: fn(&MeasuredSide) -> Option<f64>| match own {
                Some(own) if side.name != OWN => ratio(of(own), of(side)),
                _ => String::new(),
            };
            let _ = writeln!(
                text,
                "| {name} | {} | {} | {} to {} | {} | {} | {} |",
                side.name,
                time(times.median),
                time(times.low),
                time(times.high),
                takes(|side| Some(side.times.median)),
                side.instructions.map(amount).unwrap_or_default(),
                takes(|side| side.instructions),
            );
        }
        if case.sides.is_empty() {
            let file = case.entry.missing().unwrap_or_default();
            let _ = writeln!(text, "| {name} | not measured: `{file}` of the corpus was missing | | | | | |");
        }
    }
    text
}

/// Instructions alone.
pub fn instructions(cases: &[(&str, Vec<(&str, f64)>)]) -> String {
    let mut text = String::from("| case | side | instructions | witwire takes |\n|---|---|---:|---:|\n");
    for (name, sides) in cases {
        let own = sides.iter().find(|(side, _)| *side == OWN).map(|(_, count)| *count);
        for (side, count) in sides {
            let takes = if *side == OWN { String::new() } else { ratio(own, Some(*count)) };
            let _ = writeln!(text, "| {name} | {side} | {} | {takes} |", amount(*count));
        }
    }
    text
}

/// Large documents, and what each takes for a function of it.
pub fn large(documents: &[Large]) -> String {
    let mut text = String::from(
        "| document | size | functions | user time | a function | peak memory | instructions | a function |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for Large { name, cost } in documents {
        let Some(cost) = cost else {
            let _ = writeln!(text, "| {name} | not measured: it is a file of the corpus, which was missing | | | | | | |");
            continue;
        };
        let each = cost.functions as f64;
        let _ = writeln!(
            text,
            "| {name} | {:.1} MB | {} | {:.2} s | {} | {:.0} MB | {} | {} |",
            cost.bytes as f64 / 1e6,
            cost.functions,
            cost.user_seconds,
            time(cost.user_seconds * 1e9 / each),
            cost.peak_bytes as f64 / 1e6,
            cost.instructions.map(amount).unwrap_or_default(),
            cost.instructions.map(|count| amount(count / each)).unwrap_or_default(),
        );
    }
    text
}

fn ratio(own: Option<f64>, other: Option<f64>) -> String {
    match (own, other) {
        (Some(own), Some(other)) => format!("{:.2} ×", own / other),
        _ => String::new(),
    }
}

/// Nanoseconds, in three digits or more and a unit that fits.
pub fn time(nanoseconds: f64) -> String {
    let (number, unit) = match nanoseconds {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    let digits = if number < 10.0 { 2 } else { usize::from(number < 100.0) };
    format!("{number:.digits$} {unit}")
}

fn amount(count: f64) -> String {
    match count {
        n if n < 1e3 => format!("{n:.0}"),
        n if n < 1e6 => format!("{:.1} k", n / 1e3),
        n if n < 1e9 => format!("{:.2} M", n / 1e6),
        n => format!("{:.2} G", n / 1e9),
    }
}
