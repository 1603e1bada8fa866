//! Length-prefixed messages: a flag, four bytes of length, the message.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::transport::decode::{Coding, DecodeError};

const PREFIX: usize = 5;

/// One message, not compressed. `None` where its length has no four bytes.
pub(in crate::transport) fn encode(message: &[u8]) -> Option<Bytes> {
    let length = u32::try_from(message.len()).ok()?;
    let mut out = BytesMut::with_capacity(PREFIX + message.len());
    out.put_u8(0);
    out.put_u32(length);
    out.put_slice(message);
    Some(out.freeze())
}

/// What is wrong with the body of a unary response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the message is larger than the limit")]
    TooLarge,
    #[error("the status is OK, and there is no message")]
    NoMessage,
    #[error("there is more than one message, and the method is unary")]
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

/// Puts a unary response's body together. Gives up as soon as it cannot be valid any more, so that nobody can send for ever.
#[derive(Debug)]
pub(super) struct Frames {
    buffer: BytesMut,
    limit: usize,
}

impl Frames {
    /// For a message of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), limit }
    }

    pub(super) fn push(&mut self, data: &[u8]) -> Result<(), Trouble> {
        self.buffer.extend_from_slice(data);
        let Some((flag, length)) = self.prefix() else {
            return match self.buffer.first() {
                Some(flag) if *flag > 1 => Err(Trouble::Flag(*flag)),
                _ => Ok(()),
            };
        };
        if flag > 1 {
            return Err(Trouble::Flag(flag));
        }
        if length > self.limit {
            return Err(Trouble::TooLarge);
        }
        if self.buffer.len() - PREFIX > length {
            return Err(Trouble::SecondMessage);
        }
        Ok(())
    }

    /// The message, at the end of a body whose status is OK. `encoding` is the header `grpc-encoding`.
    pub(super) fn finish(mut self, encoding: Option<&str>) -> Result<Bytes, Trouble> {
        if self.buffer.is_empty() {
            return Err(Trouble::NoMessage);
        }
        let Some((flag, length)) = self.prefix() else { return Err(Trouble::Cut) };
        self.buffer.advance(PREFIX);
        if self.buffer.len() < length {
            return Err(Trouble::Cut);
        }
        let message = self.buffer.freeze();
        if flag == 0 {
            return Ok(message);
        }
        match Coding::by_name(encoding.unwrap_or_default()) {
            Ok(None) => Err(Trouble::NoEncoding),
            Err(name) => Err(Trouble::UnknownEncoding(name.to_owned())),
            Ok(Some(coding)) => coding.decode(&message, self.limit).map_err(|e| match e {
                DecodeError::TooLarge => Trouble::TooLarge,
                DecodeError::Malformed(reason) => Trouble::Compression(reason),
            }),
        }
    }

    fn prefix(&self) -> Option<(u8, usize)> {
        let mut prefix = self.buffer.get(..PREFIX)?;
        Some((prefix.get_u8(), prefix.get_u32() as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]], encoding: Option<&str>) -> Result<Bytes, Trouble> {
        let mut frames = Frames::new(10);
        for piece in pieces {
            frames.push(piece)?;
        }
        frames.finish(encoding)
    }

    #[test]
    fn a_message_comes_in_any_pieces() {
        let framed = encode(b"abc").expect("short");
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
}
