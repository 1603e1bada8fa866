//! Length-prefixed messages: a flag, four bytes of length, the message.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::transport::coding::{Coding, Compression, DecodeError};

const PREFIX: usize = 5;

/// One message with its prefix, compressed if wanted.
pub(in crate::transport) fn encode(message: &[u8], compression: Compression) -> Result<Bytes, Unframable> {
    let compressed = compression.coding().map(|coding| coding.encode(message)).transpose();
    let compressed = compressed.map_err(|e| Unframable::Compression(e.to_string()))?;
    let payload = compressed.as_deref().unwrap_or(message);
    let length = u32::try_from(payload.len()).map_err(|_| Unframable::TooLarge)?;
    let mut out = BytesMut::with_capacity(PREFIX + payload.len());
    out.put_u8(compressed.is_some().into());
    out.put_u32(length);
    out.put_slice(payload);
    Ok(out.freeze())
}

/// Why a message cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::transport) enum Unframable {
    #[error("the message is larger than 4 GiB, which gRPC cannot frame")]
    TooLarge,
    #[error("the message cannot be compressed: {0}")]
    Compression(String),
}

/// What is wrong with the body of a response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the message is larger than the limit")]
    TooLarge,
    #[error("the status is OK, and there is no message")]
    NoMessage,
    #[error("there is more than one message, and the method gives one")]
    SecondMessage,
    #[error("it ends in the middle of a message")]
    Cut,
    #[error("the compressed flag of a message is {0}; only 0 and 1 are valid")]
    Flag(u8),
    #[error("a message is marked as compressed, and `grpc-encoding` names no compression")]
    NoEncoding,
    #[error("a message is compressed by `{0}`, which was not offered")]
    UnknownEncoding(String),
    #[error("the message cannot be decompressed: {0}")]
    Compression(String),
}

/// Cuts a body into frames.
#[derive(Debug)]
pub(super) struct Frames {
    buffer: BytesMut,
    limit: usize,
}

/// A message as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    compressed: bool,
    payload: Bytes,
}

impl Frames {
    /// For messages of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), limit }
    }

    /// Adds what came.
    pub(super) fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// The next message that is there whole. A prefix that cannot be right is found before its message has come.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Trouble> {
        if let Some(flag) = self.buffer.first().filter(|flag| **flag > 1) {
            return Err(Trouble::Flag(*flag));
        }
        let Some(mut prefix) = self.buffer.get(..PREFIX) else { return Ok(None) };
        let compressed = prefix.get_u8() == 1;
        let length = prefix.get_u32() as usize;
        if length > self.limit {
            return Err(Trouble::TooLarge);
        }
        if self.buffer.len() - PREFIX < length {
            return Ok(None);
        }
        self.buffer.advance(PREFIX);
        Ok(Some(Frame { compressed, payload: self.buffer.split_to(length).freeze() }))
    }

    /// Whether something is left that is no whole message.
    pub(super) fn has_rest(&self) -> bool {
        !self.buffer.is_empty()
    }
}

impl Frame {
    /// The message, of at most `limit` bytes. `encoding` is the header `grpc-encoding`.
    pub(super) fn message(self, encoding: Option<&str>, limit: usize) -> Result<Bytes, Trouble> {
        if !self.compressed {
            return Ok(self.payload);
        }
        match Coding::by_name(encoding.unwrap_or_default()) {
            Ok(None) => Err(Trouble::NoEncoding),
            Err(name) => Err(Trouble::UnknownEncoding(name.to_owned())),
            Ok(Some(coding)) => coding.decode(&self.payload, limit).map_err(|e| match e {
                DecodeError::TooLarge => Trouble::TooLarge,
                DecodeError::Malformed(reason) => Trouble::Compression(reason),
            }),
        }
    }
}

/// Puts a unary response's body together. Gives up as soon as it cannot be valid any more, so that nobody can send for ever.
#[derive(Debug)]
pub(super) struct Unary {
    frames: Frames,
    frame: Option<Frame>,
    limit: usize,
}

impl Unary {
    /// For a message of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { frames: Frames::new(limit), frame: None, limit }
    }

    pub(super) fn push(&mut self, data: &[u8]) -> Result<(), Trouble> {
        self.frames.push(data);
        if self.frame.is_none() {
            self.frame = self.frames.next()?;
        }
        if self.frame.is_some() && self.frames.has_rest() { Err(Trouble::SecondMessage) } else { Ok(()) }
    }

    /// The message, at the end of a body whose status is OK. `encoding` is the header `grpc-encoding`.
    pub(super) fn finish(self, encoding: Option<&str>) -> Result<Bytes, Trouble> {
        match self.frame {
            Some(frame) => frame.message(encoding, self.limit),
            None if self.frames.has_rest() => Err(Trouble::Cut),
            None => Err(Trouble::NoMessage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]], encoding: Option<&str>) -> Result<Bytes, Trouble> {
        let mut frames = Unary::new(10);
        for piece in pieces {
            frames.push(piece)?;
        }
        frames.finish(encoding)
    }

    #[test]
    fn a_message_comes_in_any_pieces() {
        let framed = encode(b"abc", Compression::None).expect("short");
        for cut in 0..=framed.len() {
            let (a, b) = framed.split_at(cut);
            assert_eq!(read(&[a, b], None).as_deref(), Ok(&b"abc"[..]), "cut at {cut}");
        }
        assert_eq!(read(&[&[0, 0, 0, 0, 0]], None).as_deref(), Ok(&b""[..]), "an empty message is a message");
    }

    #[test]
    fn what_is_not_one_message_is_named() {
        for (body, encoding, trouble) in [
            (&b""[..], None, Trouble::NoMessage),
            (&[0, 0, 0], None, Trouble::Cut),
            (&[0, 0, 0, 0, 2, 1], None, Trouble::Cut),
            (&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0], None, Trouble::SecondMessage),
            (&[0, 0, 0, 0, 1, 1, 0], None, Trouble::SecondMessage),
            (&[2], None, Trouble::Flag(2)),
            (&[255, 0, 0, 0, 0], None, Trouble::Flag(255)),
            (&[0, 0, 0, 0, 11], None, Trouble::TooLarge),
            (&[0, 255, 255, 255, 255], None, Trouble::TooLarge),
            (&[1, 0, 0, 0, 0], None, Trouble::NoEncoding),
            (&[1, 0, 0, 0, 0], Some("identity"), Trouble::NoEncoding),
            (&[1, 0, 0, 0, 0], Some("snappy"), Trouble::UnknownEncoding("snappy".to_owned())),
        ] {
            assert_eq!(read(&[body], encoding), Err(trouble), "{body:?}");
        }
    }

    #[test]
    fn a_stream_is_cut_into_its_messages() {
        let messages: [(&[u8], Compression); 4] =
            [(b"one", Compression::None), (b"", Compression::None), (b"two", Compression::Gzip), (b"x", Compression::None)];
        let body: Vec<u8> = messages.iter().flat_map(|(m, c)| encode(m, *c).expect("short")).collect();
        for size in 1..=body.len() {
            let mut frames = Frames::new(100);
            let mut found = Vec::new();
            for piece in body.chunks(size) {
                frames.push(piece);
                while let Some(frame) = frames.next().expect("valid") {
                    found.push(frame.message(Some("gzip"), 100).expect("valid"));
                }
            }
            assert_eq!(found, messages.map(|(m, _)| Bytes::copy_from_slice(m)), "in pieces of {size}");
            assert!(!frames.has_rest());
        }
    }
}
