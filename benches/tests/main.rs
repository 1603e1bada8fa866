//! Makes every case, which checks that its sides agree, and runs each side once; and holds the page to the cases.

use std::path::{Path, PathBuf};

use witwire_benches::large::{Cost, Large};
use witwire_benches::measure::{Measured, MeasuredSide, Times};
use witwire_benches::{CASES, Entry, OWN, page, wit};

fn sides_agree_and_run(mut which: impl FnMut(&Entry) -> bool) {
    for entry in CASES.iter().filter(|entry| which(entry)) {
        let Some(case) = entry.make() else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "the corpus is missing: {:?}", entry.missing());
            println!("skipped: {}, corpus not found", entry.name);
            continue;
        };
        assert_eq!(case.sides[0].name, OWN);
        for side in &case.sides {
            (side.run)();
        }
    }
}

/// The cases that need no guest.
#[test]
fn sides_of_the_codecs_agree() {
    sides_agree_and_run(|entry| entry.counted > 0 && entry.group() != "host-call");
}

#[test]
fn sides_of_the_host_call_agree() {
    sides_agree_and_run(|entry| entry.group().starts_with("host-call"));
}

#[test]
fn sides_of_whole_calls_agree() {
    sides_agree_and_run(|entry| entry.counted == 0);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// `BLESS=1` writes the files anew. They are compiled into the cases, so that the build after that tells what else must change.
#[test]
fn hosts_are_compiled_from_the_wit_that_is_printed_today() {
    for (name, expected) in wit::files() {
        let path = root().join("benches/wit").join(name);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &expected).expect("the file can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == expected, "benches/wit/{name} is not what the compiler prints; run again with BLESS=1");
    }
}

/// Whole cases with made-up times.
fn measured() -> Vec<Measured> {
    let times = |n: usize| Times::of(vec![3e3 * n as f64, 1e3 * n as f64, 2e3 * n as f64, 4e3 * n as f64, 5e3 * n as f64]);
    let side = |name, n| MeasuredSide { name, times: times(n), instructions: Some(1e6 * n as f64) };
    CASES.iter().map(|entry| Measured { entry, sides: vec![side(OWN, 2), side("peer", 1)] }).collect()
}

/// A document with a made-up price.
fn large() -> Vec<Large> {
    let cost = Cost { bytes: 2_000_000, functions: 100, user_seconds: 0.5, peak_bytes: 3_000_000, instructions: Some(2e6) };
    vec![Large { name: "One", cost: Some(cost) }]
}

#[test]
fn the_page_has_every_case_and_a_place_for_figures() {
    let text = std::fs::read_to_string(root().join("docs/src/performance.md")).expect("the book has the page");
    for entry in CASES {
        assert!(text.contains(&format!("| {} |", entry.name)), "`{}` is not on the page: measure again", entry.name);
        assert!(text.contains(&format!("`{}`", entry.group())), "the page does not say what `{}` is", entry.group());
    }
    let new = page::updated(&text, "* machine: none", &measured(), &large()).expect("the page has its marks");
    let row = "| json-check | witwire | 6.00 µs | 4.00 µs to 8.00 µs |  | 2.00 M |  |\n\
               | json-check | peer | 3.00 µs | 2.00 µs to 4.00 µs | 2.00 × | 1.00 M | 2.00 × |\n";
    assert!(new.contains(row), "{new}");
    assert!(new.contains("\n* machine: none\n"), "{new}");
    assert!(new.contains("| One | 2.0 MB | 100 | 0.50 s | 5.00 ms | 3 MB | 2.00 M | 20.0 k |\n"), "{new}");
    assert_eq!(
        page::updated(&new, "* machine: none", &measured(), &large()),
        Ok(new.clone()),
        "a page can be updated again"
    );
    assert!(page::updated("", "", &measured(), &[]).is_err(), "a page without marks has no place");
}

#[test]
fn the_picture_has_a_curve_per_side() {
    let picture = page::picture(&measured());
    assert_eq!(picture.matches("<polyline").count(), 3 * 2, "{picture}");
    assert_eq!(picture.matches("<circle").count(), (4 + 4 + 3) * 2, "{picture}");
    assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
}
