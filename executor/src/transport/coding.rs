//! Compressing, and removing compression with a limit on what comes out.

mod unpack;

use std::io::{Read, Write};

use bytes::Bytes;
use witwire_ir::host::call;

pub(super) use unpack::Unpacker;

/// A way to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// How the messages of requests are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// By gzip (RFC 1952).
    Gzip,
    /// By Zstandard (RFC 8878).
    Zstd,
}

impl Compression {
    pub(super) const fn coding(self) -> Option<Coding> {
        match self {
            Self::None => None,
            Self::Gzip => Some(Coding::Gzip),
            Self::Zstd => Some(Coding::Zstd),
        }
    }
}

/// Why something cannot be decompressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DecodeError {
    /// It would be larger than the limit.
    TooLarge,
    /// It is not what it says to be.
    Malformed(String),
}

impl From<call::Compression> for Compression {
    fn from(compression: call::Compression) -> Self {
        match compression {
            call::Compression::Identity => Self::None,
            call::Compression::Gzip => Self::Gzip,
            call::Compression::Zstd => Self::Zstd,
        }
    }
}

impl Coding {
    /// What to offer, in a header's words.
    pub(super) const OFFERED: &'static str = "gzip, zstd";

    /// By its name in `Content-Encoding` or `grpc-encoding`; `Ok(None)` for `identity`, the name itself for one not known.
    pub(super) fn by_name(name: &str) -> Result<Option<Self>, &str> {
        match name.trim() {
            n if n.is_empty() || n.eq_ignore_ascii_case("identity") => Ok(None),
            n if n.eq_ignore_ascii_case("gzip") || n.eq_ignore_ascii_case("x-gzip") => Ok(Some(Self::Gzip)),
            n if n.eq_ignore_ascii_case("zstd") => Ok(Some(Self::Zstd)),
            n => Err(n),
        }
    }

    /// As in headers.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Compresses. Speed counts for more than size here: a call waits for it.
    pub(super) fn encode(self, data: &[u8]) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(data)?;
                encoder.finish()
            }
            Self::Zstd => zstd::encode_all(data, zstd::DEFAULT_COMPRESSION_LEVEL),
        }
    }

    /// Decompresses, and stops where more than `limit` bytes would come out.
    pub(super) fn decode(self, compressed: &[u8], limit: usize) -> Result<Bytes, DecodeError> {
        let mut out = Vec::new();
        // One byte over the limit tells "exactly at" from "beyond".
        let cap = (limit as u64).saturating_add(1);
        let read = match self {
            Self::Gzip => flate2::read::MultiGzDecoder::new(compressed).take(cap).read_to_end(&mut out),
            Self::Zstd => {
                let mut decoder =
                    zstd::Decoder::with_buffer(compressed).map_err(|e| DecodeError::Malformed(e.to_string()))?;
                // RFC 9659 limits windows of this content coding to 8 MiB (2^23).
                decoder.window_log_max(23).map_err(|e| DecodeError::Malformed(e.to_string()))?;
                decoder.take(cap).read_to_end(&mut out)
            }
        };
        read.map_err(|e| DecodeError::Malformed(e.to_string()))?;
        if out.len() > limit {
            return Err(DecodeError::TooLarge);
        }
        Ok(out.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(data).expect("into memory");
        encoder.finish().expect("into memory")
    }

    #[test]
    fn the_limit_is_exact() {
        let data = vec![0; 1000];
        for (coding, compressed) in
            [(Coding::Gzip, gzip(&data)), (Coding::Zstd, zstd::encode_all(&data[..], 3).expect("into memory"))]
        {
            assert_eq!(coding.decode(&compressed, 1000).as_deref(), Ok(&data[..]));
            assert_eq!(coding.decode(&compressed, 999), Err(DecodeError::TooLarge));
            assert!(matches!(coding.decode(&compressed[..compressed.len() - 3], 1000), Err(DecodeError::Malformed(_))));
            assert!(matches!(coding.decode(b"not compressed at all", 1000), Err(DecodeError::Malformed(_))));
        }
    }

    #[test]
    fn what_is_compressed_comes_out_again() {
        for coding in [Coding::Gzip, Coding::Zstd] {
            for data in [&b""[..], b"x", &vec![7; 100_000]] {
                let compressed = coding.encode(data).expect("into memory");
                assert_eq!(coding.decode(&compressed, data.len()).as_deref(), Ok(data));
                assert_eq!(Coding::by_name(coding.name()), Ok(Some(coding)));
            }
        }
    }

    #[test]
    fn members_of_a_gzip_file_are_one_body() {
        assert_eq!(Coding::Gzip.decode(&[gzip(b"one "), gzip(b"two")].concat(), 100).as_deref(), Ok(&b"one two"[..]));
    }
}
