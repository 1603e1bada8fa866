//! A component as it is sent: multipart form data (RFC 7578), read piece by piece.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use serde::Serialize;
use witwire_executor::oplog::IdempotencyKey;

use super::Progress;
use crate::error::CliError;

/// What a part is made of.
enum Piece {
    Bytes(Cursor<Vec<u8>>),
    File(io::Take<File>),
}

/// A body of `metadata`, `component` and `ir` parts.
pub(crate) struct Upload {
    boundary: String,
    pieces: VecDeque<Piece>,
    length: u64,
    progress: Progress,
}

impl Upload {
    pub(crate) fn new(metadata: &impl Serialize, progress: Progress) -> Result<Self, CliError> {
        // 128 random bits: no part has this by chance.
        let random = IdempotencyKey::random().map_err(|e| CliError::Io(format!("no random bytes: {e}")))?;
        let mut upload =
            Self { boundary: format!("witwire-{}", random.as_str()), pieces: VecDeque::new(), length: 0, progress };
        let metadata = serde_json::to_vec(metadata).map_err(|e| CliError::Io(format!("cannot write the metadata: {e}")))?;
        upload.head("metadata", "application/json");
        upload.bytes(metadata);
        Ok(upload)
    }

    /// Adds a part from memory.
    pub(crate) fn part(mut self, name: &str, content: Vec<u8>) -> Self {
        self.head(name, "application/octet-stream");
        self.bytes(content);
        self
    }

    /// Adds a part that is read from a file while it is sent.
    pub(crate) fn file(mut self, name: &str, path: &Path) -> Result<Self, CliError> {
        let failed = |e: io::Error| CliError::file("read", path, &e);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        self.head(name, "application/octet-stream");
        self.length += length;
        // No more than was announced, should the file grow meanwhile.
        self.pieces.push_back(Piece::File(file.take(length)));
        Ok(self)
    }

    fn head(&mut self, name: &str, media_type: &str) {
        let start = if self.pieces.is_empty() { "" } else { "\r\n" };
        let head = format!(
            "{start}--{}\r\ncontent-disposition: form-data; name=\"{name}\"\r\ncontent-type: {media_type}\r\n\r\n",
            self.boundary
        );
        self.bytes(head.into_bytes());
    }

    fn bytes(&mut self, bytes: Vec<u8>) {
        self.length += bytes.len() as u64;
        self.pieces.push_back(Piece::Bytes(Cursor::new(bytes)));
    }

    fn end(&self) -> String {
        format!("\r\n--{}--\r\n", self.boundary)
    }

    /// The length of the whole body in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length + self.end().len() as u64
    }

    pub(super) fn media_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// The body, to be read once.
    pub(super) fn into_reader(mut self) -> impl Read {
        let end = self.end();
        self.bytes(end.into_bytes());
        self.progress.begin(self.length);
        Reader { pieces: self.pieces, progress: self.progress }
    }
}

struct Reader {
    pieces: VecDeque<Piece>,
    progress: Progress,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.pieces.front_mut() {
            let (read, left) = match piece {
                Piece::Bytes(bytes) => (bytes.read(buffer)?, 0),
                Piece::File(file) => (file.read(buffer)?, file.limit()),
            };
            if read > 0 || buffer.is_empty() {
                self.progress.advance(read as u64);
                return Ok(read);
            }
            if left > 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a file became shorter while it was sent"));
            }
            self.pieces.pop_front();
        }
        self.progress.finish();
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_as_long_as_it_says_and_has_all_parts() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("api.ir");
        std::fs::write(&path, b"\0ir\r\n").expect("written");
        let upload = Upload::new(&serde_json::json!({"name": "a"}), Progress::silent())
            .and_then(|u| u.part("component", b"wasm".to_vec()).file("ir", &path))
            .expect("an upload");
        let (length, boundary) = (upload.length(), upload.boundary.clone());
        let mut body = Vec::new();
        upload.into_reader().read_to_end(&mut body).expect("read");
        assert_eq!(body.len() as u64, length);
        let expected = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"metadata\"\r\ncontent-type: application/json\r\n\r\n\
             {{\"name\":\"a\"}}\r\n\
             --{boundary}\r\ncontent-disposition: form-data; name=\"component\"\r\ncontent-type: application/octet-stream\r\n\r\n\
             wasm\r\n\
             --{boundary}\r\ncontent-disposition: form-data; name=\"ir\"\r\ncontent-type: application/octet-stream\r\n\r\n\
             \0ir\r\n\r\n--{boundary}--\r\n"
        );
        assert_eq!(String::from_utf8_lossy(&body), expected);
    }

    #[test]
    fn a_file_that_shrinks_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("api.ir");
        std::fs::write(&path, b"long enough").expect("written");
        let upload = Upload::new(&(), Progress::silent()).and_then(|u| u.file("ir", &path)).expect("an upload");
        std::fs::write(&path, b"short").expect("written");
        let error = upload.into_reader().read_to_end(&mut Vec::new()).expect_err("it is too short");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
