//! Settings that cannot be used are refused at the start, with the file and the rule.

use std::fs;

use dcm_issuer::{Kind, Settings, open};
use dcm_testkit::issuer::Issuer;

use crate::world::{Speaks, settings};

type Spoil = fn(&mut Settings);

fn refusal(settings: &Settings) -> String {
    match open(settings) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_refused() {
    let issuer = Issuer::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let good = settings(&folder, &issuer, Speaks::Vault);
    assert_eq!(refusal(&good), "");
    let rows: [(&str, Spoil); 11] = [
        ("must be https://", |one| {
            one.url = "http://localhost".to_owned();
        }),
        ("must be https://", |one| {
            one.url = "localhost:8200".to_owned();
        }),
        ("must be https://", |one| {
            one.url = "https://user@localhost".to_owned();
        }),
        ("must be https://", |one| {
            one.url = "https://localhost/?a=b".to_owned();
        }),
        ("must be https://", |one| one.url = "https://a b".to_owned()),
        ("read '", |one| one.ca_file.push("none")),
        ("read '", |one| one.anchor_file.push("none")),
        ("must hold a PEM certificate", |one| {
            fs::write(&one.ca_file, "hello").unwrap();
        }),
        ("must hold exactly one", |one| {
            let text = fs::read_to_string(&one.anchor_file).unwrap();
            fs::write(&one.anchor_file, text.repeat(2)).unwrap();
        }),
        ("must not be empty", |one| {
            if let Kind::Vault { token_file, .. } = &one.kind {
                fs::write(token_file, " \n").unwrap();
            }
        }),
        ("larger", |one| {
            fs::write(&one.anchor_file, "x".repeat(70_000)).unwrap();
        }),
    ];
    for (rule, spoil) in rows {
        let mut spoilt = settings(&folder, &issuer, Speaks::Vault);
        spoil(&mut spoilt);
        let told = match open(&spoilt) {
            Ok(_) => String::new(),
            Err(error) => dcm_types::chain(&error),
        };
        assert!(told.contains(rule), "{rule}: {told}");
    }
    let mut step = settings(&folder, &issuer, Speaks::StepCa);
    assert_eq!(refusal(&step), "");
    if let Kind::StepCa { key_file, .. } = &mut step.kind {
        fs::write(key_file, "hello").unwrap();
    }
    assert!(refusal(&step).contains("must hold exactly one PEM private key"));
}
