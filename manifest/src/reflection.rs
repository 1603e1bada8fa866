//! Specifications that gRPC servers tell of themselves.

use serde::{Deserialize, Serialize};
use witwire_deployment::{ServerUrl, Tls};

/// Asks servers what they serve. This crate knows no transport; whoever builds brings one.
pub trait Reflect {
    /// The descriptors of all services of a server, apart from reflection itself, and of all that these import: an encoded
    /// `google.protobuf.FileDescriptorSet`. Equal answers of a server give equal bytes.
    ///
    /// # Errors
    /// In words for a user.
    fn descriptor_set(&self, server: &Reflected) -> Result<Vec<u8>, String>;
}

/// A server that is asked. The WIT is the same in all environments, and so is this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reflected {
    /// Where it is.
    pub server: ServerUrl,
    /// Whom to trust beyond the public roots.
    pub tls: Tls,
}
