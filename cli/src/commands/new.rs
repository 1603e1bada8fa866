//! `witwire new`

use witwire_manifest::template::{self, NewError};

use crate::args::{NewArgs, Template};
use crate::error::CliError;
use crate::output::{Output, Tone};

pub(crate) fn run(args: &NewArgs, output: Output) -> Result<(), CliError> {
    let template = match args.template {
        Template::Rust => template::RUST,
    };
    let written = template::create(&args.path, template).map_err(|e| match e {
        NewError::File(e) => CliError::Io(e.to_string()),
        other => CliError::Usage(other.to_string()),
    })?;
    if output.is_json() {
        return output.json(&serde_json::json!({ "written": written }));
    }
    for path in &written {
        output.line(&format!("{} {}", output.paint(Tone::Good, "wrote"), path.display()))?;
    }
    output.line(&format!("\nNext: cd {} && rustup target add wasm32-wasip2 && witwire build", args.path.display()))
}
