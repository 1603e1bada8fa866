//! Reads the elements of the binary format from a slice.

use super::error::{DecodeError, Fault};

/// The largest field number.
const MAX_NUMBER: u32 = (1 << 29) - 1;

/// The longest tag or length: a varint of 32 bits, however it is padded.
const MAX_SHORT: usize = 5;

/// How the value after a tag is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum WireType {
    /// A varint.
    Varint = 0,
    /// Eight bytes.
    Fixed64 = 1,
    /// A length and so many bytes.
    Bytes = 2,
    /// Fields up to the end of the group.
    GroupStart = 3,
    /// The end of a group.
    GroupEnd = 4,
    /// Four bytes.
    Fixed32 = 5,
}

/// A field's number and how its value is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) number: u32,
    pub(crate) wire: WireType,
}

/// A part of the message, as byte positions. Messages are shorter than 2³¹ bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

type Read<T> = Result<T, DecodeError>;

/// A position in a message and the end that it may not pass.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    /// Everything up to the end, so that positions are offsets from the start of the message.
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads a whole message.
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { bytes: message, at: 0 }
    }

    /// Reads a part of a message. A span is made by a reader of the same message, so it lies inside.
    #[inline]
    pub(super) fn span(message: &'a [u8], span: Span) -> Self {
        Self { bytes: &message[..span.end as usize], at: span.start as usize }
    }

    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    #[inline]
    fn fault<T>(&self, fault: Fault) -> Read<T> {
        Err(DecodeError::new(fault, self.at))
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Read<u64> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(byte))
            }
            Some(_) => self.long_varint(),
            None => self.fault(Fault::Truncated),
        }
    }

    /// A varint of two bytes or more. Padding with zeros is accepted up to ten bytes, and of the tenth the bits above the 64th are
    /// dropped, as by protobuf's own parsers.
    fn long_varint(&mut self) -> Read<u64> {
        let mut value = 0;
        for (i, &byte) in self.bytes[self.at..].iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                self.at += i + 1;
                return Ok(value);
            }
        }
        self.fault(if self.bytes.len() - self.at < 10 { Fault::Truncated } else { Fault::Varint })
    }

    /// The next tag.
    #[inline]
    pub(crate) fn key(&mut self) -> Read<Key> {
        let start = self.at;
        let tag = self.varint()?;
        if self.at - start > MAX_SHORT {
            return Err(DecodeError::new(Fault::Short, start));
        }
        let wire = match tag & 7 {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Bytes,
            3 => WireType::GroupStart,
            4 => WireType::GroupEnd,
            5 => WireType::Fixed32,
            _ => return Err(DecodeError::new(Fault::WireType, start)),
        };
        let number = tag >> 3;
        if number == 0 || number > u64::from(MAX_NUMBER) {
            return Err(DecodeError::new(Fault::FieldNumber, start));
        }
        Ok(Key { number: number as u32, wire })
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        match self.bytes[self.at..].first_chunk::<N>() {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => self.fault(Fault::Truncated),
        }
    }

    #[inline]
    pub(crate) fn fixed32(&mut self) -> Read<[u8; 4]> {
        self.array()
    }

    #[inline]
    pub(crate) fn fixed64(&mut self) -> Read<[u8; 8]> {
        self.array()
    }

    /// A length, and where the bytes of that length are.
    #[inline]
    pub(super) fn delimited(&mut self) -> Read<Span> {
        let before = self.at;
        let length = self.varint()?;
        if length > (self.bytes.len() - self.at) as u64 {
            return self.fault(Fault::Truncated);
        }
        if self.at - before > MAX_SHORT {
            return Err(DecodeError::new(Fault::Short, before));
        }
        let start = self.at;
        self.at += length as usize;
        Ok(Span { start: start as u32, end: self.at as u32 })
    }

    /// A length and the bytes of that length.
    #[inline]
    pub(crate) fn bytes(&mut self) -> Read<&'a [u8]> {
        let span = self.delimited()?;
        Ok(&self.bytes[span.start as usize..span.end as usize])
    }

    /// A string.
    #[inline]
    pub(crate) fn string(&mut self) -> Read<&'a str> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|e| DecodeError::new(Fault::Utf8, self.at - bytes.len() + e.valid_up_to()))
    }

    /// The fields of a group whose start was read, without its end, which is consumed.
    pub(super) fn group(&mut self, number: u32, depth: u32) -> Read<Span> {
        let start = self.at as u32;
        let end = self.skip_group(number, depth)?;
        Ok(Span { start, end: end as u32 })
    }

    /// Skips the value after a tag. `depth` is how many groups may still be open inside one another.
    pub(crate) fn skip(&mut self, key: Key, depth: u32) -> Read<()> {
        match key.wire {
            WireType::Varint => self.varint().map(drop),
            WireType::Fixed64 => self.fixed64().map(drop),
            WireType::Bytes => self.delimited().map(drop),
            WireType::Fixed32 => self.fixed32().map(drop),
            WireType::GroupStart => self.skip_group(key.number, depth).map(drop),
            WireType::GroupEnd => self.fault(Fault::GroupEnd),
        }
    }

    /// Skips to behind the end of a group, and returns where its end tag starts.
    fn skip_group(&mut self, number: u32, depth: u32) -> Read<usize> {
        let mut open = vec![number];
        loop {
            if open.len() > depth as usize {
                return self.fault(Fault::Depth);
            }
            let start = self.at;
            let key = self.key()?;
            match key.wire {
                WireType::GroupStart => open.push(key.number),
                WireType::GroupEnd if open.pop() != Some(key.number) => {
                    return Err(DecodeError::new(Fault::GroupEnd, start));
                }
                WireType::GroupEnd if open.is_empty() => return Ok(start),
                WireType::GroupEnd => {}
                _ => self.skip(key, depth)?,
            }
        }
    }

    /// Skips all fields: the content of a message that has none of its own.
    pub(super) fn skip_all(&mut self, depth: u32) -> Read<()> {
        while !self.is_done() {
            let key = self.key()?;
            self.skip(key, depth)?;
        }
        Ok(())
    }
}
