//! Where documents and keys are kept: the settings, and how store and vault are opened.
//!
//! The data directory has the file with the key that seals secrets, and, unless they are in MongoDB, the documents.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use dcm_store::{MongoOptions, MongoStore, SqliteStore, Store, Vault};
use dcm_types::ports::Clock;
use dcm_types::{Fault, Violation};
use serde::{Deserialize, Serialize};

/// `[store]` of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What keeps the documents: "sqlite", one file in the data directory, for one process; or "mongodb",
    /// a collection of a replica set. Default "sqlite".
    pub backend: Backend,
    /// Directory of the store (`dcm.sqlite`) and of the file with the key that seals secrets
    /// (`key`; keep a copy elsewhere, because without it the secrets cannot be opened). It is made
    /// readable by its owner only when it is not there. Relative to where the server is started.
    /// Default "dcm-data".
    pub data_dir: PathBuf,
    /// Connection string of MongoDB, such as `mongodb://db1,db2,db3/?replicaSet=rs0&tls=true`. One with a
    /// password stands in `uri_file` instead. Default: none.
    pub uri: String,
    /// File with the connection string of MongoDB, which nobody but its owner can read. Default: none.
    pub uri_file: PathBuf,
    /// Database of MongoDB. Default "dcm".
    pub database: String,
    /// Collection of MongoDB. Default "dcm".
    pub collection: String,
    /// A MongoDB server that is in no replica set is taken, if it can do transactions. What it acknowledged
    /// is lost with it. Default false.
    pub allow_standalone: bool,
}

/// What keeps the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// One file.
    #[default]
    Sqlite,
    /// A collection of a replica set.
    Mongodb,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            backend: Backend::Sqlite,
            data_dir: PathBuf::from("dcm-data"),
            uri: String::new(),
            uri_file: PathBuf::new(),
            database: "dcm".to_owned(),
            collection: "dcm".to_owned(),
            allow_standalone: false,
        }
    }
}

impl Config {
    /// Values that do not go together.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let named = [!self.uri.is_empty(), !self.uri_file.as_os_str().is_empty()];
        let named = named.into_iter().filter(|named| *named).count();
        let mut faults = Vec::new();
        if has_password(&self.uri) {
            let rule = "must hold no password; write the connection string into a file and name that in 'store.uri_file'";
            faults.push(Violation::hidden(rule).at("store.uri"));
        }
        if self.backend == Backend::Mongodb && named != 1 {
            let rule = "or 'store.uri_file' must be set, and not both, for backend \"mongodb\"";
            faults.push(Violation::hidden(rule).at("store.uri"));
        }
        if self.backend == Backend::Sqlite && named > 0 {
            let rule = "must be \"mongodb\" when a connection string is named";
            faults.push(Violation::new(rule, "sqlite").at("store.backend"));
        }
        faults
    }

    /// Where the documents are, for people; without user and password.
    pub(crate) fn place(&self) -> String {
        match self.backend {
            Backend::Sqlite => self.data_dir.display().to_string(),
            Backend::Mongodb => format!(
                "MongoDB collection {}.{}, key in {}",
                self.database,
                self.collection,
                self.data_dir.display()
            ),
        }
    }

    fn mongo_options(&self) -> anyhow::Result<MongoOptions> {
        let uri = if self.uri.is_empty() {
            read_private(&self.uri_file)?
        } else {
            self.uri.clone()
        };
        Ok(MongoOptions {
            database: self.database.clone(),
            collection: self.collection.clone(),
            allow_standalone: self.allow_standalone,
            ..MongoOptions::new(uri.trim().to_owned().into())
        })
    }
}

/// Whether a connection string holds one: what stands before the last `@` has a colon.
fn has_password(uri: &str) -> bool {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .is_some_and(|(user, _)| user.contains(':'))
}

fn read_private(path: &Path) -> anyhow::Result<String> {
    let read = || -> anyhow::Result<String> {
        let mode = std::fs::metadata(path)?.mode();
        ensure!(
            mode.trailing_zeros() >= 6,
            "others than its owner have rights on it; chmod 600 it"
        );
        Ok(std::fs::read_to_string(path)?)
    };
    read().with_context(|| format!("read the connection string in '{}'", path.display()))
}

/// File of the store.
const STORE: &str = "dcm.sqlite";
/// File of the key.
const KEY: &str = "key";

/// A store of either backend.
#[derive(Clone)]
pub(crate) enum Opened {
    Sqlite(Arc<SqliteStore>),
    Mongodb(Arc<MongoStore>),
}

impl Opened {
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::clone(store) as _,
            Self::Mongodb(store) => Arc::clone(store) as _,
        }
    }

    async fn key_id(&self) -> Result<Option<String>, dcm_store::Error> {
        match self {
            Self::Sqlite(store) => store.key_id().await,
            Self::Mongodb(store) => store.key_id().await,
        }
    }

    async fn bind_key_id(&self, id: &str) -> Result<(), dcm_store::Error> {
        match self {
            Self::Sqlite(store) => store.bind_key_id(id).await,
            Self::Mongodb(store) => store.bind_key_id(id).await,
        }
    }
}

/// Opens the store, and makes it when it is not there.
pub(crate) async fn open_store(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Opened> {
    let directory = config.data_dir.clone();
    match config.backend {
        Backend::Sqlite => {
            let store = blocking(move || {
                create(&directory)?;
                let path = directory.join(STORE);
                let opened = SqliteStore::open(&path, clock);
                opened.with_context(|| format!("open store '{}'", path.display()))
            });
            Ok(Opened::Sqlite(Arc::new(store.await?)))
        }
        Backend::Mongodb => {
            blocking(move || create(&directory)).await?;
            let options = config.mongo_options()?;
            let store = MongoStore::open(&options).await;
            let place = || format!("open collection {}.{}", config.database, config.collection);
            Ok(Opened::Mongodb(Arc::new(store.with_context(place)?)))
        }
    }
}

/// Opens the vault of a store, and makes its key when neither has one.
pub(crate) async fn open_vault(config: &Config, store: &Opened) -> anyhow::Result<Arc<Vault>> {
    let bound = store.key_id().await.context("ask the store for its key")?;
    let path = config.data_dir.join(KEY);
    let vault = blocking(move || {
        Vault::open_for(&path, bound.as_deref()).context("open the key that seals secrets")
    })
    .await?;
    store
        .bind_key_id(vault.key_id())
        .await
        .context("bind the store to its key")?;
    Ok(Arc::new(vault))
}

fn create(directory: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .with_context(|| format!("make data directory '{}'", directory.display()))
}

/// Runs work that waits for the disk away from the threads of the runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .context("work on the data directory")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_found_wherever_a_connection_string_can_have_one() {
        for (uri, found) in [
            ("mongodb://db:27017/?replicaSet=rs0", false),
            ("mongodb://user@db:27017,db2:27017", false),
            ("mongodb://[::1]:27017/a@b:c", false),
            ("mongodb://user:pass@db", true),
            ("mongodb://user:p@ss@db/?tls=true", true),
            ("user:pass@db", true),
        ] {
            assert_eq!(has_password(uri), found, "{uri}");
        }
    }

    #[test]
    fn settings_that_do_not_go_together_are_named_without_what_is_secret() {
        let with = |backend, uri: &str, uri_file: &str| Config {
            backend,
            uri: uri.to_owned(),
            uri_file: uri_file.into(),
            ..Config::default()
        };
        let plain = "mongodb://127.0.0.1";
        for (config, faulty) in [
            (Config::default(), &[][..]),
            (with(Backend::Mongodb, plain, ""), &[]),
            (with(Backend::Mongodb, "", "uri"), &[]),
            (with(Backend::Mongodb, "", ""), &["store.uri"]),
            (with(Backend::Mongodb, plain, "uri"), &["store.uri"]),
            (with(Backend::Sqlite, plain, ""), &["store.backend"]),
            (
                with(Backend::Mongodb, "mongodb://u:hidden@h", ""),
                &["store.uri"],
            ),
        ] {
            let faults = config.faults();
            let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
            assert_eq!(fields, faulty, "{config:?}");
            assert!(!format!("{faults:?}").contains("hidden"));
        }
    }

    #[test]
    fn a_connection_string_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("uri");
        std::fs::write(&path, "mongodb://u:hidden@h\n").unwrap();
        let set = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode));
        set(0o640).unwrap();
        let refused = format!("{:#}", read_private(&path).unwrap_err());
        assert!(
            refused.contains("chmod 600") && !refused.contains("hidden"),
            "{refused}"
        );
        set(0o600).unwrap();
        assert_eq!(read_private(&path).unwrap(), "mongodb://u:hidden@h\n");
    }
}
