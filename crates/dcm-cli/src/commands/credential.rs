//! `dcm credential`: what a kubeconfig names instead of a credential. It gives the present one, so that the
//! kubeconfig never has to be fetched again.
//!
//! A file keeps it for a while, readable by its owner only: short, because what was revoked must not be
//! shown for long; longer while the server is away, because what was issued is still good.

use std::fs::{self, DirBuilder};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;

use clap::Args;
use dcm_types::Timestamp;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client_key::{ClientKeyArguments, into_credential};
use super::kubeconfig::reference_name;
use crate::arguments::{ClusterPath, ProjectArguments, cluster_path, segment};
use crate::client::decode;
use crate::error::Error;
use crate::file;
use crate::run::Context;

/// How long a kept credential is shown without asking.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
/// How long before its end it is not shown any more.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// Arguments of `dcm credential`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The logical cloud
    #[arg(value_parser = segment)]
    name: String,

    #[command(flatten)]
    project: ProjectArguments,

    /// The member
    #[arg(long, value_name = "PROVIDER/NAME", value_parser = cluster_path)]
    cluster: ClusterPath,

    /// Whose; without it, the first user's
    #[arg(long, value_name = "USER", value_parser = segment)]
    user: Option<String>,

    #[command(flatten)]
    client_key: ClientKeyArguments,

    /// Folder that keeps credentials for a while; without one, none are kept
    #[arg(long, value_name = "FOLDER", env = "DCM_CREDENTIAL_CACHE")]
    cache: Option<PathBuf>,
}

/// A credential in its file.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// What it is for; another one in the same file is none.
    of: String,
    asked_at: Timestamp,
    credential: Value,
}

impl Kept {
    fn until(&self) -> Option<Timestamp> {
        let text = self.credential["status"]["expirationTimestamp"].as_str()?;
        text.parse().ok()
    }

    fn is_valid(&self, now: Timestamp) -> bool {
        self.until()
            .is_some_and(|until| until.duration_since(now) > MARGIN)
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.asked_at);
        !age.is_negative() && age < FRESH && self.is_valid(now)
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let of = format!("{:?}", (context.client.server(), key_of(&arguments)));
    let path = arguments.cache.as_ref().map(|folder| {
        let mut hasher = DefaultHasher::new();
        of.hash(&mut hasher);
        folder.join(format!("{:016x}.json", hasher.finish()))
    });
    let now = Timestamp::now();
    let kept = path.as_ref().and_then(|path| read(path, &of));
    if let Some(kept) = kept.as_ref().filter(|kept| kept.is_fresh(now)) {
        return show(context, &arguments, kept.credential.clone());
    }
    let asked = match ask(&arguments, context).await {
        Ok(asked) => asked,
        Err(error) => {
            let away = matches!(error, Error::Connect { .. } | Error::NoAnswer { .. });
            return match kept.filter(|kept| away && kept.is_valid(now)) {
                Some(kept) => show(context, &arguments, kept.credential),
                None => Err(error),
            };
        }
    };
    let kept = Kept {
        of,
        asked_at: now,
        credential: asked,
    };
    if let Some(path) = &path
        && let Err(error) = write(path, &kept)
    {
        // It works without; standard output is for the credential alone.
        context.terminal.warn(&error.to_string());
    }
    show(context, &arguments, kept.credential)
}

/// A key that its holder keeps joins here only, and so is in no file of ours.
fn show(context: &Context<'_>, arguments: &Arguments, credential: Value) -> Result<(), Error> {
    let mut credential = credential;
    into_credential(&mut credential, arguments.client_key.path())?;
    context.terminal.data(&format!("{credential}\n"))
}

/// What tells one credential from another.
fn key_of(arguments: &Arguments) -> (&str, &str, String, Option<&str>) {
    (
        &arguments.project.project,
        &arguments.name,
        arguments.cluster.to_string(),
        arguments.user.as_deref(),
    )
}

async fn ask(arguments: &Arguments, context: &Context<'_>) -> Result<Value, Error> {
    let cloud = super::logical_cloud::path(&arguments.project.project, &arguments.name);
    let references = cloud.join("cluster-references");
    let name = reference_name(context, &references, &arguments.name, &arguments.cluster).await?;
    let path = references.join(&name).join("credential");
    let query = arguments.user.clone().map(|user| ("user", user));
    let text = context
        .client
        .get_text(&path, query.into_iter().collect())
        .await?;
    let what = "credential";
    let value = serde_json::from_str(&text).map_err(|source| Error::Decode { what, source })?;
    decode(value, what)
}

/// What is kept; anything that is not as it was written is nothing.
fn read(path: &std::path::Path, of: &str) -> Option<Kept> {
    let text = fs::read_to_string(path).ok()?;
    let kept: Kept = serde_json::from_str(&text).ok()?;
    (kept.of == of).then_some(kept)
}

fn write(path: &std::path::Path, kept: &Kept) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|source| Error::WriteFile {
            path: folder.to_owned(),
            source,
        })?;
    }
    let text = serde_json::to_string(kept).map_err(Error::Encode)?;
    file::write_secret(path, &text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kept(asked_at: &str, until: &Value) -> Kept {
        Kept {
            of: "x".to_owned(),
            asked_at: asked_at.parse().unwrap(),
            credential: json!({ "status": { "expirationTimestamp": until } }),
        }
    }

    #[test]
    fn a_kept_credential_is_shown_for_a_while_and_never_near_its_end() {
        let now: Timestamp = "2030-01-01T12:00:00Z".parse().unwrap();
        let late = json!("2030-01-02T00:00:00Z");
        // Asked at, until, fresh, valid.
        let rows = [
            ("2030-01-01T11:56:00Z", late.clone(), true, true),
            ("2030-01-01T11:54:00Z", late.clone(), false, true),
            // A clock that went back.
            ("2030-01-01T12:01:00Z", late, false, true),
            (
                "2030-01-01T11:59:00Z",
                json!("2030-01-01T12:01:00Z"),
                false,
                false,
            ),
            (
                "2030-01-01T11:59:00Z",
                json!("2030-01-01T12:01:01Z"),
                true,
                true,
            ),
            ("2030-01-01T11:59:00Z", json!("soon"), false, false),
            ("2030-01-01T11:59:00Z", Value::Null, false, false),
        ];
        for (asked_at, until, fresh, valid) in rows {
            let kept = kept(asked_at, &until);
            assert_eq!(
                (kept.is_fresh(now), kept.is_valid(now)),
                (fresh, valid),
                "{asked_at} {until}"
            );
        }
    }

    #[test]
    fn the_file_is_for_its_owner_and_for_one_credential() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/c.json");
        write(&path, &kept("2030-01-01T12:00:00Z", &Value::Null)).unwrap();
        assert!(read(&path, "x").is_some());
        assert!(read(&path, "y").is_none());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode =
                |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(&folder.path().join("a/b")), 0o700);
        }
        fs::write(&path, "{").unwrap();
        assert!(read(&path, "x").is_none());
    }
}
