//! Services in processes of their own, and the programs that they are.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Child;

use crate::tool::tools;

/// A running service; it is stopped when this is dropped.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address on loopback at which nothing listens.
pub(crate) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// A program that `.ci/tools NAME` installs; where it is missing, that is said.
pub(crate) fn installed(name: &str, program: &str) -> Option<PathBuf> {
    let file = tools().join(name).join("bin").join(program);
    found(file.exists().then_some(file), &format!("`.ci/tools {name}` installs {program}"))
}

fn found(file: Option<PathBuf>, how: &str) -> Option<PathBuf> {
    if file.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{how}, and CI must have it");
        println!("skipped: {how}");
    }
    file
}
