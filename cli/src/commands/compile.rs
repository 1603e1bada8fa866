//! `witwire compile`

use witwire_ir::container;

use crate::args::CompileArgs;
use crate::error::CliError;
use crate::output::Output;
use crate::spec;

pub(crate) fn run(args: &CompileArgs, output: Output) -> Result<(), CliError> {
    let spec = spec::load(&args.spec.specs, &args.spec.settings, &args.spec.trust)?;
    spec.report(output)?;
    let bytes = container::write(&spec.bundle);
    std::fs::write(&args.output, &bytes).map_err(|e| CliError::file("write", &args.output, &e))?;
    let operations: usize = spec.bundle.apis.iter().map(|a| a.operations.len()).sum();
    if output.is_json() {
        let packages: Vec<_> = spec.bundle.apis.iter().map(|a| a.package.to_string()).collect();
        return output.json(&serde_json::json!({
            "output": args.output,
            "bytes": bytes.len(),
            "packages": packages,
            "operations": operations,
            "skipped": spec.compiled.skipped,
        }));
    }
    output.line(&format!("{}: {operations} operations, {} bytes", args.output.display(), bytes.len()))
}
