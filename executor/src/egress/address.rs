//! Which addresses are global.
//!
//! By the IANA registries of special-purpose addresses (RFC 6890 and its updates): an address is global only if it is known to be.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::PatternError;

/// Whether an address belongs to the public internet.
///
/// Not global: private, loopback, link-local (with the metadata services of clouds, `169.254.169.254`), shared (carrier-grade
/// NAT), documentation, benchmarking, multicast, reserved, and their IPv6 kin; IPv6 addresses that embed an IPv4 address which is
/// not global.
pub fn is_global(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => is_global_v4(v4),
        IpAddr::V6(v6) => is_global_v6(v6),
    }
}

/// IPv4 blocks that are not global, as network and prefix length.
const V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::UNSPECIFIED, 8),           // this network (RFC 791)
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private (RFC 1918)
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // shared, carrier-grade NAT (RFC 6598)
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback (RFC 1122)
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local (RFC 3927)
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private (RFC 1918)
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments (RFC 6890)
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation (RFC 5737)
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 relays, deprecated (RFC 7526)
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private (RFC 1918)
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarking (RFC 2544)
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation (RFC 5737)
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation (RFC 5737)
    (Ipv4Addr::new(224, 0, 0, 0), 3),     // multicast (RFC 5771), reserved (RFC 1112), broadcast
];

/// IPv6 blocks inside `2000::/3` that are not global; outside of it nothing is, but NAT64.
const V6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo, ORCHID (RFC 2928)
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation (RFC 3849)
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4, which embeds any IPv4 address (RFC 3056)
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation (RFC 9637)
];

/// Global unicast (RFC 4291, section 2.4, and IANA's allocations).
const GLOBAL_UNICAST: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// NAT64, which embeds an IPv4 address (RFC 6052).
const NAT64: (Ipv6Addr, u8) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

fn is_global_v4(v4: Ipv4Addr) -> bool {
    !V4.iter().any(|(network, prefix)| within_v4(v4, *network, *prefix))
}

fn is_global_v6(v6: Ipv6Addr) -> bool {
    if within_v6(v6, NAT64.0, NAT64.1) {
        let [.., a, b, c, d] = v6.octets();
        return is_global_v4(Ipv4Addr::new(a, b, c, d));
    }
    within_v6(v6, GLOBAL_UNICAST.0, GLOBAL_UNICAST.1) && !V6.iter().any(|(network, prefix)| within_v6(v6, *network, *prefix))
}

fn within_v4(ip: Ipv4Addr, network: Ipv4Addr, prefix: u8) -> bool {
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    ip.to_bits() & mask == network.to_bits() & mask
}

fn within_v6(ip: Ipv6Addr, network: Ipv6Addr, prefix: u8) -> bool {
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
    ip.to_bits() & mask == network.to_bits() & mask
}

/// A block of addresses: `10.0.0.0/8`, `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// 0 to 32 for IPv4, to 128 for IPv6.
    prefix: u8,
}

impl Network {
    /// Reads `address/prefix` (CIDR, RFC 4632).
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let error = || PatternError {
            text: text.to_owned(),
            reason: "a network is an address and a prefix length, as in `10.0.0.0/8` or `fd00::/8`",
        };
        let (address, prefix) = text.trim().split_once('/').ok_or_else(error)?;
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let prefix: u8 = prefix.parse().map_err(|_| error())?;
        if prefix > if address.is_ipv4() { 32 } else { 128 } {
            return Err(error());
        }
        Ok(Self { address, prefix })
    }

    /// Whether an address lies in it. An IPv4 address in IPv6 form counts as the IPv4 address.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(ip)) => within_v4(ip, network, self.prefix),
            (IpAddr::V6(network), IpAddr::V6(ip)) => within_v6(ip, network, self.prefix),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One address inside, and the neighbours of, each block of the registries.
    #[test]
    fn special_addresses_are_not_global() {
        for ip in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!is_global(ip.parse().expect("an address")), "{ip}");
        }
    }

    #[test]
    fn other_addresses_are_global() {
        for ip in [
            "1.0.0.0",
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2001:200::1",
            "2001:db9::1",
            "2003::1",
            "2606:4700::1111",
            "3ffe:ffff::1",
        ] {
            assert!(is_global(ip.parse().expect("an address")), "{ip}");
        }
    }

    #[test]
    fn networks_contain_what_they_say() {
        for (network, ip, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("127.0.0.1/32", "127.0.0.1", true),
            ("127.0.0.1/32", "127.0.0.2", false),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "fe80::1", true),
            ("fd00::/8", "fd00::1", true),
            ("fd00::/8", "fe00::1", false),
        ] {
            let parsed = Network::parse(network).expect("a network");
            assert_eq!(parsed.contains(ip.parse().expect("an address")), inside, "{ip} in {network}");
        }
        for text in ["10.0.0.0", "10.0.0.0/33", "::/129", "x/8", "10.0.0.0/", "10.0.0.0/-1"] {
            assert!(Network::parse(text).is_err(), "`{text}`");
        }
    }
}
