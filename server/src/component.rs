//! What the registry keeps of a revision.

use witwire_deployment::Settings;
use witwire_executor::oplog::{ComponentDigest, IrDigest, Timestamp};

/// All that a revision is made of, by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deployment {
    /// The component.
    pub(crate) wasm: ComponentDigest,
    /// Its dependencies, in the order in which they were given.
    pub(crate) dependencies: Vec<(IrDigest, Settings)>,
    /// When it was deployed.
    pub(crate) at: Timestamp,
}
