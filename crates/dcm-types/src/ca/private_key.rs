//! A private key on its way to the one place that it is made for.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// A private key in PEM. It is wiped when it is dropped, shows nothing when it is printed, and is not
/// serialisable.
#[derive(Clone)]
pub struct PrivateKeyPem(SecretString);

impl PrivateKeyPem {
    /// Takes the text of a key.
    pub fn new(pem: SecretString) -> Self {
        Self(pem)
    }

    /// The text, for the Secret, the wire or the seal that it goes into.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The text in its wrapping.
    pub fn secret(&self) -> &SecretString {
        &self.0
    }
}

impl fmt::Debug for PrivateKeyPem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PrivateKeyPem(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_key_is_printed() {
        let key = PrivateKeyPem::new(SecretString::from("canary"));
        assert!(!format!("{key:?}").contains("canary"));
        assert_eq!(key.expose(), "canary");
    }
}
