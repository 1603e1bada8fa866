//! The book keeps up with the code.

use std::collections::BTreeSet;
use std::path::Path;

use witwire_frontends::Code;

use crate::Add;
use crate::tool::{root, witwire};

pub(crate) fn trials(add: Add<'_>) {
    add("book::every_code_has_a_section", every_code_has_a_section);
    add("book::every_code_of_the_server_is_listed", every_code_of_the_server_is_listed);
    add("book::every_link_leads_somewhere", every_link_leads_somewhere);
    add("book::every_command_is_on_its_page", every_command_is_on_its_page);
    add("book::readme_names_tests_that_exist", readme_names_tests_that_exist);
}

fn every_code_of_the_server_is_listed() {
    let page = read(&root().join("docs/src/server.md"));
    for code in witwire_server::Code::ALL {
        let row = format!("| {} | {} | {} |", code.as_str(), code.status().as_u16(), code.meaning().trim());
        let row = row.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(page.contains(&row), "docs/src/server.md lacks: {row}");
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn every_code_has_a_section() {
    let text = read(&root().join("docs/src/errors.md"));
    let sections: BTreeSet<&str> =
        text.lines().filter_map(|l| l.strip_prefix("### ")).filter_map(|l| l.split_whitespace().next()).collect();
    let manifest = witwire_manifest::Code::ALL.iter().map(|c| c.as_str());
    let missing: Vec<&str> =
        Code::ALL.iter().map(|c| c.as_str()).chain(manifest).filter(|c| !sections.contains(c)).collect();
    assert!(missing.is_empty(), "docs/src/errors.md has no section for {}", missing.join(", "));
}

/// The targets of Markdown links in a text, without those that leave the project.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
        .map(|target| target.split('#').next().unwrap_or(target))
}

fn every_link_leads_somewhere() {
    let book = root().join("docs/src");
    let mut pages = vec![root().join("README.md"), root().join("ARCHITECTURE.md"), root().join("CONTRIBUTING.md")];
    let summary = read(&book.join("SUMMARY.md"));
    pages.push(book.join("SUMMARY.md"));
    pages.extend(links(&summary).map(|l| book.join(l)));
    let mut broken = Vec::new();
    for page in &pages {
        let text = read(page);
        let folder = page.parent().unwrap_or(&book);
        broken.extend(links(&text).filter(|l| !folder.join(l).exists()).map(|l| format!("{}: {l}", page.display())));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The page on every command is what the program prints today; `BLESS=1` writes it anew.
fn every_command_is_on_its_page() {
    let page = root().join("docs/src/commands.md");
    let printed = witwire(&root(), &["reference"]).exits(0).out;
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&page, &printed).expect("written");
    }
    assert_eq!(read(&page), printed, "docs/src/commands.md: run this test with BLESS=1");
    for command in ["deploy", "component create", "worker invoke", "oplog", "doctor"] {
        assert!(printed.contains(&format!(" witwire {command}\n")), "{command}");
    }
}

/// Each claim of the README names its test, `path/to/file.rs` → `test_name`; both exist.
fn readme_names_tests_that_exist() {
    let readme = read(&root().join("README.md"));
    let rows: Vec<Vec<&str>> = readme
        .lines()
        .skip_while(|l| !l.starts_with("## What holds"))
        .filter(|l| l.starts_with("| ") && l.contains('`'))
        .map(|l| l.split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() >= 8, "the README makes only {} claims", rows.len());
    for row in rows {
        let names: Vec<&str> = row.get(2).copied().unwrap_or_default().split('`').skip(1).step_by(2).collect();
        let [file, test @ ..] = names.as_slice() else { panic!("no test is named in {row:?}") };
        let path = root().join(file);
        assert!(path.exists(), "{file} does not exist");
        if !test.is_empty() && path.is_file() {
            let source = read(&path);
            for test in test {
                assert!(source.contains(test), "{file} has no {test}");
            }
        }
    }
}
