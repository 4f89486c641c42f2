//! The associated data of a sealed secret: an unambiguous encoding of where it belongs.

use dcm_types::sealed::Purpose;

use super::Place;

/// The two encryptions of an envelope; they must not stand in for each other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Layer {
    /// The data key, by the key-encryption key.
    Key,
    /// The secret, by the data key.
    Data,
}

/// Every part is preceded by its length, so that no two places have the same encoding.
pub(super) fn of(layer: Layer, purpose: Purpose, place: &Place<'_>, key_id: &str) -> Vec<u8> {
    let domain = match layer {
        Layer::Key => "dcm sealed key 1",
        Layer::Data => "dcm sealed data 1",
    };
    let parts: [&[u8]; 8] = [
        domain.as_bytes(),
        place.key.kind().as_str().as_bytes(),
        place.key.path().as_bytes(),
        place.uid.as_bytes(),
        place.field.as_bytes(),
        &place.epoch.to_be_bytes(),
        purpose.as_str().as_bytes(),
        key_id.as_bytes(),
    ];
    let mut encoded = Vec::with_capacity(256);
    for part in parts {
        encoded.extend_from_slice(&(part.len() as u64).to_be_bytes());
        encoded.extend_from_slice(part);
    }
    encoded
}

#[cfg(test)]
mod tests {
    use dcm_types::{DocumentKind, Key, Uid};

    use super::*;

    #[test]
    fn parts_cannot_flow_into_each_other() {
        let uid = Uid::from_random([7; 16]);
        let encode = |path: &str, field| {
            let key = Key::from_stored(DocumentKind::Access, path.to_owned());
            let place = Place {
                key: &key,
                uid,
                field,
                epoch: 1,
            };
            of(Layer::Data, Purpose::UserKey, &place, "id")
        };
        assert_ne!(encode("a/b", "c"), encode("a/", "bc"));
        assert_eq!(encode("a/b", "c"), encode("a/b", "c"));
    }
}
