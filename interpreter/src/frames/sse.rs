//! Server-sent events (HTML Living Standard, section 9.2.6 "Interpreting an event stream").

use super::FrameError;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// The last `id` that the stream gave, here or before; `None` where it gave none or took it back with an empty one.
    pub id: Option<String>,
    /// The event's type; `None` where it is not named (the standard's `message`).
    pub event: Option<String>,
    /// The lines of its data, joined by `\n`.
    pub data: String,
}

/// Splits an event stream into its events. Comments and unknown fields are passed over; an event that the end of the stream cuts
/// off is none, as the standard says. Bytes that are not UTF-8 become U+FFFD.
#[derive(Debug)]
pub struct Events {
    limit: usize,
    buffer: Vec<u8>,
    start: usize,
    searched: usize,
    /// Nothing was read yet, so that a byte order mark may stand here.
    at_start: bool,
    /// The last line ended in `\r`, so that a `\n` now belongs to that end.
    after_cr: bool,
    id: Option<String>,
    event: Option<String>,
    /// `None`: no `data` field yet.
    data: Option<String>,
    /// The wait that the stream asked for before connecting again.
    retry_milliseconds: Option<u64>,
}

impl Events {
    /// A reader whose lines, and the data of whose events, have at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            at_start: true,
            after_cr: false,
            id: None,
            event: None,
            data: None,
            retry_milliseconds: None,
        }
    }

    /// Takes the next bytes of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// How long to wait before connecting again, as the stream asked last, in milliseconds.
    pub fn retry_milliseconds(&self) -> Option<u64> {
        self.retry_milliseconds
    }

    /// The next whole event; `None` until more bytes come, and after the end of the stream.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`].
    pub fn take(&mut self) -> Result<Option<Event>, FrameError> {
        while let Some((from, to)) = self.line()? {
            if from == to {
                if let Some(event) = self.dispatch() {
                    return Ok(Some(event));
                }
                continue;
            }
            let line = String::from_utf8_lossy(&self.buffer[from..to]).into_owned();
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            self.field(field, value.strip_prefix(' ').unwrap_or(value))?;
        }
        Ok(None)
    }

    fn field(&mut self, field: &str, value: &str) -> Result<(), FrameError> {
        match field {
            "event" => self.event = Some(value.to_owned()),
            "data" => {
                match &mut self.data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                    none => *none = Some(value.to_owned()),
                }
                if self.data.as_ref().is_some_and(|data| data.len() > self.limit) {
                    return Err(FrameError::TooLarge { limit: self.limit });
                }
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry_milliseconds = value.parse().ok();
            }
            _ => {}
        }
        Ok(())
    }

    /// The event of the fields so far; without data there is none.
    fn dispatch(&mut self) -> Option<Event> {
        let event = self.event.take().filter(|event| !event.is_empty());
        let data = self.data.take()?;
        Some(Event { id: self.id.clone().filter(|id| !id.is_empty()), event, data })
    }

    /// Where the next whole line lies in the buffer. A line ends at `\r\n`, `\n` or `\r`.
    fn line(&mut self) -> Result<Option<(usize, usize)>, FrameError> {
        if self.at_start {
            const MARK: &[u8] = b"\xEF\xBB\xBF";
            let head = &self.buffer[self.start..];
            if head.len() < MARK.len() && MARK.starts_with(head) {
                return Ok(None);
            }
            if head.starts_with(MARK) {
                self.start += MARK.len();
            }
            self.at_start = false;
            self.searched = self.start;
        }
        if self.after_cr && self.start < self.buffer.len() {
            self.after_cr = false;
            if self.buffer[self.start] == b'\n' {
                self.start += 1;
                self.searched = self.searched.max(self.start);
            }
        }
        let Some(found) = self.buffer[self.searched..].iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            self.searched = self.buffer.len();
            let too_large = self.buffer.len() - self.start > self.limit;
            return if too_large { Err(FrameError::TooLarge { limit: self.limit }) } else { Ok(None) };
        };
        let (from, to) = (self.start, self.searched + found);
        self.after_cr = self.buffer[to] == b'\r';
        self.start = to + 1;
        self.searched = self.start;
        if to - from > self.limit {
            return Err(FrameError::TooLarge { limit: self.limit });
        }
        Ok(Some((from, to)))
    }
}
