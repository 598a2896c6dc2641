//! Which addresses are those of the public network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether anybody on the public network may have this address. Those of this machine, of a
/// private network, of a link, of a provider's own network, of groups and of documents are not;
/// nor are addresses of IPv6 that stand for another one of IPv4, which might be any of those.
///
/// By the registries of special addresses of IANA.
///
/// ```
/// use banter::net::is_public;
///
/// assert!(is_public([9, 9, 9, 9].into()));
/// assert!(!is_public([169, 254, 169, 254].into()));
/// ```
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        // This network, this machine, groups and what is reserved.
        [0 | 127 | 224.., ..]
            // Private.
            | [10, ..]
            | [172, 16..32, ..]
            | [192, 168, ..]
            // Shared by the customers of a provider.
            | [100, 64..128, ..]
            // Of the link: there services of clouds tell keys.
            | [169, 254, ..]
            // Of protocols, of documents, of a relay that is no more.
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            // For measurements.
            | [198, 18..20, ..]
    )
}

/// Only what has been given to networks is public; of that, what stands for something else is not.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Of protocols, and tunnels to IPv4; of documents.
        [0x2001, 0..0x200 | 0xdb8, ..] => false,
        // Stands for an address of IPv4.
        [0x2002, ..] => false,
        // Of documents.
        [0x3fff, 0..0x1000, ..] => false,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_public_network() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "3fff:1000::1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn all_other_addresses() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            // Addresses of IPv4 in other clothes: mapped, compatible, translated, by tunnel.
            "::ffff:1.1.1.1",
            "::ffff:127.0.0.1",
            "::ffff:0:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            // Of a link, a site, a private network, a group; discarded; of documents.
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
            "100::1",
            "2001:db8::1",
            "2001:2::1",
            "2001:10::1",
            "3fff::1",
            "5f00::1",
            "4000::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }
}
