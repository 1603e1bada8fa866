//! JSON text sequences (RFC 7464).

use super::FrameError;

/// The record separator that stands before every text.
const SEPARATOR: u8 = 0x1E;

/// Splits a body into its JSON texts. A text ends at the next separator, or at a line end outside of its brackets and strings, so that
/// it is whole as soon as it has come. Blank texts are passed over.
#[derive(Debug)]
pub struct Records {
    limit: usize,
    /// What came and was not taken, from `start`.
    buffer: Vec<u8>,
    start: usize,
    /// Up to where `buffer` was looked at.
    searched: usize,
    /// Open brackets at `searched`.
    depth: usize,
    in_string: bool,
    after_backslash: bool,
    taken: u64,
}

impl Records {
    /// A reader whose texts have at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            depth: 0,
            in_string: false,
            after_backslash: false,
            taken: 0,
        }
    }

    /// Takes the next bytes of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole text; `None` until more bytes come.
    ///
    /// # Errors
    /// [`FrameError`] where the text is too large or not UTF-8.
    pub fn take(&mut self) -> Result<Option<String>, FrameError> {
        while let Some(&byte) = self.buffer.get(self.searched) {
            let at = self.searched;
            self.searched += 1;
            if self.ends(byte) {
                let from = std::mem::replace(&mut self.start, at + 1);
                if let Some(text) = self.text(from, at)? {
                    return Ok(Some(text));
                }
            }
        }
        if self.buffer.len() - self.start > self.limit { Err(self.too_large()) } else { Ok(None) }
    }

    /// The last text, once the body has ended.
    ///
    /// # Errors
    /// As [`Records::take`].
    pub fn finish(&mut self) -> Result<Option<String>, FrameError> {
        if let Some(text) = self.take()? {
            return Ok(Some(text));
        }
        let from = std::mem::replace(&mut self.start, self.buffer.len());
        self.text(from, self.buffer.len())
    }

    /// Whether a byte ends the text before it.
    fn ends(&mut self, byte: u8) -> bool {
        // No JSON text holds a separator, not even in a string: one that does was cut off.
        if byte == SEPARATOR {
            (self.depth, self.in_string, self.after_backslash) = (0, false, false);
            return true;
        }
        if self.in_string {
            match byte {
                _ if self.after_backslash => self.after_backslash = false,
                b'\\' => self.after_backslash = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            b'\n' => return self.depth == 0,
            _ => {}
        }
        false
    }

    fn text(&mut self, from: usize, to: usize) -> Result<Option<String>, FrameError> {
        let text = &self.buffer[from..to];
        if text.len() > self.limit {
            return Err(self.too_large());
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let text = std::str::from_utf8(text).map_err(|_| FrameError::NotUtf8 { item: self.taken })?.to_owned();
        self.taken += 1;
        Ok(Some(text))
    }

    fn too_large(&self) -> FrameError {
        FrameError::TooLarge { limit: self.limit }
    }
}
