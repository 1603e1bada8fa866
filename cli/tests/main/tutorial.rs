//! The tutorial is run: its commands, in order, in one shell, as a reader would type them. What they print is compared.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Add;
use crate::tool::{folder, root};

pub(crate) fn trials(add: Add<'_>) {
    add("tutorial::every_command_works", every_command_works);
}

/// A line behind `$`, and what the book says that it prints.
#[derive(Debug, Default)]
struct Step {
    command: String,
    printed: Vec<String>,
}

fn every_command_works() {
    let [todo, server] = free_ports();
    let moved = |text: &str| {
        text.replace("127.0.0.1:8080", &format!("127.0.0.1:{todo}"))
            .replace("127.0.0.1:9080", &format!("127.0.0.1:{server}"))
    };
    let page = std::fs::read_to_string(root().join("docs/src/tutorial.md")).expect("the tutorial");
    let steps = steps(&moved(&page));
    assert!(steps.len() > 20, "only {} commands were found", steps.len());

    // The reader's checkout, in which the ports are those that are free here.
    let home = folder(&[]);
    let checkout = home.path().join("checkout");
    copy(&root().join("examples"), &checkout.join("examples"), &moved);
    let output = Command::new("bash")
        .arg("-c")
        .arg(script(&steps))
        .current_dir(home.path())
        .env("WITWIRE", &checkout)
        .env("PATH", path())
        .env_remove("WITWIRE_SERVER")
        .env_remove("WITWIRE_API_KEY_FILE")
        .env_remove("WITWIRE_LOG")
        .stdin(Stdio::null())
        .output()
        .expect("bash runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let ran: Vec<&str> = text.split(MARK).skip(1).collect();
    for (step, ran) in steps.iter().zip(&ran) {
        let (out, code) = ran.rsplit_once(CODE).unwrap_or((ran, " none"));
        assert_eq!(code.trim(), "0", "$ {}\n{out}", step.command);
        is(step, out);
    }
    assert_eq!(ran.len(), steps.len(), "the shell ended early:\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Stands before what a command prints, and before its exit code.
const MARK: &str = "\n@@@ ";
const CODE: &str = "\n@@@code";

/// The commands of all `console` blocks.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match line.trim_start() {
            "```console" => inside = true,
            line if line.starts_with("```") => inside = false,
            line if inside => match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push(Step { command: command.to_owned(), printed: Vec::new() }),
                (None, Some(step)) => step.printed.push(line.to_owned()),
                (None, None) => panic!("a block begins without a command: {line}"),
            },
            _ => {}
        }
    }
    steps
}

/// One shell for all commands. Behind one that goes on in the background and listens, it waits until it does, as a reader would, or
/// has ended.
fn script(steps: &[Step]) -> String {
    let mut script = String::from("exec 2>&1\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\n");
    for step in steps {
        // grep ends with 1 where it counts none.
        let command =
            step.command.replace("| grep -c a-secret-of-the-operator", "| { grep -c a-secret-of-the-operator || true; }");
        script += "printf '\\n@@@ '\n";
        script += &if let Some(process) = step.command.strip_prefix("kill -9 ") {
            // Its port is free once it has ended, which is told by this shell alone and not by a reader's. It may have ended before
            // the shell comes to `wait`, so both stand in one group.
            format!("{{ {command}; code=$?; wait {process}; }} 2> /dev/null\n")
        } else {
            format!("{command}\ncode=$?\n")
        };
        if let Some((_, rest)) = step.command.split_once("--listen 127.0.0.1:")
            && step.command.ends_with('&')
        {
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            script += &format!(
                "until (: < /dev/tcp/127.0.0.1/{port}) 2>/dev/null || ! kill -0 $! 2>/dev/null; do sleep 0.02; done\n"
            );
        }
        script += "printf '\\n@@@code %s' $code\n";
    }
    script
}

/// What was printed is what the book shows, line for line; `…` stands for anything within a line, and alone for any lines.
#[track_caller]
fn is(step: &Step, out: &str) {
    let wanted: Vec<&str> = step.printed.iter().map(String::as_str).collect();
    let lines: Vec<&str> = out.trim_end_matches('\n').lines().collect();
    assert!(all_fit(&wanted, &lines), "$ {}\nprints\n{out}\nand the book shows\n{}", step.command, wanted.join("\n"));
}

fn all_fit(wanted: &[&str], lines: &[&str]) -> bool {
    match (wanted, lines) {
        ([], lines) => lines.is_empty(),
        (["…", rest @ ..], lines) => (0..=lines.len()).any(|passed| all_fit(rest, &lines[passed..])),
        ([first, wanted @ ..], [line, lines @ ..]) => fits(first, line) && all_fit(wanted, lines),
        (_, []) => false,
    }
}

fn fits(wanted: &str, line: &str) -> bool {
    let line = line.trim();
    let mut parts = wanted.trim().split('…');
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else { return false };
    let mut open = false;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        open = part.is_empty();
    }
    open || rest.is_empty()
}

/// Ports of loopback on which nobody listens now.
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    listeners.map(|l| l.local_addr().expect("an address").port())
}

/// The program under test comes first.
fn path() -> std::ffi::OsString {
    let program = Path::new(env!("CARGO_BIN_EXE_witwire")).parent().expect("a folder").to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(program).chain(std::env::split_paths(&others))).expect("folders without a colon")
}

/// Copies what is not made by a build; the manifest with a change.
fn copy(from: &Path, to: &Path, change: &impl Fn(&str) -> String) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        if name == "target" || name == ".witwire" {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(&name), change);
        } else if name == "witwire.yaml" {
            let text = std::fs::read_to_string(&path).expect("the manifest");
            std::fs::write(to.join(&name), change(&text)).expect("written");
        } else {
            std::fs::copy(&path, to.join(&name)).expect("copied");
        }
    }
}
