//! The book's page: its words are written by hand, what was measured stands between marks and is replaced.

use crate::large::Large;
use crate::measure::Measured;
use crate::{plot, table};

/// The marks around what is replaced, by the part's name.
fn marks(part: &str) -> (String, &'static str) {
    (format!("<!-- measured: {part} -->\n"), "<!-- end -->")
}

/// The page with new figures.
///
/// # Errors
/// A mark is missing, in words.
pub fn updated(page: &str, machine: &str, cases: &[Measured], large: &[Large]) -> Result<String, String> {
    let page = replaced(page, "machine", machine)?;
    let page = replaced(&page, "figures", &table::figures(cases))?;
    replaced(&page, "large", &table::large(large))
}

/// The plot of cost against size, a file beside the page.
pub fn picture(cases: &[Measured]) -> String {
    let panels = ["host-call", "grpc-list", "rest-list"].map(|group| plot::Panel::of(group, cases));
    plot::draw(&panels)
}

fn replaced(page: &str, part: &str, content: &str) -> Result<String, String> {
    let (start, end) = marks(part);
    let missing = || format!("the page has no place for `{part}`: it stands between `{}` and `{end}`", start.trim_end());
    let (before, rest) = page.split_once(&start).ok_or_else(missing)?;
    let (_, after) = rest.split_once(end).ok_or_else(missing)?;
    Ok(format!("{before}{start}\n{}\n\n{end}{after}", content.trim_end()))
}
