//! Keys: made, sealed, opened. Fast ones are made at once; slow ones (RSA) on threads apart, few at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dcm_pki::authority::AuthorityKey;
use dcm_store::Place;
use dcm_types::sealed::Purpose;
use dcm_types::{Key, KeyAlgorithm, Sealed, Uid};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::{Controller, Error};

/// The field of a document with the key of a certificate.
pub(crate) const KEY: &str = "key";
/// The field with the key of a request that is not answered.
pub(crate) const REQUEST_KEY: &str = "request-key";

/// Makes slow keys.
pub(crate) struct KeyPool {
    running: Arc<Semaphore>,
    asked: AtomicUsize,
    most: usize,
}

impl KeyPool {
    pub(crate) fn new(running: usize, waiting: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(running.max(1))),
            asked: AtomicUsize::new(0),
            most: running.max(1) + waiting,
        }
    }

    /// Makes a key. `Busy`: too many wait already.
    pub(crate) async fn make(&self, algorithm: KeyAlgorithm) -> Result<AuthorityKey, Error> {
        if !algorithm.is_slow() {
            return Ok(AuthorityKey::generate(algorithm)?);
        }
        let _place = Waiting::begin(self)?;
        let running = self.running.clone().acquire_owned().await;
        let running = running.map_err(|_| Error::Busy)?;
        // A caller may go away; the thread ends its key and counts as running until then.
        let made = tokio::task::spawn_blocking(move || {
            let made = AuthorityKey::generate(algorithm);
            drop(running);
            made
        });
        Ok(made.await.map_err(Error::Ended)??)
    }
}

/// A place in the queue; given free when it is dropped.
struct Waiting<'a>(&'a KeyPool);

impl<'a> Waiting<'a> {
    fn begin(pool: &'a KeyPool) -> Result<Self, Error> {
        let place = Self(pool);
        if pool.asked.fetch_add(1, Ordering::Relaxed) >= pool.most {
            return Err(Error::Busy);
        }
        Ok(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.asked.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where a sealed key stands.
#[derive(Clone, Copy)]
pub(crate) struct KeyPlace<'a> {
    pub(crate) document: &'a Key,
    pub(crate) uid: Uid,
    pub(crate) field: &'static str,
    pub(crate) epoch: u64,
}

impl<'a> KeyPlace<'a> {
    fn place(self) -> Place<'a> {
        Place {
            key: self.document,
            uid: self.uid,
            field: self.field,
            epoch: self.epoch,
        }
    }
}

impl Controller {
    pub(crate) fn seal(&self, place: KeyPlace<'_>, key: &AuthorityKey) -> Result<Sealed, Error> {
        let pem = key.to_pem();
        let plain = pem.expose_secret().as_bytes();
        Ok(self
            .vault()
            .seal(Purpose::AuthorityKey, &place.place(), plain)?)
    }

    pub(crate) fn open(&self, place: KeyPlace<'_>, sealed: &Sealed) -> Result<SecretString, Error> {
        let plain = self
            .vault()
            .unseal(Purpose::AuthorityKey, &place.place(), sealed)?;
        let text = Zeroizing::new(plain.expose_secret().to_vec());
        std::str::from_utf8(&text)
            .map(SecretString::from)
            .map_err(|_| Error::Stored {
                what: "key",
                rule: "must be text".to_owned(),
            })
    }

    pub(crate) fn open_key(
        &self,
        place: KeyPlace<'_>,
        sealed: &Sealed,
    ) -> Result<AuthorityKey, Error> {
        Ok(AuthorityKey::from_pem(&self.open(place, sealed)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn more_slow_keys_than_may_wait_are_refused() {
        let pool = KeyPool::new(1, 0);
        let held = pool.running.acquire().await.unwrap();
        let place = Waiting::begin(&pool).unwrap();
        let refused = pool.make(KeyAlgorithm::Rsa3072).await;
        assert!(matches!(refused, Err(Error::Busy)));
        drop((place, held));
        assert!(pool.make(KeyAlgorithm::EcdsaP256).await.is_ok());
        assert!(Waiting::begin(&pool).is_ok());
    }
}
