//! The vault: envelope encryption of every secret, before a backend sees it.
//!
//! ```text
//!   key_file   the file with the key-encryption keys, private to us
//!   envelope   the text form of a sealed secret
//!   binding    the associated data: what a sealed secret belongs to
//! ```
//!
//! Each secret is encrypted with a random key of its own, and that key with a key-encryption key,
//! both by AES-256-GCM with random nonces. Both are bound to the place where the secret is stored, so
//! that ciphertext which is copied to another document, field, uid or epoch opens nothing.
//!
//! Invariants: there is no plaintext path; plaintext and keys are wiped when they are dropped; no
//! key is ever part of an error, of `Debug` or of a log line.

mod binding;
mod envelope;
mod error;
mod key_file;

use std::fmt;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use dcm_types::sealed::Purpose;
use dcm_types::{Key, Sealed, Uid};
use secrecy::SecretSlice;
use zeroize::{Zeroize, Zeroizing};

use binding::Layer;
use envelope::{Envelope, KEY, NONCE, TAG};
pub use error::Error;
use key_file::KeyEncryptionKey;

/// Where a sealed secret is stored. It opens only there.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The document that holds it.
    pub key: &'a Key,
    /// The uid of that document, or of what it belongs to: a namesake made later has another one.
    pub uid: Uid,
    /// The field of the document.
    pub field: &'static str,
    /// Grows whenever the secret is replaced, so that an older one cannot be put back.
    pub epoch: u64,
}

/// Seals and opens secrets.
pub struct Vault {
    /// The active key first; the others only open what they sealed.
    keys: Vec<KeyEncryptionKey>,
}

impl Vault {
    /// Opens the vault for a store at start. `bound` is what the store says about the key of its
    /// secrets: as long as it names none, the key file is made if it is not there; once it does, a
    /// missing file, and one without that key, is refused.
    pub fn open_for(path: &Path, bound: Option<&str>) -> Result<Self, Error> {
        let Some(bound) = bound else {
            return Self::open_or_create(path);
        };
        let vault = Self::open(path)?;
        if vault.keys.iter().any(|key| key.id() == bound) {
            return Ok(vault);
        }
        Err(Error::WrongKeyFile {
            path: path.to_owned(),
            bound: bound.to_owned(),
        })
    }

    /// Opens a key file, or makes one with a new key when there is none.
    pub fn open_or_create(path: &Path) -> Result<Self, Error> {
        match Self::open(path) {
            Err(Error::KeyFileMissing { .. }) => {
                key_file::create(path)?;
                Self::open(path)
            }
            opened => opened,
        }
    }

    /// Opens a key file; refuses it when somebody else may read or write it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let keys = key_file::read(path)?;
        Ok(Self { keys })
    }

    /// A vault with a new key that is kept nowhere, for tests.
    pub fn ephemeral() -> Self {
        let key = KeyEncryptionKey::random().expect("the system has random bytes");
        Self { keys: vec![key] }
    }

    /// The id of the key that seals: a fingerprint, which says nothing about the key.
    pub fn key_id(&self) -> &str {
        self.active().id()
    }

    /// Encrypts a secret for one place.
    pub fn seal(&self, purpose: Purpose, place: &Place<'_>, plain: &[u8]) -> Result<Sealed, Error> {
        let active = self.active();
        let mut data_key = Zeroizing::new([0; KEY]);
        aws_lc_rs::rand::fill(data_key.as_mut_slice()).map_err(|_| Error::Seal)?;
        let cipher = cipher(data_key.as_slice()).ok_or(Error::Seal)?;

        let seal = |cipher: &RandomizedNonceKey, layer, plain: &[u8]| {
            let binding = binding::of(layer, purpose, place, active.id());
            encrypt(cipher, binding, plain).ok_or(Error::Seal)
        };
        let (key_nonce, wrapped_key) = seal(active.cipher(), Layer::Key, data_key.as_slice())?;
        let (nonce, ciphertext) = seal(&cipher, Layer::Data, plain)?;
        Ok(Envelope {
            key_id: active.id().to_owned(),
            purpose: purpose.as_str().to_owned(),
            key_nonce,
            wrapped_key: wrapped_key.try_into().map_err(|_| Error::Seal)?,
            nonce,
            ciphertext,
        }
        .to_text())
    }

    /// Opens a secret that was sealed for this purpose and this place.
    pub fn unseal(
        &self,
        purpose: Purpose,
        place: &Place<'_>,
        sealed: &Sealed,
    ) -> Result<SecretSlice<u8>, Error> {
        let envelope = Envelope::parse(sealed)?;
        if envelope.purpose != purpose.as_str() {
            return Err(Error::WrongPurpose {
                wanted: purpose.as_str(),
            });
        }
        let key = self
            .keys
            .iter()
            .find(|key| key.id() == envelope.key_id)
            .ok_or(Error::UnknownKey {
                id: envelope.key_id,
            })?;

        let open = |cipher: &RandomizedNonceKey, layer, nonce: [u8; NONCE], sealed: &mut [u8]| {
            let binding = binding::of(layer, purpose, place, key.id());
            let nonce = Nonce::assume_unique_for_key(nonce);
            cipher
                .open_in_place(nonce, Aad::from(binding), sealed)
                .map(|plain| plain.len())
                .map_err(|_| Error::TamperedOrMoved {
                    document: place.key.clone(),
                    field: place.field,
                })
        };
        let mut data_key = Zeroizing::new(envelope.wrapped_key);
        let length = open(
            key.cipher(),
            Layer::Key,
            envelope.key_nonce,
            data_key.as_mut_slice(),
        )?;
        let cipher = cipher(&data_key[..length]).ok_or(Error::Malformed)?;
        let mut plain = Zeroizing::new(envelope.ciphertext);
        let length = open(&cipher, Layer::Data, envelope.nonce, plain.as_mut_slice())?;
        // A copy of the exact size: shrinking the buffer could leave the plaintext in freed memory.
        Ok(SecretSlice::from(Box::<[u8]>::from(&plain[..length])))
    }

    fn active(&self) -> &KeyEncryptionKey {
        self.keys.first().expect("a vault has at least one key")
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = self.keys.iter().map(KeyEncryptionKey::id).collect();
        formatter
            .debug_struct("Vault")
            .field("keys", &ids)
            .finish_non_exhaustive()
    }
}

/// The nonce, and the ciphertext with its tag; `None` when the library fails.
fn encrypt(
    cipher: &RandomizedNonceKey,
    binding: Vec<u8>,
    plain: &[u8],
) -> Option<([u8; NONCE], Vec<u8>)> {
    // Room for the tag, so that the plaintext is never left behind by a reallocation.
    let mut sealed = Vec::with_capacity(plain.len() + TAG);
    sealed.extend_from_slice(plain);
    let nonce = cipher.seal_in_place_append_tag(Aad::from(binding), &mut sealed);
    if nonce.is_err() {
        sealed.zeroize();
    }
    Some((*nonce.ok()?.as_ref(), sealed))
}

/// The cipher of a key; `None` when the key has the wrong length.
fn cipher(key: &[u8]) -> Option<RandomizedNonceKey> {
    RandomizedNonceKey::new(&AES_256_GCM, key).ok()
}
