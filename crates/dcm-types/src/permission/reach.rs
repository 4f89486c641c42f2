//! How far a permission reaches: the cloud's own namespace, another one, or the whole cluster. One that
//! leaves the own namespace makes its logical cloud privileged.

use serde::{Deserialize, Serialize};

use crate::error::Violation;
use crate::name::NamespaceName;

/// Where a permission holds, in every member alike.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// In the namespace of the logical cloud, whatever its name will be.
    #[default]
    Own,
    /// In a namespace that is not the cloud's own and that somebody else makes. It is never one that
    /// belongs to the cluster itself: who runs a pod there is its administrator.
    Namespace(NamespaceName),
    /// In every namespace, and of some things that have none.
    Cluster,
}

/// What the envelope knows of a reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// One namespace.
    Namespace,
    /// The whole cluster.
    Cluster,
}

impl Extent {
    /// The extent of what is written as a permission's namespace: the empty text is the whole cluster.
    pub fn of(written: Option<&str>) -> Self {
        match written {
            Some("") => Self::Cluster,
            _ => Self::Namespace,
        }
    }
}

impl Reach {
    /// Reads what is written as a permission's namespace of a cloud whose own one is `own`.
    pub fn parse(written: Option<&str>, own: &NamespaceName) -> Result<Self, Violation> {
        match written {
            None => Ok(Self::Own),
            Some("") => Ok(Self::Cluster),
            Some(name) => Ok(Self::Namespace(NamespaceName::parse(name)?).seen_from(own)),
        }
    }

    /// The same reach of a cloud whose own namespace is `own`.
    #[must_use]
    pub fn seen_from(self, own: &NamespaceName) -> Self {
        match self {
            Self::Namespace(name) if &name == own => Self::Own,
            other => other,
        }
    }

    /// As it is written; `None`: the cloud's own namespace.
    pub fn written(&self) -> Option<&str> {
        match self {
            Self::Own => None,
            Self::Namespace(name) => Some(name.as_str()),
            Self::Cluster => Some(""),
        }
    }

    /// Whether it stays in the cloud's own namespace.
    pub fn is_own(&self) -> bool {
        matches!(self, Self::Own)
    }

    /// What the envelope knows of it.
    pub fn extent(&self) -> Extent {
        match self {
            Self::Own | Self::Namespace(_) => Extent::Namespace,
            Self::Cluster => Extent::Cluster,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_namespace_by_its_name_is_the_own_one() {
        let own = NamespaceName::parse("shop").unwrap();
        let other = NamespaceName::parse("other").unwrap();
        let rows = [
            (None, Reach::Own),
            (Some("shop"), Reach::Own),
            (Some("other"), Reach::Namespace(other.clone())),
            (Some(""), Reach::Cluster),
        ];
        for (written, reach) in rows {
            assert_eq!(Reach::parse(written, &own).unwrap(), reach);
            assert_eq!(Extent::of(written), reach.extent());
        }
        for bad in ["kube-system", "default", "dcm-system", "*", "A", " "] {
            assert!(Reach::parse(Some(bad), &own).is_err(), "{bad}");
        }
        assert_eq!(
            Reach::Namespace(other.clone()).seen_from(&other),
            Reach::Own
        );
    }
}
