//! Writes the elements of the binary format from the end of a buffer to its start.
//!
//! Backwards, so that the length of a message is known when the place before it is reached: one pass, and no byte moves.

use super::reader::WireType;

/// A pre-encoded varint of at most 32 bits.
#[derive(Debug)]
pub(super) struct Tag {
    bytes: [u8; 5],
    length: u8,
}

impl Tag {
    /// The tag of a field. `number` is at most 2²⁹ − 1.
    pub(super) fn new(number: u32, wire: WireType) -> Self {
        let mut rest = number << 3 | wire as u32;
        let mut bytes = [0; 5];
        let mut length = 0;
        while rest >= 0x80 {
            bytes[length] = rest as u8 | 0x80;
            rest >>= 7;
            length += 1;
        }
        bytes[length] = rest as u8;
        Self { bytes, length: length as u8 + 1 }
    }
}

/// A buffer that is filled from its end.
#[derive(Debug)]
pub(super) struct Writer {
    buffer: Vec<u8>,
    /// Where the written part starts.
    start: usize,
}

impl Writer {
    /// An empty buffer with room for a small message.
    pub(super) fn new() -> Self {
        let buffer = vec![0; 256];
        let start = buffer.len();
        Self { buffer, start }
    }

    /// How many bytes are written.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// The written bytes.
    pub(super) fn finish(self) -> bytes::Bytes {
        bytes::Bytes::from(self.buffer).slice(self.start..)
    }

    /// Makes the `count` bytes before the written ones part of them, and gives them to be filled.
    #[inline]
    fn claim(&mut self, count: usize) -> &mut [u8] {
        if self.start < count {
            self.grow(count);
        }
        let end = self.start;
        self.start = end - count;
        &mut self.buffer[self.start..end]
    }

    #[cold]
    fn grow(&mut self, count: usize) {
        let written = self.len();
        let size = (self.buffer.len() * 2).max(written + count);
        let mut buffer = vec![0; size];
        let start = size - written;
        buffer[start..].copy_from_slice(&self.buffer[self.start..]);
        self.buffer = buffer;
        self.start = start;
    }

    #[inline]
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.claim(bytes.len()).copy_from_slice(bytes);
    }

    #[inline]
    fn byte(&mut self, byte: u8) {
        if self.start == 0 {
            self.grow(1);
        }
        self.start -= 1;
        self.buffer[self.start] = byte;
    }

    #[inline]
    pub(super) fn varint(&mut self, value: u64) {
        if value < 0x80 {
            self.byte(value as u8);
        } else {
            self.long_varint(value);
        }
    }

    fn long_varint(&mut self, mut value: u64) {
        let bits = 64 - value.leading_zeros();
        let bytes = self.claim(bits.div_ceil(7) as usize);
        for byte in bytes.iter_mut() {
            *byte = value as u8 | 0x80;
            value >>= 7;
        }
        if let Some(last) = bytes.last_mut() {
            *last &= 0x7f;
        }
    }

    #[inline]
    pub(super) fn tag(&mut self, tag: &Tag) {
        if tag.length == 1 {
            self.byte(tag.bytes[0]);
        } else {
            self.bytes(&tag.bytes[..tag.length as usize]);
        }
    }

    /// Writes the length of what was written since the buffer was `before` long.
    #[inline]
    pub(super) fn length_since(&mut self, before: usize) {
        self.varint((self.len() - before) as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_and_keeps_what_was_written() {
        let mut writer = Writer::new();
        for i in (0..1000_u64).rev() {
            writer.varint(i);
        }
        let bytes = writer.finish();
        let mut reader = super::super::Reader::new(&bytes);
        for i in 0..1000 {
            assert_eq!(reader.varint(), Ok(i));
        }
        assert!(reader.is_done());
    }

    #[test]
    fn varints_are_as_short_as_can_be() {
        for (value, length) in
            [(0, 1), (127, 1), (128, 2), (16383, 2), (16384, 3), (1 << 35, 6), (u64::MAX >> 1, 9), (u64::MAX, 10)]
        {
            let mut writer = Writer::new();
            writer.varint(value);
            assert_eq!(writer.len(), length, "{value}");
            assert_eq!(super::super::Reader::new(&writer.finish()).varint(), Ok(value));
        }
    }
}
