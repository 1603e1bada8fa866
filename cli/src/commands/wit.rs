//! `witwire wit`

use std::path::Path;

use witwire_ir::{Api, print_package};

use crate::args::WitArgs;
use crate::error::CliError;
use crate::output::Output;
use crate::spec;

pub(crate) fn run(args: &WitArgs, output: Output) -> Result<(), CliError> {
    let spec = spec::load(&args.spec.specs, &args.spec.settings, &args.spec.trust)?;
    spec.report(output)?;
    if let Some(dir) = &args.output {
        let mut written = Vec::new();
        for api in &spec.bundle.apis {
            written.push(write(dir, api)?);
        }
        if output.is_json() {
            return output.json(&serde_json::json!({ "written": written }));
        }
        return written.iter().try_for_each(|path| output.line(path));
    }
    let texts: Vec<String> = spec.bundle.apis.iter().map(print_package).collect();
    if output.is_json() {
        let packages: Vec<_> = spec
            .bundle
            .apis
            .iter()
            .zip(&texts)
            .map(|(api, wit)| serde_json::json!({ "package": api.package.to_string(), "wit": wit }))
            .collect();
        return output.json(&serde_json::json!({ "packages": packages }));
    }
    output.raw(&texts.join("\n"))
}

/// Writes one package where `wit-bindgen` and `cargo component` look for it: `<dir>/<ns>_<name>/<name>.wit`.
pub(crate) fn write(dir: &Path, api: &Api) -> Result<String, CliError> {
    let folder = dir.join(format!("{}_{}", api.package.namespace.as_str(), api.package.name.as_str()));
    std::fs::create_dir_all(&folder).map_err(|e| CliError::file("create", &folder, &e))?;
    let file = folder.join(format!("{}.wit", api.package.name.as_str()));
    std::fs::write(&file, print_package(api)).map_err(|e| CliError::file("write", &file, &e))?;
    Ok(file.display().to_string())
}
