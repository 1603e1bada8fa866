//! Why a container or a value cannot be read.

use crate::invariants::Contradiction;

/// Why a container cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// Another file.
    #[error("this is not a witwire IR file; `witwire compile SPEC -o api.ir` makes one")]
    NotAContainer,
    /// A format that does not exist yet.
    #[error(
        "made by a newer witwire: format {found}, this one reads up to {newest}; update witwire, or compile the file anew"
    )]
    Newer {
        /// The file's format.
        found: u16,
        /// The newest format that can be read.
        newest: u16,
    },
    /// A format that is no longer read.
    #[error("made by an older witwire: format {found}, this one reads {oldest} to {newest}; compile the file anew")]
    Older {
        /// The file's format.
        found: u16,
        /// The oldest format that can be read.
        oldest: u16,
        /// The newest.
        newest: u16,
    },
    /// The file ends too early.
    #[error("the file is cut: {wanted} bytes wanted, {has} there; copy or compile it anew")]
    Cut {
        /// How long it should be; at least, where it is cut before its own table of lengths.
        wanted: u64,
        /// How long it is.
        has: u64,
    },
    /// Bytes follow after the end.
    #[error("{extra} bytes follow after the end of the file; copy or compile it anew")]
    Trailing {
        /// How many.
        extra: u64,
    },
    /// The content is not what was written.
    #[error("the file is damaged: its checksum does not match; copy or compile it anew")]
    Checksum,
    /// The file is larger than the reader accepts.
    #[error("the file has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The section table is not one.
    #[error("the file has no valid section table: {reason}; compile it anew")]
    Sections {
        /// What is wrong.
        reason: &'static str,
    },
    /// A section cannot be decoded though its checksum matches.
    #[error("the section `{what}` cannot be decoded: {reason}; compile the file anew with this version of witwire")]
    Undecodable {
        /// The section.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// An API contradicts itself: a defect of the compiler, or a forged file.
    #[error(
        "`{package}` contradicts itself: {}; compile the file anew, and if that does not help, report it as a defect",
        list(contradictions)
    )]
    Contradictory {
        /// The package.
        package: String,
        /// What contradicts what.
        contradictions: Vec<Contradiction>,
    },
}

fn list(contradictions: &[Contradiction]) -> String {
    const SHOWN: usize = 5;
    let shown = contradictions.iter().take(SHOWN).map(ToString::to_string);
    let more = contradictions.len().checked_sub(SHOWN).filter(|n| *n > 0).map(|n| format!("and {n} more"));
    shown.chain(more).collect::<Vec<_>>().join("; ")
}

/// Why bytes are not a [`crate::Value`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Another format.
    #[error("a value of format {0}, this version reads {version}", version = super::VALUE_VERSION)]
    Version(u8),
    /// The bytes end too early.
    #[error("the value is cut at byte {0}")]
    Cut(usize),
    /// A kind of value that does not exist.
    #[error("the byte {tag} at {at} is no kind of value")]
    Tag {
        /// The byte.
        tag: u8,
        /// Its position.
        at: usize,
    },
    /// A string that is not UTF-8, a char that is no Unicode scalar value, or a number written too long.
    #[error("the {what} at byte {at} is not valid")]
    Invalid {
        /// What it should be.
        what: &'static str,
        /// Its position.
        at: usize,
    },
    /// Nested too deep.
    #[error("the value is nested deeper than {max} levels", max = super::MAX_DEPTH)]
    TooDeep,
    /// Bytes follow after the value.
    #[error("{0} bytes follow after the value")]
    Trailing(usize),
}
