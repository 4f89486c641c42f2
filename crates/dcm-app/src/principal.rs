//! Who asks. Every use case takes it; today there is one principal, the local operator.

/// Who asks, from where, by which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// A name for the audit record.
    pub name: String,
    /// Where the request came from, for example an address; empty when unknown.
    pub origin: String,
    /// Id of the request, also in the log.
    pub request: String,
}

impl Principal {
    /// Whoever reaches the loopback listener: the operator of this machine.
    pub fn local_operator(origin: String, request: String) -> Self {
        Self {
            name: "local-operator".to_owned(),
            origin,
            request,
        }
    }

    /// Ourselves, finishing in the background what a principal asked for earlier.
    pub(crate) fn background() -> Self {
        Self {
            name: "dcm".to_owned(),
            origin: "background".to_owned(),
            request: String::new(),
        }
    }
}
