//! `witwire worker invoke`: waits for the result, and tells what happens meanwhile; or starts it alone.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use witwire_executor::oplog::{IdempotencyKey, Wave};

use crate::args::InvokeArgs;
use crate::client::{Client, ClientError, Ended, Entry, Invocation};
use crate::error::CliError;
use crate::invocation;
use crate::output::{Output, Tone};
use crate::timeline;

/// How often the oplog is read while the result is awaited.
const POLL: Duration = Duration::from_millis(200);

pub(super) fn run(client: &Client, args: &InvokeArgs, output: Output) -> Result<(), CliError> {
    let (function, arguments) = invocation::parse(&args.call)?;
    let key = match &args.key {
        Some(key) => IdempotencyKey::new(key.as_str()).map_err(|e| CliError::Usage(e.to_string()))?,
        None => IdempotencyKey::random().map_err(|e| CliError::Io(format!("no random bytes: {e}")))?,
    };
    if args.key.is_none() && !output.is_json() {
        // Before anything is sent: whoever is cut off can continue.
        eprintln!("{} key {}", output.paint_err(Tone::Note, "note:"), key.as_str());
    }
    let invocation = Invocation {
        function: function.to_string(),
        arguments: arguments.iter().map(|a| Wave::as_str(a).to_owned()).collect(),
        key: key.as_str().to_owned(),
    };
    if args.detach {
        let started = client.start(&args.name, &invocation).map_err(|error| explained(error, &key))?;
        return if output.is_json() { output.json(&started) } else { output.line(&told(args, &key, &started.status)) };
    }
    let within = args.timeout.map(Duration::from_secs);
    let mut entries = Vec::new();
    let ended = if args.follow {
        follow(client, &args.name, &invocation, within, &mut |entry| {
            if !output.is_json() {
                eprintln!("{}", timeline::line_err(&entry, output));
            }
            entries.push(entry);
        })
    } else {
        client.invoke(&args.name, &invocation, within)
    };
    let ended = ended.map_err(|error| explained(error, &key))?;
    if output.is_json() {
        let mut report = serde_json::to_value(&ended).map_err(|e| CliError::Io(e.to_string()))?;
        report["key"] = key.as_str().into();
        if args.follow {
            report["entries"] = serde_json::to_value(&entries).map_err(|e| CliError::Io(e.to_string()))?;
        }
        output.json(&report)?;
    }
    invocation::verdict(&ended, output)
}

/// How far an invocation is, and how to come back to it.
fn told(args: &InvokeArgs, key: &IdempotencyKey, status: &str) -> String {
    let call = args.call.replace('\'', r"'\''");
    format!(
        "{status}, key {key}\n  wait for it: witwire worker invoke {} '{call}' --key {key}",
        args.name,
        key = key.as_str()
    )
}

/// Invokes, and hands over every new entry of the oplog until the result is there.
fn follow(
    client: &Client,
    worker: &str,
    invocation: &Invocation,
    within: Option<Duration>,
    each: &mut dyn FnMut(Entry),
) -> Result<Ended, ClientError> {
    let mut next = client.worker(worker)?.entries;
    let mut read = |next: &mut u64| -> Result<(), ClientError> {
        for entry in client.oplog(worker, *next)? {
            *next = entry.ordinal + 1;
            each(entry);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let (sender, ended) = mpsc::sync_channel(1);
        scope.spawn(move || {
            // The receiver waits for as long as this runs.
            let _ = sender.send(client.invoke(worker, invocation, within));
        });
        // Where the oplog cannot be read, the result is awaited alone: it tells what is wrong, or that nothing is.
        let mut readable = true;
        loop {
            match ended.recv_timeout(POLL) {
                Err(RecvTimeoutError::Timeout) => readable = readable && read(&mut next).is_ok(),
                Ok(ended) => {
                    if readable && ended.is_ok() {
                        // The result is there; it is not lost because its oplog cannot be read any more.
                        let _ = read(&mut next);
                    }
                    return ended;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let (server, reason) = (client.server().to_owned(), "the request was given up".to_owned());
                    return Err(ClientError::Broken { server, reason });
                }
            }
        }
    })
}

/// What was sent goes on without the caller.
fn explained(error: ClientError, key: &IdempotencyKey) -> CliError {
    match error {
        ClientError::Broken { .. } => CliError::Io(format!(
            "{error}\n  help: what the worker began it finishes, after a restart of the server too; the same command with \
             `--key {}` waits for the result, and nothing runs twice",
            key.as_str()
        )),
        other => other.into(),
    }
}
