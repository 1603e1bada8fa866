//! Numbers and texts as bytes: the primitives of the entry format.
//!
//! Numbers are LEB128; byte strings have their length before them. Every value has exactly one form, so
//! that equal values have equal bytes.

use super::DecodeError;

/// What is missing where the bytes end too early.
const CUT: DecodeError = DecodeError::Meaning("it ends too early");

/// Appends primitives.
#[derive(Default)]
pub(in super::super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(in super::super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(in super::super) fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(in super::super) fn unsigned(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.byte(n as u8 | 0x80);
            n >>= 7;
        }
        self.byte(n as u8);
    }

    pub(in super::super) fn bytes(&mut self, bytes: &[u8]) {
        self.unsigned(bytes.len() as u64);
        self.fixed(bytes);
    }

    /// 0, or 1 and the payload.
    pub(in super::super) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.byte(0),
            Some(value) => {
                self.byte(1);
                write(self, value);
            }
        }
    }

    pub(in super::super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Takes primitives off the front.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(CUT)?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(CUT)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn byte(&mut self) -> Result<u8, DecodeError> {
        let [byte] = self.fixed()?;
        Ok(byte)
    }

    pub(super) fn unsigned(&mut self) -> Result<u64, DecodeError> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            n |= bits << shift;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err(DecodeError::Meaning("a number is too large"))
    }

    /// A number of a narrower type.
    pub(super) fn narrow<T: TryFrom<u64>>(&mut self) -> Result<T, DecodeError> {
        T::try_from(self.unsigned()?).map_err(|_| DecodeError::Meaning("a number is too large"))
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.count()?;
        self.take(len)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, DecodeError> {
        str::from_utf8(self.bytes()?).map_err(|_| DecodeError::Meaning("a text is not UTF-8"))
    }

    /// A number of items, each at least one byte long: never more than what is left, so that it can size an allocation.
    pub(super) fn count(&mut self) -> Result<usize, DecodeError> {
        let count = self.narrow()?;
        if count > self.0.len() { Err(CUT) } else { Ok(count) }
    }

    pub(super) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        match self.byte()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(DecodeError::Meaning("an option is neither absent nor present")),
        }
    }

    pub(super) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.count()?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for n in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut w = Writer::default();
            w.unsigned(n);
            let mut r = Reader(&w.0);
            assert_eq!(r.unsigned(), Ok(n));
            assert!(r.0.is_empty());
        }
    }

    #[test]
    fn overlong_numbers_and_hostile_lengths_are_refused() {
        assert!(Reader(&[0xff; 11]).unsigned().is_err());
        assert!(Reader(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).unsigned().is_err());
        assert_eq!(Reader(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2]).bytes(), Err(CUT));
    }
}
