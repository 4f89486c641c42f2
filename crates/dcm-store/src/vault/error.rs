//! Why the vault refuses: each says what to do, and none shows a key or a secret.

use std::io;
use std::path::PathBuf;

use dcm_types::Key;

/// Why a vault cannot be opened, or a secret cannot be sealed or unsealed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no key file.
    #[error("key file '{}' is missing: without it the secrets in the store cannot be opened; restore it from its backup", .path.display())]
    KeyFileMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The key file does not hold the key that the store's secrets were sealed with.
    #[error("key file '{}' does not hold key {bound}, with which the secrets in the store are sealed: restore the right key file", .path.display())]
    WrongKeyFile {
        /// Where it is.
        path: PathBuf,
        /// The key that is needed.
        bound: String,
    },
    /// Others have rights on the key file.
    #[error("key file '{}' is open to other users (mode {mode:04o}): run `chmod 600 '{}'`, and consider its key as known to them", .path.display(), .path.display())]
    KeyFileExposed {
        /// Where it is.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The key file belongs to somebody else.
    #[error("key file '{}' belongs to user id {owner}, not to the user who runs this program: run `chown` on it", .path.display())]
    KeyFileOwner {
        /// Where it is.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// The key file cannot be understood.
    #[error("line {line} of key file '{}' {fault}: restore it from its backup", .path.display())]
    KeyFileMalformed {
        /// Where it is.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// Reading the key file.
    #[error("read key file '{}'", .path.display())]
    ReadKeyFile {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Making the key file.
    #[error("create key file '{}'", .path.display())]
    CreateKeyFile {
        /// Where it should be.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Making random bytes, or encrypting.
    #[error("seal a secret")]
    Seal,
    /// A stored text is no sealed secret.
    #[error("stored text is not a sealed secret, or is damaged")]
    Malformed,
    /// The secret was sealed with a key that the key file does not hold.
    #[error(
        "secret is sealed with key {id}, which the key file does not hold: restore the right key file"
    )]
    UnknownKey {
        /// The key that is needed.
        id: String,
    },
    /// The secret was sealed for another purpose.
    #[error("secret is not sealed as a {wanted}")]
    WrongPurpose {
        /// What was asked for.
        wanted: &'static str,
    },
    /// The secret was changed, or it was copied here from another place.
    #[error(
        "secret in field '{field}' of {document} was tampered with, or moved there from another place"
    )]
    TamperedOrMoved {
        /// Where it was found.
        document: Key,
        /// The field.
        field: &'static str,
    },
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Seal => true,
            Self::KeyFileMissing { .. }
            | Self::WrongKeyFile { .. }
            | Self::KeyFileExposed { .. }
            | Self::KeyFileOwner { .. }
            | Self::KeyFileMalformed { .. }
            | Self::ReadKeyFile { .. }
            | Self::CreateKeyFile { .. }
            | Self::Malformed
            | Self::UnknownKey { .. }
            | Self::WrongPurpose { .. }
            | Self::TamperedOrMoved { .. } => false,
        }
    }

    /// Stable label for metrics and condition reasons.
    pub fn category(&self) -> &'static str {
        match self {
            Self::KeyFileMissing { .. }
            | Self::WrongKeyFile { .. }
            | Self::KeyFileExposed { .. }
            | Self::KeyFileOwner { .. }
            | Self::KeyFileMalformed { .. }
            | Self::ReadKeyFile { .. }
            | Self::CreateKeyFile { .. } => "key-file",
            Self::Seal => "seal",
            Self::Malformed => "sealed-malformed",
            Self::UnknownKey { .. } => "sealed-key-unknown",
            Self::WrongPurpose { .. } => "sealed-purpose",
            Self::TamperedOrMoved { .. } => "sealed-tampered",
        }
    }
}
