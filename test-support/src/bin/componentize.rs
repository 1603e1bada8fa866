//! `componentize MODULE COMPONENT`: wraps a core module that `wit-bindgen` made into a component, without any wasm tool.

use std::process::ExitCode;

use wit_component::ComponentEncoder;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(module), Some(component), None) = (args.next(), args.next(), args.next()) else {
        eprintln!("usage: componentize MODULE COMPONENT");
        return ExitCode::from(2);
    };
    let made = std::fs::read(&module)
        .map_err(|e| e.to_string())
        .and_then(|bytes| {
            ComponentEncoder::default()
                .validate(true)
                .module(&bytes)
                .and_then(|mut e| e.encode())
                .map_err(|e| format!("{e:#}"))
        })
        .and_then(|bytes| std::fs::write(&component, bytes).map_err(|e| e.to_string()));
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {}: {e}", module.display());
            ExitCode::FAILURE
        }
    }
}
