//! Names to addresses, once per connection.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;

/// A lookup under way.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Finds the addresses of a host name. Called once for each new connection; the answer is vetted and used, never asked for again.
pub trait Resolve: fmt::Debug + Send + Sync {
    /// The addresses, best first. An empty list counts as a name without addresses.
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a>;
}

/// The system's resolver (`getaddrinfo`), on the runtime's threads for blocking work.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            // The port does not matter here; 0 asks for addresses alone.
            let addresses = tokio::net::lookup_host((name, 0)).await?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}
