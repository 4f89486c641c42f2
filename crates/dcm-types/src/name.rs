//! Names that users give: validated once, at the edge, into a type that cannot hold anything else.
//!
//! Two grammars: the pattern of the REST contract for names of our own resources (at most 128
//! characters), and RFC 1123 for what becomes a Kubernetes name. In both `..` is refused, so that no
//! name can be a path step anywhere.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Violation;

/// Longest name of a resource of ours, in characters (`contract.md` 0.2).
const RESOURCE_LIMIT: usize = 128;
/// Longest RFC 1123 label.
const LABEL_LIMIT: usize = 63;
/// Longest RFC 1123 subdomain.
const SUBDOMAIN_LIMIT: usize = 253;

fn check_length(text: &str, limit: usize) -> Result<(), Violation> {
    if text.is_empty() {
        return Err(Violation::new("must not be empty", text));
    }
    if text.len() > limit {
        return Err(Violation::new(
            format!("must be at most {limit} characters"),
            text,
        ));
    }
    Ok(())
}

/// `^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$`, without `..`.
fn check_resource(text: &str) -> Result<(), Violation> {
    check_length(text, RESOURCE_LIMIT)?;
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let inside = bytes
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if !(edge(bytes.first()) && edge(bytes.last()) && inside) || text.contains("..") {
        return Err(Violation::new(
            "must consist of letters, digits, '-', '_' and '.', begin and end with a letter or digit, \
             and not contain '..'",
            text,
        ));
    }
    Ok(())
}

/// RFC 1123 label: lower-case letters, digits and `-`, letter or digit at both ends.
pub(crate) fn is_label(text: &str) -> bool {
    let edge =
        |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    bytes.len() <= LABEL_LIMIT
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

fn check_label(text: &str) -> Result<(), Violation> {
    check_length(text, LABEL_LIMIT)?;
    if is_label(text) {
        return Ok(());
    }
    Err(Violation::new(
        "must be an RFC 1123 label: lower-case letters, digits and '-', with a letter or digit at both ends",
        text,
    ))
}

/// RFC 1123 subdomain: labels joined by dots.
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.len() <= SUBDOMAIN_LIMIT && text.split('.').all(is_label)
}

fn check_subdomain(text: &str) -> Result<(), Violation> {
    check_length(text, SUBDOMAIN_LIMIT)?;
    if is_subdomain(text) {
        return Ok(());
    }
    Err(Violation::new(
        "must be an RFC 1123 subdomain: lower-case letters, digits, '-' and '.', with a letter or digit \
         at both ends of each part",
        text,
    ))
}

/// Namespaces that belong to Kubernetes, to well-known platforms, or to us (T13).
const RESERVED_NAMESPACES: &[&str] = &["default", "istio-system", "cert-manager", "dcm-system"];

fn check_namespace(text: &str) -> Result<(), Violation> {
    check_label(text)?;
    if text.starts_with("kube-") || RESERVED_NAMESPACES.contains(&text) {
        return Err(
            Violation::new("is reserved for the cluster itself", text).hint(
                "choose a namespace that does not begin with 'kube-' and is not a platform's own",
            ),
        );
    }
    Ok(())
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The only constructor.
            pub fn parse(text: &str) -> Result<Self, Violation> {
                $check(text)?;
                Ok(Self(text.to_owned()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Violation;
            fn try_from(text: String) -> Result<Self, Violation> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

name_type!(
    /// Name of a project (a tenant).
    ProjectName, check_resource
);
name_type!(
    /// Name of a logical cloud within its project.
    CloudName, check_resource
);
name_type!(
    /// Name of a cluster provider.
    ProviderName, check_resource
);
name_type!(
    /// Name of a cluster within its provider.
    ClusterName, check_resource
);
name_type!(
    /// Name of a cluster reference within its logical cloud.
    ReferenceName, check_resource
);
name_type!(
    /// A label of a cluster; it has no value.
    ClusterLabelName, check_resource
);
name_type!(
    /// Name of key-values of a cluster.
    ClusterKvName, check_resource
);
name_type!(
    /// Name of a synchronisation object of a cluster provider.
    SyncObjectName, check_resource
);
name_type!(
    /// Name of key-values of a logical cloud.
    CloudKvName, check_resource
);
name_type!(
    /// Name of a controller within its group.
    ControllerName, check_resource
);
name_type!(
    /// Name of a user permission within its logical cloud.
    PermissionName, check_resource
);
name_type!(
    /// Name of a user within its logical cloud. It never reaches a certificate: see [`crate::member_name`].
    UserName, check_resource
);
name_type!(
    /// Name of a quota; it becomes the name of a `ResourceQuota`, so an RFC 1123 subdomain.
    QuotaName, check_subdomain
);
name_type!(
    /// Name of the namespace of a logical cloud: an RFC 1123 label that is not reserved (T13).
    NamespaceName, check_namespace
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused_by_every_type() {
        let long = "x".repeat(1_000_000);
        let rows = [
            "",
            "-a",
            "a-",
            "a..b",
            "../x",
            "a/b",
            "%2e%2e",
            "a\nb",
            "a\0b",
            "\u{430}",
            "a\u{202e}b",
            "a+b",
            ".",
            " a",
            "a ",
            "é",
            &long,
        ];
        for row in rows {
            assert!(ProjectName::parse(row).is_err(), "{row:.20?}");
            assert!(QuotaName::parse(row).is_err(), "{row:.20?}");
            assert!(NamespaceName::parse(row).is_err(), "{row:.20?}");
        }
    }

    #[test]
    fn lengths_follow_the_grammar() {
        assert!(CloudName::parse(&"a".repeat(128)).is_ok());
        assert!(CloudName::parse(&"a".repeat(129)).is_err());
        assert!(NamespaceName::parse(&"a".repeat(63)).is_ok());
        assert!(NamespaceName::parse(&"a".repeat(64)).is_err());
        assert!(QuotaName::parse("a.b-c.d").is_ok());
    }

    #[test]
    fn upper_case_is_for_our_own_names_only() {
        assert!(ClusterName::parse("Edge_1.x").is_ok());
        assert!(NamespaceName::parse("Edge").is_err());
        assert!(QuotaName::parse("Quota").is_err());
    }

    #[test]
    fn reserved_namespaces_are_refused() {
        for name in [
            "kube-system",
            "kube-anything",
            "default",
            "istio-system",
            "cert-manager",
            "dcm-system",
        ] {
            assert!(NamespaceName::parse(name).is_err(), "{name}");
        }
        assert!(NamespaceName::parse("payments").is_ok());
    }

    #[test]
    fn json_goes_through_the_same_constructor() {
        assert!(serde_json::from_str::<NamespaceName>("\"kube-system\"").is_err());
        assert!(serde_json::from_str::<ProjectName>("\"p1\"").is_ok());
    }
}
