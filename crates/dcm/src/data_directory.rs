//! The data directory: the store's file, and the file with the key that seals the secrets in it.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use dcm_store::{SqliteStore, Vault};
use dcm_types::ports::Clock;
use serde::{Deserialize, Serialize};

/// `[store]` of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Directory of the store (`dcm.sqlite`) and of the file with the key that seals secrets
    /// (`key`; keep a copy elsewhere, because without it the secrets cannot be opened). It is made
    /// readable by its owner only when it is not there. Relative to where the server is started.
    /// Default "dcm-data".
    pub data_dir: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("dcm-data"),
        }
    }
}

/// File of the store.
const STORE: &str = "dcm.sqlite";
/// File of the key.
const KEY: &str = "key";

/// Opens the store and the vault, and makes them when they are not there.
pub async fn open(
    config: &Config,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<(Arc<SqliteStore>, Arc<Vault>)> {
    let directory = config.data_dir.clone();
    let store = blocking(move || {
        create(&directory)?;
        let path = directory.join(STORE);
        SqliteStore::open(&path, clock).with_context(|| format!("open store '{}'", path.display()))
    })
    .await?;
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
    Ok((Arc::new(store), Arc::new(vault)))
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
