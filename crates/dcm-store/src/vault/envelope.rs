//! The text form of a sealed secret:
//! `dcm1.<key id>.<purpose>.<base64 of: nonce, sealed data key, nonce, sealed secret>`.
//!
//! The header can be read without a key, so that it is known which key and which role a record
//! needs; it is part of what is authenticated. One envelope has exactly one text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use dcm_types::Sealed;

use super::error::Error;

/// Names the format and its version.
const FORMAT: &str = "dcm1";

/// Length of a key.
pub(super) const KEY: usize = 32;
/// Length of the tag that AES-GCM appends.
pub(super) const TAG: usize = 16;
/// Length of a nonce.
pub(super) const NONCE: usize = 12;

/// The parts of a sealed secret. Nothing in it is secret.
pub(super) struct Envelope {
    pub(super) key_id: String,
    pub(super) purpose: String,
    pub(super) key_nonce: [u8; NONCE],
    pub(super) wrapped_key: [u8; KEY + TAG],
    pub(super) nonce: [u8; NONCE],
    pub(super) ciphertext: Vec<u8>,
}

impl Envelope {
    pub(super) fn to_text(&self) -> Sealed {
        let body = [
            self.key_nonce.as_slice(),
            &self.wrapped_key,
            &self.nonce,
            &self.ciphertext,
        ]
        .concat();
        let mut text = format!("{FORMAT}.{}.{}.", self.key_id, self.purpose);
        STANDARD_NO_PAD.encode_string(body, &mut text);
        Sealed(text)
    }

    pub(super) fn parse(sealed: &Sealed) -> Result<Self, Error> {
        Self::try_parse(&sealed.0).ok_or(Error::Malformed)
    }

    fn try_parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '.');
        if parts.next()? != FORMAT {
            return None;
        }
        let (key_id, purpose) = (parts.next()?, parts.next()?);
        let body = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
        let (key_nonce, rest) = body.split_first_chunk()?;
        let (wrapped_key, rest) = rest.split_first_chunk()?;
        let (nonce, ciphertext) = rest.split_first_chunk()?;
        (ciphertext.len() >= TAG).then(|| Self {
            key_id: key_id.to_owned(),
            purpose: purpose.to_owned(),
            key_nonce: *key_nonce,
            wrapped_key: *wrapped_key,
            nonce: *nonce,
            ciphertext: ciphertext.to_vec(),
        })
    }
}
