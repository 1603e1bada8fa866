//! Runs one side of one case a number of times, for callgrind.
//!
//! `witwire-benches` lists the sides as `CASE<tab>SIDE`; `witwire-benches CASE SIDE COUNT` makes the case and runs the side.

use std::process::ExitCode;

use witwire_benches::CASES;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.as_slice() {
        [] => {
            list();
            Ok(())
        }
        [case, side, count] => run(case, side, count),
        _ => Err("usage: witwire-benches [CASE SIDE COUNT]".to_owned()),
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
        for side in (entry.make)().sides {
            println!("{}\t{}", entry.name, side.name);
        }
    }
}

fn run(case: &str, side: &str, count: &str) -> Result<(), String> {
    let count: u32 = count.parse().map_err(|_| format!("`{count}` is not a number of runs"))?;
    let entry = CASES.iter().find(|entry| entry.name == case).ok_or_else(|| format!("no case `{case}`"))?;
    let case = (entry.make)();
    let side = case.sides.iter().find(|s| s.name == side).ok_or_else(|| format!("no side `{side}` in `{}`", case.name))?;
    for _ in 0..count {
        (side.run)();
    }
    Ok(())
}
