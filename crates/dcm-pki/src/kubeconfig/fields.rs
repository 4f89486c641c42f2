//! The members of a kubeconfig: the few that are read, and what to tell about those that are not.

use dcm_types::Violation;

/// Members of the file.
pub(super) const FILE: &[&str] = &[
    "apiVersion",
    "kind",
    "clusters",
    "users",
    "contexts",
    "current-context",
    "preferences",
];
/// Members of `clusters[].cluster`.
pub(super) const CLUSTER: &[&str] = &["server", "certificate-authority-data", "tls-server-name"];
/// Members of `users[].user`.
pub(super) const USER: &[&str] = &["client-certificate-data", "client-key-data", "token"];
/// Members of `contexts[].context`; the namespace is allowed and not used.
pub(super) const CONTEXT: &[&str] = &["cluster", "user", "namespace"];

const STATIC_CREDENTIAL: &str =
    "paste a static credential: create a ServiceAccount token or a client certificate";

/// Why a member that is not read is refused, and what to do instead.
pub(super) fn refusal(member: &str, known: &[&str]) -> Violation {
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
            return Violation::hidden(format!("is not known; only {} are read", known.join(", ")))
                .hint("remove it");
        }
    };
    Violation::hidden(rule).hint(hint)
}
