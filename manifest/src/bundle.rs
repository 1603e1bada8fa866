//! The bundle: one file with all that a server needs to run a component.
//!
//! Layout, integers little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | magic: `89 57 57 42 0d 0a 1a 0a` (a high bit and both line ends, so that a transfer as text is noticed) |
//! | 2 | format version |
//! | 32 | BLAKE3 of all that follows |
//! | 4 | length of the header |
//! | … | the header: JSON with the component's name, the environment, its dependencies' settings, and the lengths of what follows |
//! | … | the component, then one IR container per dependency |
//!
//! A bundle holds no secret: credentials stand in it by reference. Reading takes memory in proportion to the file, whatever
//! lengths it claims; the parts are not looked into.

use serde::{Deserialize, Serialize};
use witwire_deployment::{ComponentName, Settings};

/// The newest format that this version writes and reads.
pub const FORMAT: u16 = 1;

const MAGIC: [u8; 8] = [0x89, b'W', b'W', b'B', b'\r', b'\n', 0x1a, b'\n'];
const CHECKSUM: usize = 32;

/// A built component with its dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The component's name: `app:todo-agent`.
    pub name: ComponentName,
    /// The environment of the manifest whose values it has. `None`: those of everywhere.
    pub environment: Option<String>,
    /// How the functions of each dependency are performed, in the order of `irs`.
    pub metadata: Vec<Settings>,
    /// The WebAssembly component.
    pub component: Vec<u8>,
    /// One IR container (`witwire_ir::container`) per dependency, cut down to what the component imports.
    pub irs: Vec<Vec<u8>>,
}

/// Why a file is not a bundle that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Another file.
    #[error("this is not a witwire bundle; `witwire build` makes one")]
    NotABundle,
    /// A format that this version does not know.
    #[error("the bundle has format {found}, this witwire reads {FORMAT}; build it again")]
    Format {
        /// The file's format.
        found: u16,
    },
    /// The file ends early.
    #[error("the bundle is cut: it should have {wanted} bytes and has {has}; build or copy it again")]
    Cut {
        /// Bytes that there should be at least.
        wanted: u64,
        /// Bytes that there are.
        has: u64,
    },
    /// Bytes follow after the last part.
    #[error("{extra} bytes follow after the bundle's end; build or copy it again")]
    Trailing {
        /// How many.
        extra: u64,
    },
    /// The content is not what was written.
    #[error("the bundle is damaged: its checksum does not match; build or copy it again")]
    Checksum,
    /// The header is not one of ours.
    #[error("the bundle's header cannot be read ({0}); build it again")]
    Header(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Header {
    name: ComponentName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    dependencies: Vec<Settings>,
    /// Bytes of the component.
    component: u64,
    /// Bytes of each IR container.
    irs: Vec<u64>,
}

/// Writes a bundle. Equal bundles give equal bytes.
///
/// # Panics
/// Never: settings are maps with text keys, which JSON can hold.
pub fn write(bundle: &Bundle) -> Vec<u8> {
    let header = Header {
        name: bundle.name.clone(),
        environment: bundle.environment.clone(),
        dependencies: bundle.metadata.clone(),
        component: bundle.component.len() as u64,
        irs: bundle.irs.iter().map(|ir| ir.len() as u64).collect(),
    };
    let header = serde_json::to_vec(&header).expect("settings are maps with text keys, which JSON can hold");
    let mut file =
        Vec::with_capacity(64 + header.len() + bundle.component.len() + bundle.irs.iter().map(Vec::len).sum::<usize>());
    file.extend(MAGIC);
    file.extend(FORMAT.to_le_bytes());
    file.extend([0; CHECKSUM]);
    let checked = file.len();
    file.extend((header.len() as u32).to_le_bytes());
    file.extend(&header);
    file.extend(&bundle.component);
    bundle.irs.iter().for_each(|ir| file.extend(ir));
    let checksum = *blake3::hash(&file[checked..]).as_bytes();
    file[checked - CHECKSUM..checked].copy_from_slice(&checksum);
    file
}

/// Reads a bundle.
///
/// # Errors
/// [`BundleError`], which says what is wrong with the file and what to do.
pub fn read(file: &[u8]) -> Result<Bundle, BundleError> {
    let mut rest = Rest { bytes: file, total: file.len() as u64 };
    if file.is_empty() || !file.starts_with(&MAGIC[..MAGIC.len().min(file.len())]) {
        return Err(BundleError::NotABundle);
    }
    rest.take(MAGIC.len() as u64)?;
    let found = u16::from_le_bytes(rest.array()?);
    if found != FORMAT {
        return Err(BundleError::Format { found });
    }
    let checksum: [u8; CHECKSUM] = rest.array()?;
    let checked = rest.bytes;
    let length = u32::from_le_bytes(rest.array()?);
    let header = rest.take(length.into())?;
    // Lengths are followed before the checksum counts, so that a cut file is called cut and not damaged.
    let intact = *blake3::hash(checked).as_bytes() == checksum;
    let header: Header = match serde_json::from_slice(header) {
        Ok(header) => header,
        Err(_) if !intact => return Err(BundleError::Checksum),
        Err(e) => return Err(BundleError::Header(e.to_string())),
    };
    let component = rest.take(header.component)?.to_vec();
    let irs = header.irs.iter().map(|length| rest.take(*length).map(<[u8]>::to_vec)).collect::<Result<Vec<_>, _>>()?;
    if !rest.bytes.is_empty() {
        return Err(BundleError::Trailing { extra: rest.bytes.len() as u64 });
    }
    if !intact {
        return Err(BundleError::Checksum);
    }
    if irs.len() != header.dependencies.len() {
        let reason = format!("{} dependencies have {} IR containers", header.dependencies.len(), irs.len());
        return Err(BundleError::Header(reason));
    }
    let Header { name, environment, dependencies: metadata, .. } = header;
    Ok(Bundle { name, environment, metadata, component, irs })
}

/// What is still to be read.
struct Rest<'a> {
    bytes: &'a [u8],
    total: u64,
}

impl<'a> Rest<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], BundleError> {
        let read = self.total - self.bytes.len() as u64;
        let cut = BundleError::Cut { wanted: read.saturating_add(length), has: self.total };
        let (head, rest) = usize::try_from(length).ok().and_then(|length| self.bytes.split_at_checked(length)).ok_or(cut)?;
        self.bytes = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BundleError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N as u64)?);
        Ok(out)
    }
}

/// How the name of a bundle's file ends.
pub const EXTENSION: &str = "witwire";

/// The file name of a component's bundle: `app_todo-agent.witwire`. A manifest's components have different ones, also where a file
/// system does not tell capital letters from small ones.
pub fn file_name(component: &ComponentName) -> String {
    format!("{}.{EXTENSION}", file_stem(component))
}

/// What a component's own files are called. Not every file system takes a colon.
pub(crate) fn file_stem(component: &ComponentName) -> String {
    component.as_str().replace(':', "_")
}
