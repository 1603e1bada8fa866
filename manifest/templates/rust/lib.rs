//! A component that calls a service through typed functions. Nobody wrote a client.

wit_bindgen::generate!({ path: "wit", world: "agent", generate_all });

use api::notes::notes;
use api::notes::types::{Error, ErrorKind};

struct Agent;

impl Guest for Agent {
    fn run(text: String) -> Result<String, String> {
        let note = notes::create(&notes::CreateRequest { text }).map_err(explain)?;
        let all = notes::list(None).map_err(explain)?;
        Ok(format!("note {} is one of {}", note.id, all.len()))
    }
}

/// What went wrong, matched by kind.
fn explain(error: Error) -> String {
    match &error.kind {
        ErrorKind::InvalidRequest(violations) => {
            let broken: Vec<&str> = violations.iter().map(|v| v.location.as_str()).collect();
            format!("the request breaks the API's rules at {}", broken.join(", "))
        }
        ErrorKind::OutcomeUnknown => "nobody knows whether the request was processed".to_owned(),
        _ => error.message,
    }
}

export!(Agent);
