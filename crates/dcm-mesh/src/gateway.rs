//! Where a member's gateway is reached from the other members: its load-balancer address.

use std::fmt;
use std::net::IpAddr;

use dcm_types::Violation;

/// The port on which gateways pass traffic of the mesh on, unopened.
pub const PORT: u16 = 15443;
/// Longest name of a host (RFC 1123).
const HOST_LIMIT: usize = 253;

/// An address with its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayAddress {
    host: Host,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(String),
}

impl GatewayAddress {
    /// Reads an address or a name, with a port or without. Nothing, `0.0.0.0` and `::` mean that it is not known yet.
    pub fn read(text: &str) -> Result<Option<Self>, Violation> {
        let text = text.trim();
        let (host, port) = split(text)?;
        if host.is_empty() {
            return Ok(None);
        }
        let host = match host.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() => return Ok(None),
            Ok(address) if address.is_loopback() || address.is_multicast() => {
                let rule = "must be an address that other clusters reach, not one of loopback or of a group";
                return Err(Violation::new(rule, text));
            }
            Ok(address) => Host::Address(address),
            Err(_) => Host::Name(name(host, text)?),
        };
        Ok(Some(Self { host, port }))
    }

    /// The address or the name, without the port.
    pub fn host(&self) -> String {
        match &self.host {
            Host::Address(address) => address.to_string(),
            Host::Name(name) => name.clone(),
        }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it has to be looked up.
    pub fn is_name(&self) -> bool {
        matches!(self.host, Host::Name(_))
    }
}

impl fmt::Display for GatewayAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(formatter, "[{address}]:{}", self.port),
            _ => write!(formatter, "{}:{}", self.host(), self.port),
        }
    }
}

/// `HOST`, `HOST:PORT`, `[V6]:PORT`, or an IPv6 address alone.
fn split(text: &str) -> Result<(&str, u16), Violation> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok((text, PORT));
    }
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or("no port"))),
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let Some(port) = port else {
        return Ok((host, PORT));
    };
    match port.parse() {
        Ok(port) if port > 0 => Ok((host, port)),
        _ => Err(Violation::new(
            "must have a port from 1 to 65535 behind the last ':'",
            text,
        )),
    }
}

fn name(host: &str, text: &str) -> Result<String, Violation> {
    let label = |label: &str| {
        let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = label.as_bytes();
        bytes.len() <= 63
            && edge(bytes.first())
            && edge(bytes.last())
            && bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|b| b.is_ascii_digit());
    if host.len() <= HOST_LIMIT && host.split('.').all(label) && !numeric {
        return Ok(host.to_ascii_lowercase());
    }
    Err(Violation::new(
        "must be an IP address or the name of a host",
        text,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_names_and_ports_are_read() {
        for (text, expected) in [
            ("192.0.2.7", "192.0.2.7:15443"),
            ("192.0.2.7:31443", "192.0.2.7:31443"),
            ("2001:db8::7", "[2001:db8::7]:15443"),
            ("[2001:db8::7]:443", "[2001:db8::7]:443"),
            ("Lb-1.example.com", "lb-1.example.com:15443"),
            ("lb-1.example.com:443", "lb-1.example.com:443"),
        ] {
            let address = GatewayAddress::read(text).unwrap().unwrap();
            assert_eq!(address.to_string(), expected);
        }
    }

    #[test]
    fn what_says_nothing_means_not_known_yet() {
        for text in ["", "  ", "0.0.0.0", "0.0.0.0:15443", "::"] {
            assert_eq!(GatewayAddress::read(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn what_no_other_cluster_could_reach_is_refused() {
        for text in [
            "127.0.0.1",
            "::1",
            "224.0.0.1",
            "300.1.1.1",
            "1.2.3",
            "a b",
            "a_b",
            "-a",
            "a..b",
            "192.0.2.7:0",
            "192.0.2.7:x",
            "192.0.2.7:99999",
            "http://a",
            "[2001:db8::7]443",
            "a\nb",
        ] {
            assert!(GatewayAddress::read(text).is_err(), "{text}");
        }
    }
}
