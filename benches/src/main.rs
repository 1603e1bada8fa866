//! Runs cases outside of criterion.
//!
//! ```text
//! witwire-benches                         lists the sides: CASE<tab>SIDE
//! witwire-benches CASE SIDE COUNT         makes a case and runs a side, for callgrind
//! witwire-benches compile FILE            compiles a document of the corpus: bytes, functions, most bytes resident, user seconds
//! witwire-benches large                   compiles the corpus' largest documents, and fails where one takes too much
//! witwire-benches google-protos           compiles all of npm's google-proto-files, which `.ci/tools google-protos` fetches
//! witwire-benches instructions [FACTOR]   prints a table of instructions; FACTOR times as many runs
//! witwire-benches page [quick] [clock]    measures everything and rewrites the book's page and its plot;
//!                                         `quick`: with few samples, `clock`: without callgrind
//! ```

use std::path::Path;
use std::process::ExitCode;

use witwire_benches::measure::{Effort, Measured, MeasuredSide, measure};
use witwire_benches::{CASES, callgrind, google_protos, large, machine, page, table};

const USAGE: &str = "usage: witwire-benches [CASE SIDE COUNT | compile FILE | large | google-protos | instructions [FACTOR] | page [quick] [clock]]";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match *args {
        [] => {
            list();
            Ok(())
        }
        ["compile", file] => large::compile(file).map(|line| println!("{line}")),
        ["large"] => runner().and_then(|runner| large::within_bounds(&runner)).map(|text| print!("{text}")),
        ["google-protos"] => google_protos::run().map(|text| println!("{text}")),
        ["instructions"] => instructions("1"),
        ["instructions", factor] => instructions(factor),
        ["page", ref options @ ..] if options.iter().all(|option| ["quick", "clock"].contains(option)) => {
            write_page(options.contains(&"quick"), options.contains(&"clock"))
        }
        [case, side, count] => run(case, side, count),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    for entry in CASES {
        for side in entry.make().into_iter().flat_map(|case| case.sides) {
            println!("{}\t{}", entry.name, side.name);
        }
    }
}

fn run(case: &str, side: &str, count: &str) -> Result<(), String> {
    let count: u32 = count.parse().map_err(|_| format!("`{count}` is not a number of runs"))?;
    let entry = CASES.iter().find(|entry| entry.name == case).ok_or_else(|| format!("no case `{case}`"))?;
    let made = entry.make().ok_or_else(|| format!("`{case}` needs a file of the corpus, which is missing"))?;
    let side = made.sides.iter().find(|s| s.name == side).ok_or_else(|| format!("no side `{side}` in `{case}`"))?;
    for _ in 0..count {
        (side.run)();
    }
    Ok(())
}

fn instructions(factor: &str) -> Result<(), String> {
    let factor: u32 = factor.parse().map_err(|_| format!("`{factor}` is not a number"))?;
    if !callgrind::is_installed() {
        return Err("valgrind is needed".to_owned());
    }
    let runner = runner()?;
    let mut counted = Vec::new();
    for entry in CASES {
        let Some(case) = entry.make() else {
            eprintln!("skipped: {}, whose file of the corpus is missing", entry.name);
            continue;
        };
        let counts = callgrind::count(&runner, entry, &case, factor)?;
        let sides = case.sides.iter().zip(counts).filter_map(|(side, count)| Some((side.name, count?)));
        counted.push((entry.name, sides.collect()));
    }
    print!("{}", table::instructions(&counted));
    Ok(())
}

fn write_page(quick: bool, clock: bool) -> Result<(), String> {
    let effort = if quick { Effort::QUICK } else { Effort::FULL };
    let runner = runner()?;
    let counts = !clock && callgrind::is_installed();
    if !clock && !counts {
        eprintln!("valgrind is not installed: no instructions are counted");
    }
    let machine = machine::description();
    let mut cases = Vec::new();
    // The clock first, as long as the machine is quiet.
    for entry in CASES {
        let Some(case) = entry.make() else {
            eprintln!("skipped: {}, whose file of the corpus is missing", entry.name);
            cases.push(Measured { entry, sides: Vec::new() });
            continue;
        };
        eprintln!("{}: by the clock", entry.name);
        let times = measure(&case, effort);
        let sides = case.sides.iter().zip(times);
        let sides = sides.map(|(side, times)| MeasuredSide { name: side.name, times, instructions: None });
        cases.push(Measured { entry, sides: sides.collect() });
    }
    for measured in cases.iter_mut().filter(|measured| counts && measured.entry.counted > 0) {
        let Some(case) = measured.entry.make() else { continue };
        eprintln!("{}: instructions", measured.entry.name);
        let counts = callgrind::count(&runner, measured.entry, &case, 1)?;
        for (side, count) in measured.sides.iter_mut().zip(counts) {
            side.instructions = count;
        }
    }
    eprintln!("large documents");
    let large = large::measure(&runner, counts)?;
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src");
    let file = book.join("performance.md");
    let said = |what: &str, e: std::io::Error| format!("the book's page cannot be {what}: {e}");
    let text = std::fs::read_to_string(&file).map_err(|e| said("read", e))?;
    let text = page::updated(&text, &machine, &cases, &large)?;
    std::fs::write(&file, text).map_err(|e| said("written", e))?;
    std::fs::write(book.join("performance.svg"), page::picture(&cases)).map_err(|e| said("written", e))
}

fn runner() -> Result<std::path::PathBuf, String> {
    std::env::current_exe().map_err(|e| format!("the place of this program is unknown: {e}"))
}
