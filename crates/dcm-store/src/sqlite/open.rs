//! Opening the file: who may have it, its settings, its schema.
//!
//! Invariant: the settings on which durability rests are read back; a store that does not have them
//! is not opened.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault;
use crate::private_file::{self, Exposure};
use crate::store::Error;

/// The version of the tables that this program writes.
pub const SCHEMA_VERSION: u32 = 1;

/// Marks the file as ours (`DCMs`), so that no other program's database is taken for a store.
const APPLICATION_ID: i32 = 0x4443_4d73;

/// How long to wait for somebody who looks into the file with another program.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
    CREATE TABLE documents (
        kind    TEXT NOT NULL,
        path    TEXT NOT NULL,
        number  INTEGER NOT NULL,
        touched INTEGER NOT NULL,
        schema  INTEGER NOT NULL,
        -- JSON list of [index, value]; NULL when there are none.
        indexes TEXT,
        body    TEXT NOT NULL,
        -- A table of its own beside the keys: bodies lie together, and a change of one leaves the
        -- keys alone.
        UNIQUE (kind, path)
    ) STRICT;
    CREATE TABLE index_entries (
        kind  TEXT NOT NULL,
        name  TEXT NOT NULL,
        value TEXT NOT NULL,
        path  TEXT NOT NULL,
        PRIMARY KEY (kind, name, value, path)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE leases (
        name       TEXT NOT NULL PRIMARY KEY,
        holder     TEXT NOT NULL,
        token      INTEGER NOT NULL,
        expires_at INTEGER NOT NULL -- microseconds since 1970
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE store (
        one    INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
        number INTEGER NOT NULL, -- the last version number given out
        key_id TEXT              -- of the key that seals the secrets in here
    ) STRICT;
    INSERT INTO store (one, number) VALUES (1, 0);
";

/// Why a file is not opened as a store.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Another process has it.
    #[error("store '{}' is in use by another process: stop that one first", .path.display())]
    InUse {
        /// The store's file.
        path: PathBuf,
    },
    /// Others may read or write it.
    #[error("store '{}' is open to other users (mode {mode:04o}): run `chmod 600 '{}'`", .path.display(), .path.display())]
    Exposed {
        /// The store's file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("store '{}' belongs to user id {owner}, not to the user who runs this program", .path.display())]
    Owner {
        /// The store's file.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// It lies on a file system where the promise of durability cannot be kept.
    #[error("store '{}' lies on a network file system: move it to a local disk", .path.display())]
    NetworkFileSystem {
        /// The store's file.
        path: PathBuf,
    },
    /// It is a database of another program.
    #[error("'{}' is not a store of this program", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a newer program.
    #[error("store '{}' has schema version {found}, this program knows versions up to {SCHEMA_VERSION}: run the newer program", .path.display())]
    Newer {
        /// The store's file.
        path: PathBuf,
        /// Its schema version.
        found: u32,
    },
    /// A setting did not take.
    #[error("setting {name} of the store is '{found}', it must be '{wanted}'")]
    Setting {
        /// Which one.
        name: &'static str,
        /// What it must be.
        wanted: String,
        /// What it is.
        found: String,
    },
    /// The check after an unclean stop found damage.
    #[error("store '{}' is damaged ({report}): restore a backup", .path.display())]
    Damaged {
        /// The store's file.
        path: PathBuf,
        /// The first finding of the check.
        report: String,
    },
    /// Its secrets are sealed with another key than the one given.
    #[error(
        "the secrets in this store are sealed with key {bound}, not with key {given}: start with the key file that holds {bound}"
    )]
    OtherKey {
        /// The key that it is bound to.
        bound: String,
        /// The key given.
        given: String,
    },
}

impl Refusal {
    pub(super) fn while_doing(self, doing: &'static str) -> Error {
        Error::Backend {
            doing,
            source: Box::new(self),
        }
    }
}

const DOING: &str = "open its file";

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        refusal.while_doing(DOING)
    }
}

/// An open store.
pub(super) struct Opened {
    /// The connection that writes.
    pub(super) connection: Connection,
    /// Held as long as the store is open.
    pub(super) lock: Lock,
}

/// The lock that keeps a second process out; it ends with the process, however that ends.
pub(super) struct Lock(File);

impl Drop for Lock {
    /// Lets go of it in so many words: a process that another thread is just starting has a copy of
    /// the open file for a moment, so closing ours would not end the lock yet.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(error = &error as &dyn std::error::Error, "unlock the store");
        }
    }
}

pub(super) fn open(path: &Path) -> Result<Opened, Error> {
    private_file::create_directory_of(path).map_err(unreachable_file)?;
    let lock = lock(path)?;
    create_or_check(path)?;
    // A write-ahead log that was left behind means that the last process did not close the store.
    let unclean = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Before anything else: a file of a newer program, or of another one, must stay as it is.
    refuse_foreign(&connection, path)?;
    settings(&connection)?;
    if unclean {
        check_integrity(&connection, path)?;
    }
    create_schema(&mut connection).map_err(|source| fault("create its tables", source))?;
    Ok(Opened { connection, lock })
}

/// A connection with the settings that readers and the writer share.
pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, Error> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(32);
        // Without it, each new value of a LIMIT makes SQLite plan the whole statement again.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(connection)
    };
    open().map_err(|source| fault(DOING, source))
}

fn lock(path: &Path) -> Result<Lock, Error> {
    let lock_path = beside(path, ".lock");
    let file = match private_file::create(&lock_path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            File::options().write(true).open(&lock_path)
        }
        created => created,
    }
    .map_err(unreachable_file)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(Refusal::InUse {
            path: path.to_owned(),
        }
        .into()),
        Err(TryLockError::Error(error)) => Err(unreachable_file(error)),
    }
}

fn create_or_check(path: &Path) -> Result<(), Error> {
    match private_file::create(path) {
        Ok(_created) => private_file::sync_directory_of(path).map_err(unreachable_file)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(unreachable_file(error)),
    }
    let metadata = fs::metadata(path).map_err(unreachable_file)?;
    let path = path.to_owned();
    match private_file::exposure(&metadata) {
        Some(Exposure::Mode(mode)) => return Err(Refusal::Exposed { path, mode }.into()),
        Some(Exposure::Owner(owner)) => return Err(Refusal::Owner { path, owner }.into()),
        None => {}
    }
    if on_network(&path).map_err(unreachable_file)? {
        return Err(Refusal::NetworkFileSystem { path }.into());
    }
    Ok(())
}

/// Whether a file lies where locks and syncs are another machine's matter.
#[cfg(target_os = "linux")]
fn on_network(path: &Path) -> io::Result<bool> {
    // NFS, SMB, CIFS, SMB2, AFS, Ceph: the magic numbers of statfs(2).
    const NETWORK: [u32; 6] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x5346_414f,
        0x00c3_6400,
    ];
    let found = rustix::fs::statfs(path)?.f_type;
    Ok(NETWORK
        .iter()
        .any(|magic| i128::from(found) & 0xffff_ffff == i128::from(*magic)))
}

/// Other systems have no such number.
#[cfg(not(target_os = "linux"))]
fn on_network(_path: &Path) -> io::Result<bool> {
    Ok(false)
}

fn settings(connection: &Connection) -> Result<(), Error> {
    let set = |name: &'static str, value: &str, wanted: &str| -> Result<(), Error> {
        let doing = "apply its settings";
        let found = connection
            .pragma_update_and_check(None, name, value, |_| Ok(()))
            .or_else(|error| match error {
                // Some settings answer nothing when they are set.
                rusqlite::Error::QueryReturnedNoRows => Ok(()),
                error => Err(error),
            })
            .and_then(|()| pragma(connection, name))
            .map_err(|source| fault(doing, source))?;
        if found == wanted {
            return Ok(());
        }
        Err(Refusal::Setting {
            name,
            wanted: wanted.to_owned(),
            found,
        }
        .into())
    };
    set("journal_mode", "WAL", "wal")?;
    // 2 is FULL: a commit is synced before it is acknowledged.
    set("synchronous", "FULL", "2")?;
    // The writer chooses the moment of checkpoints.
    set("wal_autocheckpoint", "0", "0")?;
    set("journal_size_limit", "67108864", "67108864")?;
    set("cache_size", "-8000", "-8000")
}

/// The value of a setting, as text.
fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<String> {
    connection.pragma_query_value(None, name, |row| {
        Ok(match row.get_ref(0)? {
            rusqlite::types::ValueRef::Integer(number) => number.to_string(),
            value => value.as_str()?.to_owned(),
        })
    })
}

/// Refuses what is no store of ours, and what a newer program wrote. An empty file is fine.
fn refuse_foreign(connection: &Connection, path: &Path) -> Result<(), Error> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let read = || -> rusqlite::Result<(i32, i32, i64)> {
        let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
            row.get::<_, i64>(0)
        })?;
        Ok((number("application_id")?, number("user_version")?, tables))
    };
    let (application, version, tables) =
        read().map_err(|source| fault("read its schema version", source))?;
    if (application, version, tables) == (0, 0, 0) {
        return Ok(());
    }
    let path = path.to_owned();
    match u32::try_from(version) {
        _ if application != APPLICATION_ID => Err(Refusal::Foreign { path }.into()),
        Ok(found) if found > SCHEMA_VERSION => Err(Refusal::Newer { path, found }.into()),
        Ok(SCHEMA_VERSION) => Ok(()),
        _ => Err(Refusal::Foreign { path }.into()),
    }
}

fn check_integrity(connection: &Connection, path: &Path) -> Result<(), Error> {
    tracing::info!(path = %path.display(), "the store was not closed last time, checking it");
    let report: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|source| fault("check its integrity", source))?;
    if report == "ok" {
        return Ok(());
    }
    Err(Refusal::Damaged {
        path: path.to_owned(),
        report,
    }
    .into())
}

/// Makes the tables in an empty file, all or none.
fn create_schema(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    transaction.commit()
}

/// The path of a file that lies beside the store's and whose name goes on with `suffix`.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn unreachable_file(source: io::Error) -> Error {
    Error::Backend {
        doing: DOING,
        source: Box::new(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_in_force_after_opening() {
        let folder = tempfile::tempdir().unwrap();
        let opened = open(&folder.path().join("store.db")).unwrap();
        let found = [
            "journal_mode",
            "synchronous",
            "wal_autocheckpoint",
            "busy_timeout",
        ]
        .map(|name| pragma(&opened.connection, name).unwrap());
        assert_eq!(found, ["wal", "2", "0", "5000"]);
    }

    #[test]
    fn store_that_cannot_have_its_settings_is_refused() {
        // A database in memory knows no write-ahead log.
        let connection = Connection::open_in_memory().unwrap();
        let error = settings(&connection).unwrap_err();
        insta::assert_snapshot!(
            dcm_types::chain(&error),
            @"store failed to open its file: setting journal_mode of the store is 'memory', it must be 'wal'"
        );
    }
}
