//! The vault: what it opens, and what it refuses.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;

use dcm_store::vault::Error;
use dcm_store::{Place, Vault};
use dcm_types::sealed::Purpose;
use dcm_types::{DocumentKind, Key, Sealed, Uid};
use secrecy::ExposeSecret;
use tempfile::TempDir;

const SECRET: &[u8] = b"DCMCANARY-vault private key";

fn key(path: &str) -> Key {
    Key::from_stored(DocumentKind::Access, path.to_owned())
}

fn place(key: &Key) -> Place<'_> {
    Place {
        key,
        uid: Uid::from_random([1; 16]),
        field: "sealed_key",
        epoch: 1,
    }
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/dcm.key");
    (folder, path)
}

fn set_mode(path: &PathBuf, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_sealed_is_opened_at_its_place() {
    let vault = Vault::ephemeral();
    let key = key("p/c");
    for plain in [SECRET, b"", &vec![0; 100_000]] {
        let sealed = vault.seal(Purpose::UserKey, &place(&key), plain).unwrap();
        let opened = vault
            .unseal(Purpose::UserKey, &place(&key), &sealed)
            .unwrap();
        assert_eq!(opened.expose_secret(), plain);
    }
}

#[test]
fn header_names_format_key_and_purpose() {
    let vault = Vault::ephemeral();
    let sealed = vault
        .seal(Purpose::TenantKubeconfig, &place(&key("p/c")), SECRET)
        .unwrap();
    let header: Vec<&str> = sealed.0.split('.').take(3).collect();
    assert_eq!(header, ["dcm1", vault.key_id(), "tenant-kubeconfig"]);
}

#[test]
fn same_plaintext_twice_differs_everywhere_but_in_the_header() {
    let vault = Vault::ephemeral();
    let key = key("p/c");
    let bodies: Vec<String> = (0..2)
        .map(|_| vault.seal(Purpose::UserKey, &place(&key), SECRET).unwrap())
        .map(|sealed| sealed.0.rsplit('.').next().unwrap().to_owned())
        .collect();
    let same = bodies[0]
        .bytes()
        .zip(bodies[1].bytes())
        .filter(|(a, b)| a == b);
    // Of about 140 characters of base64 two or three are equal by chance.
    assert!(same.count() < 20);
}

#[test]
fn every_other_place_is_refused() {
    let vault = Vault::ephemeral();
    let (here, there) = (key("p/c/a"), key("p/c/b"));
    let other_kind = Key::from_stored(DocumentKind::Cluster, "p/c/a".to_owned());
    let sealed = vault.seal(Purpose::UserKey, &place(&here), SECRET).unwrap();
    let uid = Uid::from_random([2; 16]);
    let elsewhere = [
        ("other path", place(&there)),
        ("other kind", place(&other_kind)),
        (
            "other uid",
            Place {
                uid,
                ..place(&here)
            },
        ),
        (
            "other field",
            Place {
                field: "sealed_kubeconfig",
                ..place(&here)
            },
        ),
        (
            "earlier epoch",
            Place {
                epoch: 0,
                ..place(&here)
            },
        ),
        (
            "later epoch",
            Place {
                epoch: 2,
                ..place(&here)
            },
        ),
    ];
    for (what, place) in elsewhere {
        let refused = vault.unseal(Purpose::UserKey, &place, &sealed);
        assert!(
            matches!(refused, Err(Error::TamperedOrMoved { .. })),
            "{what}"
        );
    }
    vault
        .unseal(Purpose::UserKey, &place(&here), &sealed)
        .unwrap();
}

#[test]
fn swapped_records_are_refused_both() {
    let vault = Vault::ephemeral();
    let keys = [key("p/c/a"), key("p/c/b")];
    let sealed = keys
        .each_ref()
        .map(|key| vault.seal(Purpose::UserKey, &place(key), SECRET).unwrap());
    for (key, sealed) in keys.iter().zip(sealed.iter().rev()) {
        let refused = vault
            .unseal(Purpose::UserKey, &place(key), sealed)
            .unwrap_err();
        insta::allow_duplicates! {
            insta::assert_snapshot!(
                refused.to_string().replace(key.path(), "KEY"),
                @"secret in field 'sealed_key' of access/KEY was tampered with, or moved there from another place"
            );
        }
    }
}

#[test]
fn every_changed_byte_is_refused() {
    let vault = Vault::ephemeral();
    let key = key("p/c");
    let sealed = vault.seal(Purpose::UserKey, &place(&key), SECRET).unwrap();
    for position in 0..sealed.0.len() {
        for replacement in [b'A', b'b', b'7', b'.', b'+', b'/', b'=', b' ', b'\n'] {
            let mut bytes = sealed.0.clone().into_bytes();
            if std::mem::replace(&mut bytes[position], replacement) == replacement {
                continue;
            }
            let changed = Sealed(String::from_utf8(bytes).unwrap());
            let refused = vault.unseal(Purpose::UserKey, &place(&key), &changed);
            assert!(refused.is_err(), "byte {position} as {replacement:?}");
        }
    }
}

#[test]
fn shortened_and_lengthened_text_is_refused() {
    let vault = Vault::ephemeral();
    let key = key("p/c");
    let sealed = vault.seal(Purpose::UserKey, &place(&key), SECRET).unwrap();
    let longer = ["A", "AA", "=", "\n", ".", "AAAA"].map(|tail| format!("{}{tail}", sealed.0));
    let shorter = (0..sealed.0.len()).map(|length| sealed.0[..length].to_owned());
    for text in shorter.chain(longer) {
        let refused = vault.unseal(Purpose::UserKey, &place(&key), &Sealed(text.clone()));
        assert!(refused.is_err(), "{text}");
    }
}

#[test]
fn parts_of_two_envelopes_do_not_mix() {
    let vault = Vault::ephemeral();
    let key = key("p/c");
    let [one, two] = [1, 2].map(|_| {
        let sealed = vault.seal(Purpose::UserKey, &place(&key), SECRET).unwrap();
        sealed.0
    });
    // Nonce and sealed data key are 60 bytes: 80 characters of base64.
    let cut = one.rfind('.').unwrap() + 1 + 80;
    let mixed = Sealed(format!("{}{}", &one[..cut], &two[cut..]));
    let refused = vault.unseal(Purpose::UserKey, &place(&key), &mixed);
    assert!(matches!(refused, Err(Error::TamperedOrMoved { .. })));
}

#[test]
fn wrong_purpose_is_refused_even_with_a_forged_header() {
    let vault = Vault::ephemeral();
    let key = key("p/c");
    let sealed = vault.seal(Purpose::UserKey, &place(&key), SECRET).unwrap();
    let refused = vault
        .unseal(Purpose::ClusterCredential, &place(&key), &sealed)
        .unwrap_err();
    insta::assert_snapshot!(refused, @"secret is not sealed as a cluster-credential");
    let forged = Sealed(sealed.0.replace("user-key", "cluster-credential"));
    let refused = vault.unseal(Purpose::ClusterCredential, &place(&key), &forged);
    assert!(matches!(refused, Err(Error::TamperedOrMoved { .. })));
}

#[test]
fn key_that_is_not_there_is_named() {
    let (vault, other) = (Vault::ephemeral(), Vault::ephemeral());
    let key = key("p/c");
    let sealed = vault.seal(Purpose::UserKey, &place(&key), SECRET).unwrap();
    let refused = other
        .unseal(Purpose::UserKey, &place(&key), &sealed)
        .unwrap_err();
    assert!(matches!(&refused, Error::UnknownKey { id } if id == vault.key_id()));
    let forged = Sealed(sealed.0.replace(vault.key_id(), other.key_id()));
    let refused = other.unseal(Purpose::UserKey, &place(&key), &forged);
    assert!(matches!(refused, Err(Error::TamperedOrMoved { .. })));
}

#[test]
fn key_file_is_made_once_and_is_private() {
    let (_folder, path) = folder();
    let first = Vault::open_or_create(&path).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);

    let key = key("p/c");
    let sealed = first.seal(Purpose::UserKey, &place(&key), SECRET).unwrap();
    let second = Vault::open_or_create(&path).unwrap();
    assert_eq!(second.key_id(), first.key_id());
    second
        .unseal(Purpose::UserKey, &place(&key), &sealed)
        .unwrap();
}

#[test]
fn many_that_make_the_key_file_at_once_have_the_same_key() {
    let (_folder, path) = folder();
    let ids: Vec<String> = thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Vault::open_or_create(&path).unwrap().key_id().to_owned()))
            .collect();
        makers
            .into_iter()
            .map(|maker| maker.join().unwrap())
            .collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn key_file_that_others_may_touch_is_refused() {
    let (_folder, path) = folder();
    Vault::open_or_create(&path).unwrap();
    for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601] {
        set_mode(&path, mode);
        for refused in [Vault::open(&path), Vault::open_or_create(&path)] {
            assert!(matches!(refused, Err(Error::KeyFileExposed { mode: m, .. }) if m == mode));
        }
    }
    let message = Vault::open(&path).unwrap_err().to_string();
    insta::assert_snapshot!(
        message.replace(path.to_str().unwrap(), "FILE"),
        @"key file 'FILE' is open to other users (mode 0601): run `chmod 600 'FILE'`, and consider its key as known to them"
    );
    set_mode(&path, 0o400);
    Vault::open(&path).unwrap();
}

#[test]
fn missing_key_file_is_refused_once_the_store_holds_secrets() {
    let (_folder, path) = folder();
    let vault = Vault::open_for(&path, None).unwrap();
    let bound = vault.key_id().to_owned();
    Vault::open_for(&path, Some(&bound)).unwrap();

    let refused = Vault::open_for(&path, Some("0000000000000000")).unwrap_err();
    assert!(matches!(refused, Error::WrongKeyFile { .. }));
    fs::remove_file(&path).unwrap();
    let refused = Vault::open_for(&path, Some(&bound)).unwrap_err();
    assert!(matches!(refused, Error::KeyFileMissing { .. }));
    assert!(!path.exists(), "a new key was made");
}

#[test]
fn first_key_seals_and_all_open() {
    let (folder, path) = folder();
    let old = Vault::open_or_create(&path).unwrap();
    let key = key("p/c");
    let sealed = old.seal(Purpose::UserKey, &place(&key), SECRET).unwrap();
    let other_path = folder.path().join("new.key");
    let new = Vault::open_or_create(&other_path).unwrap();
    let old_line = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .last()
        .unwrap()
        .to_owned();
    let both = format!("{}{old_line}\n", fs::read_to_string(&other_path).unwrap());
    fs::write(&other_path, both).unwrap();

    let both = Vault::open(&other_path).unwrap();
    assert_eq!(both.key_id(), new.key_id());
    both.unseal(Purpose::UserKey, &place(&key), &sealed)
        .unwrap();
    let sealed = both.seal(Purpose::UserKey, &place(&key), SECRET).unwrap();
    new.unseal(Purpose::UserKey, &place(&key), &sealed).unwrap();
    Vault::open_for(&other_path, Some(old.key_id())).unwrap();
}

#[test]
fn malformed_key_file_is_refused_with_its_line_and_without_its_key() {
    let (_folder, path) = folder();
    Vault::open_or_create(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let line = text.lines().last().unwrap();
    let (id, encoded) = line.split_once(' ').unwrap();
    let flipped = if encoded.starts_with('A') { "B" } else { "A" };
    let cases = [
        (String::new(), 1),
        ("\0\0\0".to_owned(), 1),
        (line.to_owned(), 1),
        ("dcm-keys 2\n".to_owned(), 1),
        ("dcm-keys 1\n".to_owned(), 1),
        (format!("dcm-keys 1\n{id}\n"), 2),
        (format!("dcm-keys 1\n{encoded}\n"), 2),
        (format!("dcm-keys 1\n{id} {}\n", &encoded[..40]), 2),
        (format!("dcm-keys 1\n{id} {encoded}AAAA\n"), 2),
        (format!("dcm-keys 1\n{id} {flipped}{}\n", &encoded[1..]), 2),
        (format!("dcm-keys 1\n0000000000000000 {encoded}\n"), 2),
        (format!("dcm-keys 1\n{line}\n\n{id}\n"), 4),
        ("#".repeat(70_000), 1),
    ];
    for (text, wanted) in cases {
        fs::write(&path, &text).unwrap();
        let refused = Vault::open(&path).unwrap_err();
        assert!(
            matches!(refused, Error::KeyFileMalformed { line, .. } if line == wanted),
            "{text:?}: {refused:?}"
        );
        assert!(!format!("{refused:?} {refused}").contains(&encoded[..8]));
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "it was changed");
    }
}

#[test]
fn debug_shows_no_key() {
    let (_folder, path) = folder();
    let vault = Vault::open_or_create(&path).unwrap();
    let shown = format!("{vault:?}");
    assert_eq!(
        shown,
        format!("Vault {{ keys: [{:?}], .. }}", vault.key_id())
    );
}
