//! From outcomes of objects to conditions of tracks: pure.

use dcm_types::documents::{ObjectState, ObjectStatus, RevisionUser};
use dcm_types::{Condition, ConditionStatus, Timestamp, Track};

use crate::credentials::{Credential, CredentialState};
use crate::error::Error;
use crate::mesh::wish::Note;
use crate::run::Outcome;

/// The conditions of a member after a run that reached it.
pub(crate) fn of_run(
    outcomes: &[Outcome],
    credentials: &[Credential],
    earlier: &[Condition],
    now: Timestamp,
) -> Vec<Condition> {
    Track::USUAL
        .into_iter()
        .map(|track| {
            let condition = match track {
                Track::Access => access(outcomes, credentials, now),
                _ => of_track(track, outcomes, now),
            };
            condition.merged(earlier)
        })
        .collect()
}

/// The condition of a mesh: what its objects say, and else what is said of it as a whole.
pub(crate) fn of_mesh(outcomes: &[Outcome], note: Option<&Note>, now: Timestamp) -> Condition {
    let told = of_track(Track::Mesh, outcomes, now);
    let Some(note) = note.filter(|_| told.status == ConditionStatus::True) else {
        return told;
    };
    let mut noted = condition(Track::Mesh, note.status, &note.reason, &note.message, now);
    let usual = || hint(&note.reason).map(str::to_owned);
    noted.hint = note.hint.clone().or_else(usual);
    noted
}

/// Blocked before progressing, progressing before true; the first object in that state gives the reason.
fn of_track(track: Track, outcomes: &[Outcome], now: Timestamp) -> Condition {
    let of_track = || outcomes.iter().filter(|outcome| outcome.track == track);
    let first = |states: &[ObjectState]| of_track().find(|outcome| states.contains(&outcome.state));
    let unfinished = [
        ObjectState::Progressing,
        ObjectState::Terminating,
        ObjectState::Pending,
    ];
    let (status, outcome) = if let Some(outcome) = first(&[ObjectState::Blocked]) {
        (ConditionStatus::Blocked, Some(outcome))
    } else if let Some(outcome) = first(&unfinished) {
        (ConditionStatus::Progressing, Some(outcome))
    } else {
        (ConditionStatus::True, None)
    };
    let Some(outcome) = outcome else {
        let reason = if of_track().next().is_none() {
            "NothingWanted"
        } else {
            "Ready"
        };
        return condition(track, ConditionStatus::True, reason, "", now);
    };
    let mut blocked = condition(track, status, outcome.reason, &outcome.message, now);
    blocked.hint = hint(outcome.reason).map(str::to_owned);
    blocked
}

fn access(outcomes: &[Outcome], credentials: &[Credential], now: Timestamp) -> Condition {
    for credential in credentials {
        if let CredentialState::Blocked(reason, message) = &credential.state {
            let mut blocked = condition(
                Track::Access,
                ConditionStatus::Blocked,
                reason,
                message,
                now,
            );
            blocked.hint = hint(reason).map(str::to_owned);
            return blocked;
        }
    }
    let objects = of_track(Track::Access, outcomes, now);
    // What the credential waits for is the lesser news while nothing of the track can be written.
    if objects.status == ConditionStatus::Blocked || objects.reason == "WaitsForNamespace" {
        return objects;
    }
    for credential in credentials {
        if let CredentialState::Waiting(reason) = credential.state {
            let message = format!(
                "the credential of user {} is not here yet",
                credential.access.user
            );
            let mut waiting = condition(
                Track::Access,
                ConditionStatus::Progressing,
                reason,
                &message,
                now,
            );
            waiting.hint = hint(reason).map(str::to_owned);
            return waiting;
        }
    }
    if objects.status == ConditionStatus::True && !credentials.is_empty() {
        return in_force(credentials, now);
    }
    objects
}

/// It holds; also while the next credential of somebody does not come, and then it says so.
fn in_force(credentials: &[Credential], now: Timestamp) -> Condition {
    let hindered = credentials
        .iter()
        .find_map(|credential| Some((credential, credential.hindrance.as_ref()?)));
    let Some((credential, (reason, why))) = hindered else {
        return condition(Track::Access, ConditionStatus::True, "Ready", "", now);
    };
    let until = credential.access.current.as_ref();
    let until = until.map_or_else(String::new, |current| {
        format!(" until {}", current.not_after)
    });
    let message = format!(
        "what user {} holds is valid{until}, and the next does not come: {why}",
        credential.access.user
    );
    let mut holds = condition(Track::Access, ConditionStatus::True, reason, &message, now);
    holds.hint = hint(reason).map(str::to_owned);
    holds
}

/// The conditions after a run that an error ended: the member is in question, the rest is as it was.
pub(crate) fn of_error(error: &Error, earlier: &[Condition], now: Timestamp) -> Vec<Condition> {
    let status = if error.blocks() {
        ConditionStatus::Blocked
    } else {
        ConditionStatus::Unknown
    };
    let mut member = condition(
        Track::Member,
        status,
        &camel_case(error.category()),
        &dcm_types::chain(error),
        now,
    );
    member.hint = Some(error.hint().to_owned());
    Track::USUAL
        .into_iter()
        .chain(mesh_of(earlier))
        .map(|track| match track {
            Track::Member => member.clone().merged(earlier),
            _ => earlier
                .iter()
                .find(|condition| condition.track == track)
                .cloned()
                .unwrap_or_else(|| {
                    condition(track, ConditionStatus::Unknown, "NotReached", "", now)
                }),
        })
        .collect()
}

/// The conditions while a member is being cleaned, or is clean.
pub(crate) fn of_removal(
    status: ConditionStatus,
    reason: &str,
    message: &str,
    earlier: &[Condition],
    now: Timestamp,
) -> Vec<Condition> {
    // What is absent has no mesh either.
    let mesh = mesh_of(earlier).filter(|_| status != ConditionStatus::True);
    Track::USUAL
        .into_iter()
        .chain(mesh)
        .map(|track| condition(track, status, reason, message, now).merged(earlier))
        .collect()
}

/// The track of the mesh, where there is one.
fn mesh_of(earlier: &[Condition]) -> Option<Track> {
    let has_mesh = earlier
        .iter()
        .any(|condition| condition.track == Track::Mesh);
    has_mesh.then_some(Track::Mesh)
}

/// The status of each object, those of credentials included.
pub(crate) fn objects(outcomes: &[Outcome], now: Timestamp) -> Vec<ObjectStatus> {
    outcomes
        .iter()
        .map(|outcome| ObjectStatus {
            object: outcome.place.identity(),
            track: outcome.track,
            state: outcome.state,
            reason: outcome.reason.to_owned(),
            message: outcome.message.clone(),
            read_at: outcome.live.is_some().then_some(now),
            drift: outcome.drift.clone(),
        })
        .collect()
}

/// Whether every user has a usable certificate.
pub(crate) fn all_current(users: &[RevisionUser], credentials: &[Credential]) -> bool {
    users.iter().all(|user| {
        credentials.iter().any(|credential| {
            credential.access.user == user.name && credential.state == CredentialState::Current
        })
    })
}

fn condition(
    track: Track,
    status: ConditionStatus,
    reason: &str,
    message: &str,
    now: Timestamp,
) -> Condition {
    Condition {
        track,
        status,
        reason: reason.to_owned(),
        message: message.to_owned(),
        hint: None,
        since: now,
    }
}

fn hint(reason: &str) -> Option<&'static str> {
    match reason {
        "Conflict" => Some(
            "rename or remove the object that is there, or choose another name; nothing of it was changed",
        ),
        "Forbidden" => {
            Some("the registered credential lacks a right; `dcm cluster get` lists what is missing")
        }
        "NamespaceMissing" => Some(
            "namespaces of others are not made: let one be made in the cluster, or change the permission; it goes on by itself",
        ),
        "QuotaExceeded" => Some(
            "a quota that the cluster itself has is used up; raise it there, or remove what uses it",
        ),
        "MissingKind" => {
            Some("the cluster does not serve the kind; it goes on by itself when the cluster does")
        }
        "WebhookDown" => Some(
            "an admission webhook of the cluster does not answer; start it, or remove its configuration there",
        ),
        "Invalid" => Some("the cluster refuses the object; change the document and update"),
        "CertificateRequested" | "WaitsForSigner" | "CredentialExpired" => Some(
            "if it stays, the cluster does not sign client certificates (`dcm cluster get` says so): make the user one of type service-account, and update",
        ),
        "WaitsForSigningRequest" => Some(
            "whoever keeps the key makes one for that subject and gives it: `dcm user request`, or spec.csr of the user",
        ),
        "Drifted" => Some(
            "by its policy (spec.policy.drift) it is told and left: `update` applies the wish again, or `correct` the policy",
        ),
        "Contested" => Some(
            "two managers want different things: make the other one leave these objects alone, change the wish, or tell only (spec.policy.drift report); it goes on by itself",
        ),
        "TokenMismatch" => {
            Some("the cluster returned a token that is not ours; check what issues tokens there")
        }
        "CertificateRefused" => Some(
            "somebody denied the certificate request in the cluster, or its signer failed; another one is made after an hour",
        ),
        "CertificateNotYetValid" | "CertificateExpired" => Some(
            "the clocks of this machine and of the cluster differ by more than ten minutes; set them, and it goes on by itself",
        ),
        "Preparing" | "WaitsForBundle" | "BundleRevoked" => Some(
            "it goes on by itself; if it stays, the CA controller or the renderer of manifests does not work: see their conditions and the log",
        ),
        "AuthorityMissing" => {
            Some("turn the CA controller on (`[ca]` of the configuration), or the mesh off")
        }
        "AuthorityUnreachable" => Some(
            "the CA controller does not answer; it is asked again, and everything else goes on",
        ),
        "ManifestUnusable" | "UnknownKind" => Some(
            "the manifest of the control plane cannot be applied: use another version of the renderer, or correct the template",
        ),
        "ControlPlaneNotRunning" => Some(
            "everything of it is written: look at its pods in the mesh's namespace; it needs a node, its images, and the right to run there",
        ),
        "DefinitionsNotServed" => Some("the cluster takes them in; it goes on by itself"),
        "CertificateMismatch" => {
            Some("the cluster returned a certificate that is not ours; check who can sign there")
        }
        _ => None,
    }
}

/// `refused-address` becomes `RefusedAddress`.
pub(crate) fn camel_case(category: &str) -> String {
    category
        .split('-')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_ascii_uppercase().to_string() + letters.as_str()
            })
        })
        .collect()
}
