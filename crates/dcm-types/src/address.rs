//! Which addresses we connect to on behalf of a user, so that nobody sends us where they cannot go (T5).
//!
//! Pure: a name is resolved once by whoever connects, each address is checked here, and the
//! connection goes to the address that was checked. IPv6 forms that carry an IPv4 address are judged
//! as that IPv4 address. What no operator can open: the metadata services of clouds, our own
//! listeners, and addresses that are none (unspecified, multicast, broadcast).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::error::Violation;

/// Why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// This machine.
    #[error("the address is a loopback address")]
    Loopback,
    /// This network segment.
    #[error("the address is a link-local address")]
    LinkLocal,
    /// A private, shared or unique local network.
    #[error("the address is in a private range")]
    Private,
    /// Set aside for documentation, tests or protocols.
    #[error("the address is in a reserved range")]
    Reserved,
    /// No address.
    #[error("the address is the unspecified address")]
    Unspecified,
    /// Many machines.
    #[error("the address is a multicast address")]
    Multicast,
    /// All machines.
    #[error("the address is the broadcast address")]
    Broadcast,
    /// The service under which a cloud hands out credentials.
    #[error("the address is the metadata service of a cloud")]
    Metadata,
    /// One of our own ports.
    #[error("the address is one that this server listens on")]
    OwnListener,
}

impl Refusal {
    /// What to do about it.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Loopback | Self::LinkLocal | Self::Private | Self::Reserved => {
                "the operator can open a range with clusters.allow_addresses"
            }
            Self::Unspecified | Self::Multicast | Self::Broadcast => {
                "give the address of the API server; clusters.allow_addresses does not open this one"
            }
            Self::Metadata | Self::OwnListener => {
                "it is never connected to, whatever clusters.allow_addresses says"
            }
        }
    }

    /// Whether a range in `clusters.allow_addresses` opens it.
    pub const fn can_be_allowed(self) -> bool {
        matches!(
            self,
            Self::Loopback | Self::LinkLocal | Self::Private | Self::Reserved
        )
    }

    /// As a broken rule, for a field of a body.
    pub fn violation(self, got: &str) -> Violation {
        Violation::new(format!("is refused: {self}"), got).hint(self.hint())
    }
}

/// What the operator opened, and what we are ourselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Ranges that are opened although they are refused by default; IPv4 ranges also cover the IPv6
    /// forms of their addresses.
    pub allow: Vec<IpNet>,
    /// Sockets that we listen on. One on the unspecified address stands for every address of this
    /// machine that is known without asking it: loopback. Add the interfaces' addresses if a wildcard
    /// listener is used.
    pub own: Vec<SocketAddr>,
}

impl AddressPolicy {
    /// Whether an address may be connected to.
    pub fn check(&self, address: IpAddr) -> Result<(), Refusal> {
        let address = unwrapped(address);
        let Some(refusal) = default_refusal(address) else {
            return Ok(());
        };
        let is_allowed = || {
            self.allow
                .iter()
                .any(|range| unwrapped_range(*range).contains(&address))
        };
        if refusal.can_be_allowed() && is_allowed() {
            Ok(())
        } else {
            Err(refusal)
        }
    }

    /// Whether an address and port may be connected to: neither refused nor one of our own.
    pub fn check_socket(&self, socket: SocketAddr) -> Result<(), Refusal> {
        let address = unwrapped(socket.ip());
        let is_own = |own: &SocketAddr| {
            let listens_on = unwrapped(own.ip());
            let same_address =
                listens_on == address || (listens_on.is_unspecified() && address.is_loopback());
            own.port() == socket.port() && same_address
        };
        if self.own.iter().any(is_own) {
            return Err(Refusal::OwnListener);
        }
        self.check(address)
    }
}

/// Reads the address of a load balancer, which is written down and never connected to by us; so any
/// address is one, `0.0.0.0` ("not known yet") too.
pub fn parse_load_balancer_address(text: &str) -> Result<IpAddr, Violation> {
    text.parse().map_err(|_| {
        Violation::new("must be an IP address", text).hint("for example 192.0.2.10 or 2001:db8::10")
    })
}

/// Addresses under which clouds and hosts serve credentials or instance data.
const METADATA_V4: [Ipv4Addr; 10] = [
    Ipv4Addr::new(169, 254, 169, 254), // nearly all clouds
    Ipv4Addr::new(169, 254, 169, 253), // resolver of AWS
    Ipv4Addr::new(169, 254, 170, 2),   // container credentials of AWS
    Ipv4Addr::new(169, 254, 170, 23),  // pod identity of AWS
    Ipv4Addr::new(169, 254, 42, 42),   // Scaleway
    Ipv4Addr::new(169, 254, 0, 23),    // Tencent
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba
    Ipv4Addr::new(168, 63, 129, 16),   // Azure
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle
    Ipv4Addr::new(169, 254, 169, 250), // time and licences of some clouds
];

/// The same over IPv6.
const METADATA_V6: [Ipv6Addr; 5] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254), // AWS
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023), // pod identity of AWS
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254), // Google
    Ipv6Addr::new(0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x0042), // Scaleway
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe), // OpenStack
];

/// The refusal by default; `None` for what is open to all.
fn default_refusal(address: IpAddr) -> Option<Refusal> {
    match address {
        IpAddr::V4(address) if METADATA_V4.contains(&address) => Some(Refusal::Metadata),
        IpAddr::V6(address) if METADATA_V6.contains(&address) => Some(Refusal::Metadata),
        IpAddr::V4(address) => refusal_v4(address),
        IpAddr::V6(address) => refusal_v6(address),
    }
}

/// The special-purpose ranges of IPv4 (IANA registry).
fn refusal_v4(address: Ipv4Addr) -> Option<Refusal> {
    if address.is_unspecified() {
        return Some(Refusal::Unspecified);
    }
    if address.is_broadcast() {
        return Some(Refusal::Broadcast);
    }
    match address.octets() {
        [127, ..] => Some(Refusal::Loopback),
        [169, 254, ..] => Some(Refusal::LinkLocal),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => {
            Some(Refusal::Private)
        }
        [224..=239, ..] => Some(Refusal::Multicast),
        [0 | 240..=255, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Some(Refusal::Reserved),
        _ => None,
    }
}

/// The special-purpose ranges of IPv6; outside `2000::/3` nothing is given out.
fn refusal_v6(address: Ipv6Addr) -> Option<Refusal> {
    if address.is_unspecified() {
        return Some(Refusal::Unspecified);
    }
    if address.is_loopback() {
        return Some(Refusal::Loopback);
    }
    match address.segments() {
        [0xff00..=0xffff, ..] => Some(Refusal::Multicast),
        [0xfe80..=0xfebf, ..] => Some(Refusal::LinkLocal),
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Some(Refusal::Private),
        [0x2001, 0x0000..=0x01ff | 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => {
            Some(Refusal::Reserved)
        }
        [0x2000..=0x3fff, ..] => None,
        _ => Some(Refusal::Reserved),
    }
}

/// The IPv4 address that an IPv6 form carries, or the address itself.
fn unwrapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => carried(address).map_or(IpAddr::V6(address), IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if address.is_unspecified() || address.is_loopback() {
        return None;
    }
    match address.segments() {
        // Mapped, compatible, translated, NAT64 (well-known and local prefix), 6to4.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x0064, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x0064, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => Some(Ipv4Addr::from_bits(
            (u32::from(high) << 16) | u32::from(low),
        )),
        _ => None,
    }
}

/// A range that is written in the mapped form of IPv4 is that IPv4 range.
fn unwrapped_range(range: IpNet) -> IpNet {
    if let IpNet::V6(wide) = range
        && wide.prefix_len() >= 96
        && let Some(address) = wide.addr().to_ipv4_mapped()
        && let Ok(narrow) = IpNet::new(IpAddr::V4(address), wide.prefix_len() - 96)
    {
        return narrow;
    }
    range
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn allowing(ranges: &[&str]) -> AddressPolicy {
        AddressPolicy {
            allow: ranges.iter().map(|range| range.parse().unwrap()).collect(),
            own: Vec::new(),
        }
    }

    #[test]
    fn special_ranges_are_refused_by_default() {
        use Refusal::{
            Broadcast, LinkLocal, Loopback, Metadata, Multicast, Private, Reserved, Unspecified,
        };
        let rows = [
            ("127.0.0.1", Loopback),
            ("127.255.255.254", Loopback),
            ("::1", Loopback),
            ("0.0.0.0", Unspecified),
            ("::", Unspecified),
            ("0.1.2.3", Reserved),
            ("10.0.0.1", Private),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("192.168.1.1", Private),
            ("100.64.0.1", Private),
            ("100.127.255.255", Private),
            ("fc00::1", Private),
            ("fdff::1", Private),
            ("fec0::1", Private),
            ("169.254.1.1", LinkLocal),
            ("fe80::1", LinkLocal),
            ("febf::1", LinkLocal),
            ("224.0.0.1", Multicast),
            ("239.255.255.255", Multicast),
            ("ff02::1", Multicast),
            ("255.255.255.255", Broadcast),
            ("240.0.0.1", Reserved),
            ("192.0.0.8", Reserved),
            ("192.0.2.1", Reserved),
            ("192.88.99.1", Reserved),
            ("198.18.0.1", Reserved),
            ("198.19.255.255", Reserved),
            ("198.51.100.1", Reserved),
            ("203.0.113.1", Reserved),
            ("2001:db8::1", Reserved),
            ("2001::1", Reserved),
            ("3fff::1", Reserved),
            ("100::1", Reserved),
            ("5f00::1", Reserved),
            ("4000::1", Reserved),
            ("169.254.169.254", Metadata),
            ("169.254.170.2", Metadata),
            ("100.100.100.200", Metadata),
            ("168.63.129.16", Metadata),
            ("192.0.0.192", Metadata),
            ("fd00:ec2::254", Metadata),
            ("fe80::a9fe:a9fe", Metadata),
        ];
        for (text, refusal) in rows {
            let result = AddressPolicy::default().check(address(text));
            assert_eq!(result, Err(refusal), "{text}");
        }
    }

    #[test]
    fn ipv6_forms_are_judged_as_the_ipv4_address_they_carry() {
        let rows = [
            ("::ffff:127.0.0.1", Refusal::Loopback),
            ("::127.0.0.1", Refusal::Loopback),
            ("::ffff:0:127.0.0.1", Refusal::Loopback),
            ("::ffff:169.254.169.254", Refusal::Metadata),
            ("64:ff9b::169.254.169.254", Refusal::Metadata),
            ("64:ff9b:1::10.0.0.1", Refusal::Private),
            ("2002:a9fe:a9fe::1", Refusal::Metadata),
            ("2002:7f00:1::", Refusal::Loopback),
            ("::ffff:0.0.0.0", Refusal::Unspecified),
        ];
        for (text, refusal) in rows {
            let result = AddressPolicy::default().check(address(text));
            assert_eq!(result, Err(refusal), "{text}");
        }
        for text in ["::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::"] {
            assert_eq!(AddressPolicy::default().check(address(text)), Ok(()));
        }
    }

    #[test]
    fn neighbours_of_the_ranges_are_open() {
        let rows = [
            "9.255.255.255",
            "11.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "223.255.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "168.63.129.17",
            "2000::1",
            "2001:200::1",
            "2606:4700::1111",
            "3ffe::1",
        ];
        for text in rows {
            assert_eq!(
                AddressPolicy::default().check(address(text)),
                Ok(()),
                "{text}"
            );
        }
    }

    #[test]
    fn an_allowed_range_opens_exactly_itself() {
        let policy = allowing(&["127.0.0.0/8", "fc00::/7", "10.1.0.0/16"]);
        for text in ["127.0.0.1", "::ffff:127.0.0.1", "fd12::1", "10.1.2.3"] {
            assert_eq!(policy.check(address(text)), Ok(()), "{text}");
        }
        for text in ["::1", "10.2.0.1", "192.168.0.1"] {
            assert!(policy.check(address(text)).is_err(), "{text}");
        }
        assert_eq!(
            allowing(&["::ffff:10.0.0.0/104"]).check(address("10.9.9.9")),
            Ok(())
        );
    }

    #[test]
    fn some_addresses_are_refused_although_everything_is_allowed() {
        let policy = allowing(&["0.0.0.0/0", "::/0"]);
        let rows = METADATA_V4.map(IpAddr::V4).into_iter();
        for address in rows.chain(METADATA_V6.map(IpAddr::V6)) {
            assert_eq!(policy.check(address), Err(Refusal::Metadata), "{address}");
        }
        for text in [
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
            "::ffff:0.0.0.0",
        ] {
            assert!(policy.check(address(text)).is_err(), "{text}");
        }
        assert_eq!(policy.check(address("10.0.0.1")), Ok(()));
    }

    #[test]
    fn our_own_listeners_are_refused_although_their_range_is_allowed() {
        let policy = AddressPolicy {
            own: [
                "127.0.0.1:9015",
                "0.0.0.0:9016",
                "[::]:9017",
                "10.0.0.5:9018",
            ]
            .map(|text| text.parse().unwrap())
            .to_vec(),
            ..allowing(&["127.0.0.0/8", "::1/128", "10.0.0.0/8"])
        };
        let own = [
            "127.0.0.1:9015",
            "[::ffff:127.0.0.1]:9015",
            "127.0.0.1:9016",
            "127.0.0.9:9016",
            "[::1]:9016",
            "127.0.0.1:9017",
            "[::1]:9017",
            "10.0.0.5:9018",
            "0.0.0.0:9016",
        ];
        for text in own {
            let result = policy.check_socket(text.parse().unwrap());
            assert_eq!(result, Err(Refusal::OwnListener), "{text}");
        }
        for text in [
            "127.0.0.1:6443",
            "127.0.0.2:9015",
            "[::1]:9015",
            "10.0.0.6:9018",
        ] {
            assert_eq!(policy.check_socket(text.parse().unwrap()), Ok(()), "{text}");
        }
        let unspecified = policy.check_socket("0.0.0.0:9015".parse().unwrap());
        assert_eq!(unspecified, Err(Refusal::Unspecified));
    }

    #[test]
    fn a_load_balancer_address_is_any_one_address() {
        for text in ["0.0.0.0", "192.0.2.10", "::", "2001:db8::10"] {
            assert_eq!(parse_load_balancer_address(text).unwrap(), address(text));
        }
        for text in [
            "",
            "example.org",
            "1.2.3",
            "01.2.3.4",
            "1.2.3.4:80",
            "[::1]",
            "10.0.0.0/8",
            " ::1",
        ] {
            assert!(parse_load_balancer_address(text).is_err(), "{text}");
        }
    }
}
