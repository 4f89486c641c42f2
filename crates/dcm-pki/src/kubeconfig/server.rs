//! Where an API server is: `https`, a host in one unambiguous spelling, a port (T5, as far as text goes).
//!
//! Whether the address may be connected to is decided by `dcm_types::address`, after names are
//! resolved.
#![deny(clippy::indexing_slicing)]

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dcm_types::Violation;

/// Longest URL that is looked at.
const URL_LIMIT: usize = 512;
/// Longest DNS name.
const NAME_LIMIT: usize = 253;
/// Longest label of a DNS name.
const LABEL_LIMIT: usize = 63;
/// Port when none is given.
const HTTPS: u16 = 443;
/// Names under which clouds serve credentials to whoever asks from inside.
const METADATA_NAMES: &[&str] = &[
    "metadata",
    "metadata.goog",
    "metadata.google.internal",
    "metadata.tencentyun.com",
    "instance-data",
    "instance-data.ec2.internal",
];

/// A host: an address, or a name to be resolved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// An IP literal.
    Address(IpAddr),
    /// A DNS name, lower case, without a trailing dot.
    Name(String),
}

impl Host {
    /// Reads a host as it stands in a URL without brackets: an address or a DNS name.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return Ok(Self::Address(IpAddr::V6(address)));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(IpAddr::V4(address)));
        }
        name(text).map(Self::Name)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(formatter),
            Self::Name(name) => formatter.write_str(name),
        }
    }
}

/// An API server; it displays as its URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Server {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

impl Server {
    /// Reads `https://host[:port][/]`; nothing else is a server.
    pub fn parse(url: &str) -> Result<Self, Violation> {
        // A URL with user information holds a password.
        let refused = |rule: &str| {
            if url.contains('@') {
                Violation::hidden(rule)
            } else {
                Violation::new(rule, url)
            }
        };
        if url.len() > URL_LIMIT {
            return Err(refused("must be at most 512 characters"));
        }
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refused("must be visible ASCII characters")
                .hint("write an international name in its xn-- form"));
        }
        let rest = url
            .strip_prefix("https://")
            .ok_or_else(|| refused("must begin with https://"))?;
        if rest.contains('@') {
            return Err(refused("must have no user information"));
        }
        if rest.contains(['%', '\\', '?', '#']) {
            return Err(refused(
                "must have no query, fragment, backslash or percent encoding",
            ));
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains('/') {
            return Err(refused("must have no path"));
        }
        let (host, port) = split(authority).map_err(refused)?;
        Ok(Self {
            host,
            port: port_number(port).map_err(refused)?,
        })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => {
                write!(formatter, "https://[{address}]:{}", self.port)
            }
            host => write!(formatter, "https://{host}:{}", self.port),
        }
    }
}

/// Host, and the text of the port if there is a colon.
fn split(authority: &str) -> Result<(Host, Option<&str>), &'static str> {
    if let Some(literal) = authority.strip_prefix('[') {
        const RULE: &str = "must have an IPv6 address in brackets, without a zone";
        let (address, rest) = literal.split_once(']').ok_or(RULE)?;
        let address: Ipv6Addr = address.parse().map_err(|_| RULE)?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(port),
            None if rest.is_empty() => None,
            None => return Err(RULE),
        };
        return Ok((Host::Address(IpAddr::V6(address)), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    match host.parse::<Ipv4Addr>() {
        Ok(address) => Ok((Host::Address(IpAddr::V4(address)), port)),
        Err(_) => Ok((Host::Name(check_name(host)?), port)),
    }
}

fn port_number(text: Option<&str>) -> Result<u16, &'static str> {
    const RULE: &str = "must have a port from 1 to 65535, in plain decimal digits";
    let Some(text) = text else {
        return Ok(HTTPS);
    };
    if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(RULE);
    }
    text.parse().map_err(|_| RULE)
}

fn name(text: &str) -> Result<String, Violation> {
    check_name(text).map_err(|rule| Violation::new(rule, text))
}

fn check_name(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        return Err("must have a host");
    }
    if text.len() > NAME_LIMIT || !text.split('.').all(is_label) {
        return Err("must have an IP address or a DNS name as host, without a trailing dot");
    }
    // Resolvers read 2852039166, 0x7f.1 and 0177.0.0.1 as addresses: only the dotted decimal form,
    // which was tried before, means the same to everybody.
    if text.split('.').next_back().is_some_and(is_number) {
        return Err("must write an IPv4 address as four decimal numbers without leading zeros");
    }
    let lower = text.to_ascii_lowercase();
    if METADATA_NAMES.contains(&lower.as_str()) {
        return Err("must not be the metadata service of a cloud");
    }
    Ok(lower)
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= LABEL_LIMIT
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a label is a number in any base that a resolver might know.
fn is_number(label: &str) -> bool {
    let is_hexadecimal = label
        .strip_prefix("0x")
        .or_else(|| label.strip_prefix("0X"))
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_hexadecimal || label.bytes().all(|byte| byte.is_ascii_digit())
}
