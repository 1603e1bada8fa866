//! The container: APIs as a file, and the only module that names bincode.
//!
//! Layout, integers little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | magic: `89 57 49 54 57 0d 0a 1a` (a high bit and both line ends, so that a transfer as text is noticed) |
//! | 2 | format version |
//! | 32 | BLAKE3 of all that follows |
//! | 2 | number of sections |
//! | 10 each | kind (2), length (8) |
//! | … | the sections, in that order |
//!
//! Section 1 (*core*) is bincode of the APIs; section 2 (*texts*) holds their documentation and source locations, which an
//! executor need not load. A section of another kind is passed over. Reading checks the magic, the version, the size, the
//! checksum and, at the end, every API by [`Api::check`]; a hostile file is an error. Decoding takes memory proportional to the
//! file (at most about 40 times its size), whatever lengths it claims.

mod bounded;
mod error;
mod layout;
mod texts;
mod value;

pub use error::{ContainerError, ValueError};
pub use value::{MAX_DEPTH, VALUE_VERSION, value_from_bytes, value_to_bytes};

use bounded::Bounded;
use layout::Section;

use crate::api::Api;

/// The newest format that this version writes and reads.
pub const FORMAT: u16 = 3;

/// What a container holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bundle {
    /// One per WIT package.
    pub apis: Vec<Api>,
}

/// What a reader accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest file, in bytes.
    pub max_bytes: u64,
}

/// 256 MiB.
impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 256 << 20 }
    }
}

/// Writes a container.
pub fn write(bundle: &Bundle) -> Vec<u8> {
    layout::join(FORMAT, &[(Section::Core, encode(&bundle.apis)), (Section::Texts, texts::encode(&bundle.apis))])
}

/// Writes a container without texts: what [`core_only`] makes of a whole one.
pub fn write_core(bundle: &Bundle) -> Vec<u8> {
    layout::join(FORMAT, &[(Section::Core, encode(&bundle.apis))])
}

/// Reads a container with its texts and checks every API.
///
/// # Errors
/// [`ContainerError`], which says what is wrong with the file and what to do.
pub fn read(bytes: &[u8]) -> Result<Bundle, ContainerError> {
    read_within(bytes, Limits::default())
}

/// Reads a container with its texts, within limits of the caller.
///
/// # Errors
/// As [`read`].
pub fn read_within(bytes: &[u8], limits: Limits) -> Result<Bundle, ContainerError> {
    let sections = layout::split(bytes, limits)?;
    let mut bundle = decode_core(sections.core)?;
    if let Some(section) = sections.texts {
        texts::decode(section, &mut bundle.apis)?;
    }
    Ok(bundle)
}

/// Reads a container without its texts: all that is needed to perform calls.
///
/// # Errors
/// As [`read`].
pub fn read_core(bytes: &[u8], limits: Limits) -> Result<Bundle, ContainerError> {
    decode_core(layout::split(bytes, limits)?.core)
}

/// A container with the same core and without texts: all that is needed to perform calls. Equal cores make equal bytes, so that
/// documentation does not tell two APIs apart.
///
/// # Errors
/// As [`read`], except for what only decoding can find.
pub fn core_only(bytes: &[u8], limits: Limits) -> Result<Vec<u8>, ContainerError> {
    let core = layout::split(bytes, limits)?.core.to_vec();
    Ok(layout::join(FORMAT, &[(Section::Core, core)]))
}

fn decode_core(section: &[u8]) -> Result<Bundle, ContainerError> {
    let apis = decode(section)?;
    for api in &apis {
        api.check()
            .map_err(|contradictions| ContainerError::Contradictory { package: api.package.to_string(), contradictions })?;
    }
    Ok(Bundle { apis })
}

fn encode(apis: &[Api]) -> Vec<u8> {
    bincode::serde::encode_to_vec(apis, bincode::config::standard())
        .expect("encoding into memory fails for no type of the IR: sequences know their length and nothing is untagged")
}

/// The limit of what bincode counts as read. It counts an integer at its full width though it is written shorter, up to sixteen
/// times, so a tight limit would refuse valid files. What bounds memory is [`Bounded`], and what bounds the file is [`Limits`].
const DECODE_LIMIT: usize = usize::MAX >> 1;

/// The APIs of a core section.
struct Core(Vec<Api>);

impl<'de> serde::Deserialize<'de> for Core {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(Bounded(deserializer)).map(Self)
    }
}

fn decode(section: &[u8]) -> Result<Vec<Api>, ContainerError> {
    let config = bincode::config::standard().with_limit::<DECODE_LIMIT>();
    let undecodable = |reason| ContainerError::Undecodable { what: "core", reason };
    let (Core(apis), read) = bincode::serde::decode_from_slice(section, config).map_err(|e| undecodable(e.to_string()))?;
    match section.len() - read {
        0 => Ok(apis),
        extra => Err(undecodable(format!("{extra} bytes follow after the last API"))),
    }
}
