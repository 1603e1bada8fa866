//! Entries as bytes.

/// Why bytes are not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A newer witwire wrote it.
    #[error("it has format {found}, this witwire knows up to {known}; use a newer witwire")]
    Newer {
        /// Its format.
        found: u8,
        /// The newest format that is known here.
        known: u8,
    },
    /// The bytes are not those that were written.
    #[error("its checksum is wrong: the store is damaged")]
    Checksum,
    /// The bytes are whole but mean nothing.
    #[error("it makes no sense: {0}")]
    Meaning(&'static str),
}
