//! Removing compression from a body as it comes.

use std::fmt;
use std::io;

use bytes::{Buf, Bytes};
use flate2::{Crc, Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::{Coding, DecodeError};

/// What comes out at once, at most, in bytes.
const PIECE: usize = 32 << 10;

/// Decompresses a body as it comes: what the server has flushed comes out whole, in pieces of a bounded size.
#[derive(Debug)]
pub(in crate::transport) struct Unpacker {
    kind: Kind,
    /// Whether anything came.
    begun: bool,
    /// Where a piece is made.
    piece: Box<[u8]>,
}

enum Kind {
    Gzip(Box<Gzip>),
    Zstd {
        decoder: Decoder<'static>,
        /// Whether a frame has ended and none has begun since.
        between: bool,
    },
}

impl Unpacker {
    pub(in crate::transport) fn new(coding: Coding) -> Result<Self, DecodeError> {
        let kind = match coding {
            Coding::Gzip => Kind::Gzip(Box::default()),
            Coding::Zstd => {
                let mut decoder = Decoder::new().map_err(malformed)?;
                // RFC 9659 limits windows of this content coding to 8 MiB (2^23).
                decoder.set_parameter(DParameter::WindowLogMax(23)).map_err(malformed)?;
                Kind::Zstd { decoder, between: false }
            }
        };
        Ok(Self { kind, begun: false, piece: vec![0; PIECE].into() })
    }

    /// The next piece; `None` until more bytes come. Takes from `input` what it needs.
    pub(in crate::transport) fn next(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, DecodeError> {
        self.begun |= !input.is_empty();
        let piece = &mut self.piece[..];
        // Frames and members may be empty, one behind the other.
        loop {
            let produced = match &mut self.kind {
                Kind::Gzip(gzip) => gzip.produce(input, piece)?,
                Kind::Zstd { decoder, between } => {
                    if *between && input.is_empty() {
                        return Ok(None);
                    }
                    let done = decoder.run_on_buffers(input, piece).map_err(malformed)?;
                    input.advance(done.bytes_read);
                    // Also between frames: an empty piece without an end needs more bytes.
                    *between = done.remaining == 0;
                    done.bytes_written
                }
            };
            if produced > 0 {
                return Ok(Some(Bytes::copy_from_slice(&piece[..produced])));
            }
            if input.is_empty() {
                return Ok(None);
            }
        }
    }

    /// Whether the body may end here: between two parts, or where nothing came at all, as in a response to HEAD.
    pub(in crate::transport) fn may_end(&self) -> bool {
        match &self.kind {
            _ if !self.begun => true,
            Kind::Gzip(gzip) => matches!(gzip.at, At::Header) && gzip.held.is_empty(),
            Kind::Zstd { between, .. } => *between,
        }
    }
}

/// A gzip file (RFC 1952), of one or more members.
struct Gzip {
    at: At,
    inflate: Decompress,
    crc: Crc,
    /// Bytes of a header or trailer that is not whole.
    held: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum At {
    Header,
    Data,
    Trailer,
}

/// Check value and length.
const TRAILER: usize = 8;
/// A header longer than this (a file's name, a comment) is none that a server sends.
const MAX_HEADER: usize = 64 << 10;

impl Default for Gzip {
    fn default() -> Self {
        Self { at: At::Header, inflate: Decompress::new(false), crc: Crc::new(), held: Vec::new() }
    }
}

impl Gzip {
    /// How many bytes came out; 0 where more must come first.
    fn produce(&mut self, input: &mut Bytes, out: &mut [u8]) -> Result<usize, DecodeError> {
        loop {
            match self.at {
                At::Header => {
                    let before = self.held.len();
                    // Mostly it is there whole, and nothing need be copied.
                    let mut length = if before == 0 { header_length(input)? } else { None };
                    if length.is_none() {
                        self.held.extend_from_slice(input);
                        length = header_length(&self.held)?;
                    }
                    let Some(length) = length else {
                        if self.held.len() > MAX_HEADER {
                            return Err(DecodeError::Malformed("the gzip header is too long".to_owned()));
                        }
                        input.clear();
                        return Ok(0);
                    };
                    // The part that was held is no longer than the header: else it would have been whole before.
                    input.advance(length.saturating_sub(before));
                    self.held.clear();
                    self.inflate.reset(false);
                    self.crc.reset();
                    self.at = At::Data;
                }
                At::Data => {
                    let (in_before, out_before) = (self.inflate.total_in(), self.inflate.total_out());
                    let status = self
                        .inflate
                        .decompress(input, out, FlushDecompress::None)
                        .map_err(|e| DecodeError::Malformed(e.to_string()))?;
                    // Neither is more than the buffers' lengths.
                    input.advance((self.inflate.total_in() - in_before) as usize);
                    let produced = (self.inflate.total_out() - out_before) as usize;
                    self.crc.update(&out[..produced]);
                    if status == Status::StreamEnd {
                        self.at = At::Trailer;
                    }
                    if produced > 0 || (input.is_empty() && status != Status::StreamEnd) {
                        return Ok(produced);
                    }
                }
                At::Trailer => {
                    let wanted = (TRAILER - self.held.len()).min(input.len());
                    self.held.extend_from_slice(&input.split_to(wanted));
                    let (Some(sum), Some(amount)) =
                        (self.held.first_chunk::<4>(), self.held.get(4..).and_then(<[u8]>::first_chunk))
                    else {
                        return Ok(0);
                    };
                    if u32::from_le_bytes(*sum) != self.crc.sum() || u32::from_le_bytes(*amount) != self.crc.amount() {
                        return Err(DecodeError::Malformed("the gzip checksum does not fit".to_owned()));
                    }
                    self.held.clear();
                    self.at = At::Header;
                    if input.is_empty() {
                        return Ok(0);
                    }
                }
            }
        }
    }
}

/// Flags of a gzip header.
const HAS_CHECK: u8 = 1 << 1;
const HAS_EXTRA: u8 = 1 << 2;
const HAS_NAME: u8 = 1 << 3;
const HAS_COMMENT: u8 = 1 << 4;

/// The length of a gzip header; `None` where it is not whole (RFC 1952, section 2.3).
fn header_length(bytes: &[u8]) -> Result<Option<usize>, DecodeError> {
    const FIXED: usize = 10;
    const START: &[u8] = &[0x1f, 0x8b, 8];
    if bytes.iter().zip(START).any(|(found, wanted)| found != wanted) {
        return Err(DecodeError::Malformed("it is not gzip".to_owned()));
    }
    let Some(&flags) = bytes.get(3) else { return Ok(None) };
    let mut length = FIXED;
    if flags & HAS_EXTRA != 0 {
        let Some(&[low, high]) = bytes.get(length..length + 2) else { return Ok(None) };
        length += 2 + usize::from(u16::from_le_bytes([low, high]));
    }
    for flag in [HAS_NAME, HAS_COMMENT] {
        if flags & flag != 0 {
            let end = bytes.get(length..).and_then(|rest| rest.iter().position(|byte| *byte == 0));
            let Some(end) = end else { return Ok(None) };
            length += end + 1;
        }
    }
    if flags & HAS_CHECK != 0 {
        length += 2;
    }
    Ok((bytes.len() >= length).then_some(length))
}

fn malformed(error: impl Into<io::Error>) -> DecodeError {
    DecodeError::Malformed(error.into().to_string())
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip(_) => "Gzip",
            Self::Zstd { .. } => "Zstd",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// What comes out of a body that comes in pieces of this size.
    fn unpacked(coding: Coding, packed: &[u8], size: usize) -> Result<Vec<u8>, DecodeError> {
        let mut unpacker = Unpacker::new(coding)?;
        let mut out = Vec::new();
        for piece in packed.chunks(size) {
            let mut input = Bytes::copy_from_slice(piece);
            while let Some(piece) = unpacker.next(&mut input)? {
                assert!(piece.len() <= PIECE, "pieces are bounded");
                out.extend_from_slice(&piece);
            }
            assert!(input.is_empty(), "all is taken before more is asked for");
        }
        if unpacker.may_end() { Ok(out) } else { Err(DecodeError::Malformed("cut".to_owned())) }
    }

    #[test]
    fn it_comes_out_whole_however_it_is_cut() {
        let data: Vec<u8> = (0..30_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        for coding in [Coding::Gzip, Coding::Zstd] {
            let packed = coding.encode(&data).expect("into memory");
            let twice = [packed.clone(), packed.clone()].concat();
            for size in [1, 2, 7, 1000, 1 << 20] {
                assert_eq!(unpacked(coding, &packed, size).as_deref(), Ok(&data[..]), "{coding:?} {size}");
                assert_eq!(unpacked(coding, &twice, size).map(|out| out.len()), Ok(2 * data.len()), "{coding:?} {size}");
                assert!(unpacked(coding, &packed[..packed.len() - 3], size).is_err(), "{coding:?} {size}");
            }
            assert!(unpacked(coding, b"not compressed at all", 4).is_err());
            assert_eq!(unpacked(coding, &coding.encode(b"").expect("into memory"), 3).as_deref(), Ok(&b""[..]));
        }
    }

    /// A bomb is as large as its pieces.
    #[test]
    fn a_bomb_comes_out_piece_by_piece() {
        let bomb = Coding::Zstd.encode(&vec![0; 64 << 20]).expect("into memory");
        let mut input = Bytes::from(bomb);
        let mut unpacker = Unpacker::new(Coding::Zstd).expect("a decoder");
        let piece = unpacker.next(&mut input).expect("sound").expect("a piece");
        assert!(piece.len() <= PIECE);
    }

    /// They cost no stack, and no copies of what follows them.
    #[test]
    fn empty_frames_come_to_nothing() {
        for coding in [Coding::Gzip, Coding::Zstd] {
            let packed =
                [coding.encode(b"").expect("into memory").repeat(100_000), coding.encode(b"x").expect("into memory")]
                    .concat();
            assert_eq!(unpacked(coding, &packed, packed.len()).as_deref(), Ok(&b"x"[..]), "{coding:?}");
        }
    }

    /// What a server has flushed is there before the body ends.
    #[test]
    fn what_was_flushed_comes_out_at_once() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut zstd = zstd::Encoder::new(Vec::new(), 3).expect("an encoder");
        for packer in [&mut gzip as &mut dyn Write, &mut zstd] {
            packer.write_all(b"data: 1\n\n").expect("into memory");
            packer.flush().expect("into memory");
        }
        for (coding, flushed) in [(Coding::Gzip, gzip.get_ref()), (Coding::Zstd, zstd.get_ref())] {
            let mut input = Bytes::copy_from_slice(flushed);
            let mut unpacker = Unpacker::new(coding).expect("a decoder");
            assert_eq!(unpacker.next(&mut input).expect("sound").as_deref(), Some(&b"data: 1\n\n"[..]), "{coding:?}");
            assert_eq!(unpacker.next(&mut input), Ok(None));
            assert!(!unpacker.may_end());
        }
    }

    #[test]
    fn gzip_headers_have_optional_parts() {
        let plain = Coding::Gzip.encode(b"x").expect("into memory");
        let mut full = plain[..10].to_vec();
        full[3] = HAS_CHECK | HAS_EXTRA | HAS_NAME | HAS_COMMENT;
        full.extend_from_slice(b"\x03\0abcname\0comment\0cc");
        full.extend_from_slice(&plain[10..]);
        for size in [1, 5, 100] {
            assert_eq!(unpacked(Coding::Gzip, &full, size).as_deref(), Ok(&b"x"[..]));
        }
        let mut wrong = plain.clone();
        let at = wrong.len() - 6;
        wrong[at] ^= 1;
        assert!(unpacked(Coding::Gzip, &wrong, 100).is_err(), "the checksum counts");
    }
}
