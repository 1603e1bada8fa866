//! The client of the gRPC peer from the example service's source, without protoc; and the compiler's version for the page.

use std::process::Command;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const PROTO: &str = "../examples/todo-service/proto";
    println!("cargo:rerun-if-changed={PROTO}");
    let descriptors = protox::compile([format!("{PROTO}/todo.proto")], [PROTO])?;
    tonic_prost_build::configure().build_server(false).build_transport(true).compile_fds(descriptors)?;
    let output = Command::new(std::env::var("RUSTC")?).arg("--version").output()?;
    println!("cargo:rustc-env=BENCH_RUSTC={}", String::from_utf8(output.stdout)?.trim());
    Ok(())
}
