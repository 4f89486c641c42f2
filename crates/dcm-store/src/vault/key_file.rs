//! The file with the key-encryption keys: one line each, the active one first, private to us.
//!
//! ```text
//!   # comment
//!   dcm-keys 1
//!   5f0c8a1e9b3d7a42 <base64 of 32 random bytes>
//! ```
//!
//! The id is a fingerprint of the key, so that a damaged line is noticed before anything is sealed
//! with it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::RandomizedNonceKey;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::envelope::KEY;
use super::error::Error;
use crate::private_file::{self, Exposure};

const HEADER: &str = "dcm-keys 1";

const INTRODUCTION: &str = "\
# The keys that seal the secrets in this product's store. Without this file they cannot be opened:
# keep a backup of it, apart from the backups of the store. The first key seals, all of them open.
";

/// A key file is smaller than that; anything larger is something else.
const LARGEST: u64 = 64 * 1024;

/// A key that encrypts data keys.
pub(super) struct KeyEncryptionKey {
    id: String,
    cipher: RandomizedNonceKey,
}

impl KeyEncryptionKey {
    /// A new key that is kept nowhere.
    pub(super) fn random() -> Result<Self, Error> {
        let key = random()?;
        Self::new(&key).ok_or(Error::Seal)
    }

    fn new(key: &[u8; KEY]) -> Option<Self> {
        Some(Self {
            id: fingerprint(key),
            cipher: super::cipher(key)?,
        })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn cipher(&self) -> &RandomizedNonceKey {
        &self.cipher
    }
}

fn random() -> Result<Zeroizing<[u8; KEY]>, Error> {
    let mut key = Zeroizing::new([0; KEY]);
    aws_lc_rs::rand::fill(key.as_mut_slice()).map_err(|_| Error::Seal)?;
    Ok(key)
}

/// The first 64 bits of a hash: it tells keys apart, and nothing about them.
fn fingerprint(key: &[u8; KEY]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"dcm key id 1");
    context.update(key);
    let hash = context.finish();
    let first = hash
        .as_ref()
        .first_chunk()
        .expect("a SHA-256 hash has 32 bytes");
    format!("{:016x}", u64::from_be_bytes(*first))
}

/// Makes a key file with one new key. It appears under its name only when it is whole and on the
/// disk; one that somebody else made meanwhile stays.
pub(super) fn create(path: &Path) -> Result<(), Error> {
    let key = random()?;
    let mut text = Zeroizing::new(String::with_capacity(1024));
    text.push_str(INTRODUCTION);
    text.push_str(HEADER);
    text.push('\n');
    text.push_str(&fingerprint(&key));
    text.push(' ');
    STANDARD.encode_string(key.as_slice(), &mut text);
    text.push('\n');

    let unfinished = unfinished(path)?;
    let publish = || -> io::Result<()> {
        private_file::create_directory_of(path)?;
        let mut file = private_file::create(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // Unlike a rename, a link never replaces a file.
        match fs::hard_link(&unfinished, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => private_file::sync_directory_of(path),
        }
    };
    let published = publish();
    // It may not be there when the first step failed; what counts is what `publish` said.
    let _ = fs::remove_file(&unfinished);
    published.map_err(|source| Error::CreateKeyFile {
        path: path.to_owned(),
        source,
    })
}

/// The name under which a key file is written. It is random: a process id is no name, since in a
/// container it is the same at every start, and a file left behind by a crash would stop all others.
fn unfinished(path: &Path) -> Result<PathBuf, Error> {
    let mut random = [0; 8];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| Error::Seal)?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}.new", u64::from_be_bytes(random)));
    Ok(PathBuf::from(name))
}

/// Reads the keys of a key file that is private to us.
pub(super) fn read(path: &Path) -> Result<Vec<KeyEncryptionKey>, Error> {
    let unreadable = |source: io::Error| {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Error::KeyFileMissing { path },
            _ => Error::ReadKeyFile { path, source },
        }
    };
    let file = File::open(path).map_err(unreadable)?;
    // Of the open file, so that nobody can put another one in its place in between.
    let metadata = file.metadata().map_err(unreadable)?;
    match private_file::exposure(&metadata) {
        Some(Exposure::Mode(mode)) => {
            let path = path.to_owned();
            return Err(Error::KeyFileExposed { path, mode });
        }
        Some(Exposure::Owner(owner)) => {
            let path = path.to_owned();
            return Err(Error::KeyFileOwner { path, owner });
        }
        None => {}
    }
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(malformed(path, 1, "is not the start of a key file"));
    }
    // All the room at once: growing would leave copies of the keys behind.
    let mut text = Zeroizing::new(vec![0; usize::try_from(metadata.len()).unwrap_or(0)]);
    (&file).read_exact(&mut text).map_err(unreadable)?;
    parse(path, &text)
}

fn parse(path: &Path, text: &[u8]) -> Result<Vec<KeyEncryptionKey>, Error> {
    let text = std::str::from_utf8(text).map_err(|_| malformed(path, 1, "is not text"))?;
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    match lines.next() {
        Some((_, HEADER)) => {}
        Some((number, _)) => return Err(malformed(path, number, "should be `dcm-keys 1`")),
        None => return Err(malformed(path, 1, "is not the start of a key file")),
    }
    let keys = lines
        .map(|(number, line)| parse_key(line).map_err(|fault| malformed(path, number, fault)))
        .collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        return Err(malformed(
            path,
            text.lines().count(),
            "is the last one, and there was no key",
        ));
    }
    Ok(keys)
}

fn parse_key(line: &str) -> Result<KeyEncryptionKey, &'static str> {
    let (id, encoded) = line
        .split_once(' ')
        .ok_or("is not a key id and a key with a space between")?;
    // The decoder wants room for whole groups of three bytes.
    let mut buffer = Zeroizing::new([0; KEY + 4]);
    let length = STANDARD
        .decode_slice(encoded, buffer.as_mut_slice())
        .map_err(|_| "does not hold a key in base64")?;
    let key: &[u8; KEY] = buffer[..length]
        .try_into()
        .map_err(|_| "holds a key that does not have 32 bytes")?;
    let key = KeyEncryptionKey::new(key).ok_or("holds a key that cannot be used")?;
    if key.id != id {
        return Err("holds a key that does not match its id");
    }
    Ok(key)
}

fn malformed(path: &Path, line: usize, fault: &'static str) -> Error {
    Error::KeyFileMalformed {
        path: path.to_owned(),
        line,
        fault,
    }
}
