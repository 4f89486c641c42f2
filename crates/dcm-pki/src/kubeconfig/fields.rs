//! The members of a kubeconfig: the few that are read, and what to tell about those that are not.

use dcm_types::Violation;

/// A member that is read.
pub(super) struct Member {
    pub(super) name: &'static str,
    /// Whether it is text; the others are looked into.
    pub(super) is_text: bool,
}

const fn text(name: &'static str) -> Member {
    Member {
        name,
        is_text: true,
    }
}

const fn structure(name: &'static str) -> Member {
    Member {
        name,
        is_text: false,
    }
}

/// Members of the file.
pub(super) const FILE: &[Member] = &[
    text("apiVersion"),
    text("kind"),
    structure("clusters"),
    structure("users"),
    structure("contexts"),
    text("current-context"),
    structure("preferences"),
];

/// A list of named entries.
pub(super) struct List {
    pub(super) name: &'static str,
    /// The member of an entry that holds its content.
    pub(super) inner: &'static str,
    /// Members of an entry.
    pub(super) entry: &'static [Member],
    /// Members of its content.
    pub(super) content: &'static [Member],
}

/// `clusters`.
pub(super) const CLUSTERS: List = List {
    name: "clusters",
    inner: "cluster",
    entry: &[text("name"), structure("cluster")],
    content: &[
        text("server"),
        text("certificate-authority-data"),
        text("tls-server-name"),
    ],
};
/// `users`.
pub(super) const USERS: List = List {
    name: "users",
    inner: "user",
    entry: &[text("name"), structure("user")],
    content: &[
        text("client-certificate-data"),
        text("client-key-data"),
        text("token"),
    ],
};
/// `contexts`; the namespace is allowed and not used.
pub(super) const CONTEXTS: List = List {
    name: "contexts",
    inner: "context",
    entry: &[text("name"), structure("context")],
    content: &[text("cluster"), text("user"), text("namespace")],
};

const STATIC_CREDENTIAL: &str =
    "paste a static credential: create a ServiceAccount token or a client certificate";

/// Why a member that is not read is refused, and what to do instead.
pub(super) fn refusal(member: &str, known: &[Member]) -> Violation {
    let (rule, hint) = match member {
        "<<" => (
            "is refused: merge keys are not read",
            "write the members out",
        ),
        "exec" => (
            "is refused: no program is ever run to get a credential",
            STATIC_CREDENTIAL,
        ),
        "auth-provider" => ("is refused: auth providers are not read", STATIC_CREDENTIAL),
        "tokenFile" | "client-certificate" | "client-key" | "certificate-authority" => (
            "is refused: no file is ever read",
            "paste the content: `kubectl config view --raw --flatten` writes it",
        ),
        "insecure-skip-tls-verify" => (
            "is refused: the server must be authenticated",
            "give its authority in certificate-authority-data",
        ),
        "proxy-url" => (
            "is refused: proxies are not used",
            "give a server that is reached directly",
        ),
        "username" | "password" => (
            "is refused: Kubernetes has no passwords any more",
            STATIC_CREDENTIAL,
        ),
        "as" | "as-uid" | "as-groups" | "as-user-extra" => (
            "is refused: impersonation is not used",
            "give a credential that has the rights itself",
        ),
        "extensions" => (
            "is refused: extensions are not read",
            "remove it; it is not needed",
        ),
        _ => {
            let names: Vec<&str> = known.iter().map(|member| member.name).collect();
            return Violation::hidden(format!("is not known; only {} are read", names.join(", ")))
                .hint("remove it");
        }
    };
    Violation::hidden(rule).hint(hint)
}
