//! Header, section table and checksum.

use super::error::ContainerError;
use super::{FORMAT, Limits};

/// The first bytes of every container.
pub(super) const MAGIC: [u8; 8] = [0x89, b'W', b'I', b'T', b'W', b'\r', b'\n', 0x1a];

/// The oldest format that is read.
const OLDEST: u16 = 3;
const CHECKSUM: usize = 32;
/// Magic, version, checksum and the number of sections.
const HEADER: usize = MAGIC.len() + 2 + CHECKSUM + 2;
/// Kind and length.
const ENTRY: usize = 10;
/// A table longer than this is not one of ours.
const MAX_SECTIONS: usize = 64;

/// The kinds of sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Section {
    /// The APIs without texts.
    Core = 1,
    /// Documentation and source locations.
    Texts = 2,
}

/// The sections of a file, borrowed from it.
#[derive(Debug)]
pub(super) struct Sections<'a> {
    pub(super) core: &'a [u8],
    pub(super) texts: Option<&'a [u8]>,
}

/// Joins sections to a file.
pub(super) fn join(format: u16, sections: &[(Section, Vec<u8>)]) -> Vec<u8> {
    let total: usize = sections.iter().map(|(_, body)| ENTRY + body.len()).sum();
    let mut file = Vec::with_capacity(HEADER + total);
    file.extend(MAGIC);
    file.extend(format.to_le_bytes());
    file.extend([0; CHECKSUM]);
    let checked = file.len();
    file.extend((sections.len() as u16).to_le_bytes());
    for (kind, body) in sections {
        file.extend((*kind as u16).to_le_bytes());
        file.extend((body.len() as u64).to_le_bytes());
    }
    for (_, body) in sections {
        file.extend(body);
    }
    let checksum = *blake3::hash(&file[checked..]).as_bytes();
    file[checked - CHECKSUM..checked].copy_from_slice(&checksum);
    file
}

/// Checks all but the sections' contents.
pub(super) fn split(file: &[u8], limits: Limits) -> Result<Sections<'_>, ContainerError> {
    let has = file.len() as u64;
    let cut = |wanted: u64| ContainerError::Cut { wanted, has };
    if !file.starts_with(&MAGIC[..MAGIC.len().min(file.len())]) || file.is_empty() {
        return Err(ContainerError::NotAContainer);
    }
    let mut rest = Cursor(file);
    let _ = rest.take::<8>().ok_or_else(|| cut(HEADER as u64))?;
    let format = u16::from_le_bytes(rest.take().ok_or_else(|| cut(HEADER as u64))?);
    if format > FORMAT {
        return Err(ContainerError::Newer { found: format, newest: FORMAT });
    }
    if format < OLDEST {
        return Err(ContainerError::Older { found: format, oldest: OLDEST, newest: FORMAT });
    }
    if has > limits.max_bytes {
        return Err(ContainerError::TooLarge { size: has, limit: limits.max_bytes });
    }
    let checksum: [u8; CHECKSUM] = rest.take().ok_or_else(|| cut(HEADER as u64))?;
    let checked = rest.0;
    let count = u16::from_le_bytes(rest.take().ok_or_else(|| cut(HEADER as u64))?) as usize;
    if count > MAX_SECTIONS {
        return Err(ContainerError::Sections { reason: "too many sections" });
    }
    let table_end = (HEADER + count * ENTRY) as u64;
    let mut wanted = table_end;
    let mut table = Vec::with_capacity(count);
    for _ in 0..count {
        let kind = u16::from_le_bytes(rest.take().ok_or_else(|| cut(table_end))?);
        let length = u64::from_le_bytes(rest.take().ok_or_else(|| cut(table_end))?);
        wanted = wanted.saturating_add(length);
        table.push((kind, length));
    }
    if wanted > has {
        return Err(cut(wanted));
    }
    if wanted < has {
        return Err(ContainerError::Trailing { extra: has - wanted });
    }
    if *blake3::hash(checked).as_bytes() != checksum {
        return Err(ContainerError::Checksum);
    }

    let (mut core, mut texts) = (None, None);
    for (kind, length) in table {
        let body = rest.slice(length as usize).ok_or_else(|| cut(wanted))?;
        let place = match kind {
            k if k == Section::Core as u16 => &mut core,
            k if k == Section::Texts as u16 => &mut texts,
            _ => continue,
        };
        if place.replace(body).is_some() {
            return Err(ContainerError::Sections { reason: "a section stands twice" });
        }
    }
    let core = core.ok_or(ContainerError::Sections { reason: "there is no core" })?;
    Ok(Sections { core, texts })
}

/// The bytes that are still to be read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }
}
