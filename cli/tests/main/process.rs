//! Services in processes of their own, and the programs that they are.

use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use crate::tool::tools;

/// A running service; it is stopped when this is dropped.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Asks until there is an answer, for a minute or two: services that start say in many ways that they have.
    pub(crate) fn until<T>(&mut self, mut ask: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            let ended = self.0.try_wait().expect("a process");
            assert!(ended.is_none(), "it ended before it served: {ended:?}");
            assert!(start.elapsed() < Duration::from_mins(2), "it does not serve");
            std::thread::yield_now();
        }
    }
}

/// An address on loopback at which nothing listens.
pub(crate) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// A program that `.ci/tools NAME` installs; where it is missing, that is said.
pub(crate) fn installed(name: &str, program: &str) -> Option<PathBuf> {
    let mut files = ["bin", "usr/bin"].iter().map(|folder| tools().join(name).join(folder).join(program));
    found(files.find(|file| file.exists()), &format!("`.ci/tools {name}` installs {program}"))
}

/// The address of a bridge to a Unix socket, which passes bytes on and knows nothing of them.
pub(crate) fn bridge(socket: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let socket = socket.to_owned();
    std::thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let Ok(far) = UnixStream::connect(&socket) else { return };
            let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone()) else { return };
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut &near, &mut &far);
                let _ = far.shutdown(Shutdown::Write);
            });
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut &far_too, &mut &near_too);
                let _ = near_too.shutdown(Shutdown::Write);
            });
        }
    });
    address
}

/// Whether the long tests are wanted; where they are not, that is said.
pub(crate) fn full(what: &str) -> bool {
    let full = std::env::var_os("WITWIRE_FULL").is_some();
    if !full {
        println!("skipped: {what} runs with WITWIRE_FULL=1");
    }
    full
}

fn found(file: Option<PathBuf>, how: &str) -> Option<PathBuf> {
    if file.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{how}, and CI must have it");
        println!("skipped: {how}");
    }
    file
}
