//! The tour does what it says.

use crate::Add;
use crate::tool::{root, witwire};

pub(crate) fn trials(add: Add<'_>) {
    add("tour::every_effect_happens_once", every_effect_happens_once);
    add("tour::no_token_is_printed", no_token_is_printed);
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
