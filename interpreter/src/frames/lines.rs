//! One JSON text per line.

use super::FrameError;

/// Splits a body into its lines: at `\n`, a `\r` before it dropped, blank lines passed over. The last line needs no end.
#[derive(Debug)]
pub struct Lines {
    limit: usize,
    /// What came and was not taken, from `start`.
    buffer: Vec<u8>,
    start: usize,
    /// Up to where `buffer` is known to have no line end.
    searched: usize,
    taken: u64,
}

impl Lines {
    /// A reader whose lines have at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, buffer: Vec::new(), start: 0, searched: 0, taken: 0 }
    }

    /// Takes the next bytes of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line; `None` until more bytes come.
    ///
    /// # Errors
    /// [`FrameError`] where the line is too large or not UTF-8.
    pub fn take(&mut self) -> Result<Option<String>, FrameError> {
        loop {
            let Some(found) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') else {
                self.searched = self.buffer.len();
                let unfinished = &self.buffer[self.start..];
                // What may be the first half of the line's end is no part of it.
                let length = unfinished.strip_suffix(b"\r").unwrap_or(unfinished).len();
                return if length > self.limit { Err(self.too_large()) } else { Ok(None) };
            };
            let (from, to) = (self.start, self.searched + found);
            self.start = to + 1;
            self.searched = self.start;
            if let Some(line) = self.line(from, to)? {
                return Ok(Some(line));
            }
        }
    }

    /// The last line, once the body has ended.
    ///
    /// # Errors
    /// As [`Lines::take`].
    pub fn finish(&mut self) -> Result<Option<String>, FrameError> {
        if let Some(line) = self.take()? {
            return Ok(Some(line));
        }
        let (from, to) = (self.start, self.buffer.len());
        self.start = to;
        self.line(from, to)
    }

    fn line(&mut self, from: usize, to: usize) -> Result<Option<String>, FrameError> {
        let line = &self.buffer[from..to];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > self.limit {
            return Err(self.too_large());
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let text = std::str::from_utf8(line).map_err(|_| FrameError::NotUtf8 { item: self.taken })?.to_owned();
        self.taken += 1;
        Ok(Some(text))
    }

    fn too_large(&self) -> FrameError {
        FrameError::TooLarge { limit: self.limit }
    }
}
