//! Documents on another machine, and projects that use them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::sync::{Arc, Mutex};

use crate::tool::folder;

/// A server of documents, by path, which notes what it is asked for.
#[derive(Clone, Default)]
pub(crate) struct Documents {
    pub(crate) url: String,
    answers: Arc<Mutex<BTreeMap<String, String>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Documents {
    pub(crate) fn serve(pages: &[(&str, &str)]) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let served = Self { url: format!("http://{}", listener.local_addr().expect("an address")), ..Self::default() };
        for (path, page) in pages {
            served.set(path, page);
        }
        let of = served.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
                let Some(Ok(first)) = lines.next() else { continue };
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                let answer = of.answers.lock().expect("not poisoned").get(&path).cloned();
                of.asked.lock().expect("not poisoned").push(path);
                let _ = stream.write_all(answer.unwrap_or_else(|| answer_of("404 Not Found", "", "")).as_bytes());
            }
        });
        served
    }

    /// The URL of a document.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn set(&self, path: &str, page: &str) {
        self.answer(path, "200 OK", "", page);
    }

    /// Answers otherwise than with a document: a status, and headers with their line ends.
    pub(crate) fn answer(&self, path: &str, status: &str, headers: &str, body: &str) {
        self.answers.lock().expect("not poisoned").insert(path.to_owned(), answer_of(status, headers, body));
    }

    pub(crate) fn remove(&self, path: &str) {
        self.answers.lock().expect("not poisoned").remove(path);
    }

    /// What was asked for since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("not poisoned"))
    }
}

fn answer_of(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// A project of an empty component with one dependency, given as YAML in one line.
pub(crate) fn project(dependency: &str) -> tempfile::TempDir {
    let manifest =
        format!("components:\n  app:a: {{ wit: wit, wasm: a.wasm }}\ndependencies:\n  app:a:\n    - {dependency}\n");
    let dir = folder(&[("witwire.yaml", manifest.as_bytes()), ("a.wasm", b"\0asm\r\0\x01\0")]);
    std::fs::create_dir(dir.path().join("wit")).expect("made");
    std::fs::write(dir.path().join("wit/world.wit"), "package a:b;\nworld c {}\n").expect("written");
    dir
}
