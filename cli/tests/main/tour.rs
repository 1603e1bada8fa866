//! The tour does what it says.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::Add;
use crate::tool::{command, folder, root, witwire};

pub(crate) fn trials(add: Add<'_>) {
    add("tour::every_effect_happens_once", every_effect_happens_once);
    add("tour::no_token_is_printed", no_token_is_printed);
    add("tour::what_the_server_demo_says_can_be_typed", what_the_server_demo_says_can_be_typed);
}

/// Two kills, three processes, and the service counts four effects, each once.
fn every_effect_happens_once() {
    let report = witwire(&root(), &["--format", "json", "demo"]).exits(0).json();
    assert_eq!(report["kills"], 2);
    let effects = report["effects"].as_array().expect("the service's effects");
    let told: Vec<String> = effects.iter().map(|e| format!("{} {} {}", e["operation"], e["protocol"], e["title"])).collect();
    assert_eq!(
        told,
        [
            r#""create" "rest" "Bake a cake""#,
            r#""create" "grpc" "Invite guests""#,
            r#""update" "grpc" "Invite guests""#,
            r#""complete" "rest" "Bake a cake""#
        ]
    );
    // Six calls; the two that were cut by a kill were sent again.
    assert_eq!(report["requests"], 8);
    assert!(report["result"].as_str().is_some_and(|r| r.starts_with("ok(")), "{report}");
}

fn no_token_is_printed() {
    let ran = witwire(&root(), &["demo"]).exits(0).says("each once").says("SIGKILL").says("package demo:todo@1.0.0");
    for text in [&ran.out, &ran.err] {
        assert!(!text.to_lowercase().contains("authorization"), "{text}");
        assert!(!text.contains("Bearer "), "{text}");
    }
}

/// Every line that `demo --server` prints to be typed is typed, the one that kills the server as well.
fn what_the_server_demo_says_can_be_typed() {
    let dir = folder(&[]);
    let shell = |line: &str| Command::new("sh").args(["-c", line]).current_dir(dir.path()).output().expect("a shell");
    let mut demo = Kept(
        command(dir.path())
            .args(["demo", "--server", "--listen", "127.0.0.1:0", "--delay", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the demo starts"),
    );
    let mut lines = BufReader::new(demo.0.stdout.take().expect("it is piped")).lines().map(|l| l.expect("a line"));
    let told: Vec<String> = lines.by_ref().take_while(|l| !l.contains("Ctrl-C")).collect();
    let typed: Vec<&str> = told.iter().skip_while(|l| !l.starts_with("Now")).filter_map(|l| l.strip_prefix("   ")).collect();
    let [invoke, oplog, show, kill] = typed[..] else { panic!("{told:#?}") };
    let run = |line: &str| {
        let ran = shell(line);
        assert!(ran.status.success(), "{line}: {ran:?}");
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    let result = run(invoke);
    assert!(result.starts_with("ok(\"Bake a cake: done."), "{result}");
    assert!(run(oplog).contains("started   demo:todo/todo-service@1.0.0#add-todo("));
    assert!(run(show).contains("credentials: {\"bearerAuth\":{\"env\":\"TODO_TOKEN\"}}"));
    assert!(kill.starts_with("kill -9 "), "{kill}");
    run(kill);
    let again = lines.next().expect("the demo goes on");
    assert!(again.starts_with("The server has ended; a new one goes on"), "{again}");
    assert_eq!(run(invoke), result, "the stored result");
    run(&format!("kill -TERM {}", demo.0.id()));
    assert!(demo.0.wait().expect("it ends").success());
    assert!(!shell(oplog).status.success(), "the server ended with the demo");
}

/// A process that is told to end where the test fails, so that its own processes end with it.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
            let _ = self.0.wait();
        }
    }
}
