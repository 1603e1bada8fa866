//! Where calls may go: nowhere, unless the operator's list says so.
//!
//! Two questions are asked. Before anything is resolved: does the list name this host and port? After resolving, once: is each
//! address global, or has the operator allowed private addresses for this host or network? Addresses that fail are dropped, and
//! the connection goes to one of those that remain, so that a second DNS answer cannot lead elsewhere.
//!
//! The other half of the rule, that the application's manifest names the server, is held by
//! [`Endpoint`]: a transport sends to no other host than the endpoint's.

mod address;
mod pattern;
mod resolve;

use std::fmt;
use std::net::IpAddr;

pub use address::{Network, is_global};
pub use pattern::{HostPattern, PatternError};
pub use resolve::{Resolve, Resolving, SystemResolver};

use crate::transport::{Endpoint, Host};

/// The operator's list. Empty, it denies everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EgressPolicy {
    allow: Vec<HostPattern>,
    allow_private: Vec<Private>,
}

/// For what addresses that are not global may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Private {
    /// Whatever this host resolves to.
    Host(HostPattern),
    /// Addresses in this network, whichever host resolves to them.
    Network(Network),
}

impl EgressPolicy {
    /// Denies everything.
    pub fn deny_all() -> Self {
        Self::default()
    }

    /// Reads the operator's list.
    ///
    /// `allow`: hosts that may be called, as `api.example.com`, `*.example.com` (every name below it, not itself), `10.0.0.7` or
    /// `[::1]`, each with an optional `:port`. `allow_private`: for which of them addresses that are not global (private,
    /// loopback, link-local, …) may be used: the same patterns, or networks such as `10.0.0.0/8`. Private does not imply
    /// allowed: a host must be named in `allow` as well.
    pub fn parse<'a>(
        allow: impl IntoIterator<Item = &'a str>,
        allow_private: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, PatternError> {
        let private = |text: &str| {
            if text.contains('/') {
                Network::parse(text).map(Private::Network)
            } else {
                HostPattern::parse(text).map(Private::Host)
            }
        };
        Ok(Self {
            allow: allow.into_iter().map(HostPattern::parse).collect::<Result<_, _>>()?,
            allow_private: allow_private.into_iter().map(private).collect::<Result<_, _>>()?,
        })
    }

    /// Allows exactly these endpoints: for a person who names the server in the command itself. A loopback or private address is
    /// allowed where the endpoint is written as one, or as `localhost`.
    pub fn exactly<'a>(endpoints: impl IntoIterator<Item = &'a Endpoint>) -> Self {
        let mut policy = Self::deny_all();
        for endpoint in endpoints {
            let pattern = HostPattern::exact(endpoint.host().clone(), endpoint.port());
            if matches!(endpoint.host(), Host::Address(_)) || *endpoint.host() == Host::Name("localhost".to_owned()) {
                policy.allow_private.push(Private::Host(pattern.clone()));
            }
            policy.allow.push(pattern);
        }
        policy
    }

    /// Adds all rules of another list.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.allow.extend(other.allow);
        self.allow_private.extend(other.allow_private);
        self
    }

    /// Whether the list names the host and port. An address is judged here too, as nothing is resolved for it.
    pub fn admit(&self, host: &Host, port: u16) -> Result<(), Denial> {
        let private = match host {
            Host::Address(ip) => !self.admits_address(host, port, *ip),
            Host::Name(_) => false,
        };
        let unlisted = !self.allow.iter().any(|p| p.matches(host, port));
        if unlisted || private {
            return Err(Denial { destination: format!("{host}:{port}"), unlisted, private });
        }
        Ok(())
    }

    /// The addresses that may be connected to, in the resolver's order.
    pub fn vet(&self, host: &Host, port: u16, addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, Denial> {
        let vetted: Vec<IpAddr> = addresses.into_iter().filter(|ip| self.admits_address(host, port, *ip)).collect();
        if vetted.is_empty() {
            return Err(Denial { destination: format!("{host}:{port}"), unlisted: false, private: true });
        }
        Ok(vetted)
    }

    fn admits_address(&self, host: &Host, port: u16, ip: IpAddr) -> bool {
        is_global(ip)
            || self.allow_private.iter().any(|rule| match rule {
                Private::Host(pattern) => pattern.matches(host, port),
                Private::Network(network) => network.contains(ip),
            })
    }
}

/// A refusal. It prints the lines that would allow the destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Denial {
    /// Host and port.
    pub destination: String,
    /// Whether the list of allowed hosts does not name it.
    pub unlisted: bool,
    /// Whether it has no address that is global, and no rule allows others.
    ///
    /// The addresses are not told: a guest could map a private network by them.
    pub private: bool,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let destination = &self.destination;
        let reason = match (self.unlisted, self.private) {
            (true, true) => "no rule names it, and it is not a global address",
            (true, false) => "no rule names it",
            (false, _) => "it has only addresses that are not global (private, loopback, link-local or reserved)",
        };
        write!(f, "egress to {destination} is denied: {reason}; these lines would allow it:\negress:")?;
        if self.unlisted {
            write!(f, "\n  allow: [\"{destination}\"]")?;
        }
        if self.private {
            write!(f, "\n  allow-private: [\"{destination}\"]")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Host {
        Host::Name(text.to_owned())
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_empty_list_denies_and_prints_the_lines_that_would_allow() {
        let denial = EgressPolicy::deny_all().admit(&name("api.example.com"), 443).expect_err("denied");
        assert_eq!(
            denial.to_string(),
            "egress to api.example.com:443 is denied: no rule names it; these lines would allow it:\n\
             egress:\n  allow: [\"api.example.com:443\"]"
        );
        let denial = EgressPolicy::deny_all().admit(&Host::Address(ip("::1")), 8080).expect_err("denied");
        assert!(
            denial.to_string().ends_with("egress:\n  allow: [\"[::1]:8080\"]\n  allow-private: [\"[::1]:8080\"]"),
            "{denial}"
        );
    }

    /// What a denial prints, given back to the parser, does allow the destination.
    #[test]
    fn the_printed_lines_are_enough() {
        for host in [name("api.example.com"), name("localhost"), Host::Address(ip("10.1.2.3")), Host::Address(ip("fd00::1"))]
        {
            let denial = EgressPolicy::deny_all().admit(&host, 8443).expect_err("denied");
            let lines = |on: bool| on.then_some(denial.destination.as_str());
            let policy = EgressPolicy::parse(lines(denial.unlisted), lines(denial.private)).expect("patterns");
            assert_eq!(policy.admit(&host, 8443), Ok(()));
            assert!(policy.admit(&host, 8444).is_err(), "another port of {host}");
        }
    }

    #[test]
    fn private_addresses_are_dropped_and_global_ones_stay_in_order() {
        let policy = EgressPolicy::parse(["api.example.com"], []).expect("patterns");
        let host = name("api.example.com");
        let answer = ["127.0.0.1", "93.184.215.14", "10.0.0.1", "2606:2800:21f::1"].map(ip).to_vec();
        assert_eq!(policy.vet(&host, 443, answer), Ok(vec![ip("93.184.215.14"), ip("2606:2800:21f::1")]));
        let denial = policy.vet(&host, 443, vec![ip("169.254.169.254")]).expect_err("denied");
        assert!(denial.to_string().contains("allow-private: [\"api.example.com:443\"]"), "{denial}");
        assert!(!denial.to_string().contains("169.254"), "{denial}");
    }

    #[test]
    fn private_addresses_are_allowed_by_host_or_by_network() {
        let host = name("db.internal");
        let by_host = EgressPolicy::parse(["*.internal"], ["db.internal:5000"]).expect("patterns");
        assert!(by_host.vet(&host, 5000, vec![ip("10.0.0.1")]).is_ok());
        assert!(by_host.vet(&host, 5001, vec![ip("10.0.0.1")]).is_err());
        assert!(by_host.vet(&name("x.internal"), 5000, vec![ip("10.0.0.1")]).is_err());
        let by_network = EgressPolicy::parse(["*.internal"], ["10.0.0.0/8"]).expect("patterns");
        assert_eq!(by_network.vet(&host, 5001, vec![ip("10.0.0.1"), ip("127.0.0.1")]), Ok(vec![ip("10.0.0.1")]));
    }

    #[test]
    fn a_private_rule_alone_allows_nothing() {
        let policy = EgressPolicy::parse([], ["127.0.0.1"]).expect("patterns");
        assert!(policy.admit(&Host::Address(ip("127.0.0.1")), 80).is_err());
    }

    #[test]
    fn exactly_allows_the_named_endpoints_and_no_other() {
        let endpoint = |url| Endpoint::parse(url).expect("a URL");
        let policy = EgressPolicy::exactly([&endpoint("http://localhost:8080"), &endpoint("https://api.example.com")]);
        assert_eq!(policy.admit(&name("localhost"), 8080), Ok(()));
        assert!(policy.vet(&name("localhost"), 8080, vec![ip("127.0.0.1")]).is_ok());
        assert!(policy.admit(&name("localhost"), 8081).is_err());
        assert!(policy.vet(&name("api.example.com"), 443, vec![ip("127.0.0.1")]).is_err(), "a public name, rebound");
    }
}
