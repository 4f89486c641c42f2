//! Keeps the bundle of one member where no node is: the part of a synchronizer (the Secret, written and read back) and
//! that of a kubelet (the folder). What it tells of a bundle is what it saw of it, never that it was sent.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_pki::authority::certificates;
use dcm_pki::bundle::{ANCHORS, CERTIFICATE, CHAIN, Files, KEY, LISTS};
use dcm_types::ca::CaBundle;
use serde_json::{Map, Value, json};

use super::signing::token;
use super::{Error, Istiod, Member, Workload};

/// The Secret that a control plane reads.
const SECRET: &str = "cacerts";
/// What a control plane writes into each namespace of its mesh.
const TRUSTED: &str = "istio-ca-root-cert";

/// See the module.
pub struct Keeper<'a> {
    member: Member,
    istiod: &'a Istiod,
    /// The namespace of the cloud.
    namespace: String,
    /// Of the service account that probes and workloads have.
    token: String,
    life: Duration,
}

impl<'a> Keeper<'a> {
    /// For the control plane of a member; workloads are in that namespace, have that service account, and live for so
    /// long.
    pub fn of(
        member: impl Into<Member>,
        istiod: &'a Istiod,
        (namespace, service_account): (&str, &str),
        life: Duration,
    ) -> Result<Self, Error> {
        let member = member.into();
        Ok(Self {
            token: token(&member, namespace, service_account)?,
            member,
            istiod,
            namespace: namespace.to_owned(),
            life,
        })
    }

    /// Puts a bundle into the Secret, reads that back, and gives the control plane what was read. `false`: that is
    /// something else.
    pub fn bring(&self, bundle: &CaBundle) -> Result<bool, Error> {
        let namespace = &self.istiod.settings().namespace;
        let read = through_the_secret(&self.member, namespace, bundle)?;
        self.istiod
            .replace_bundle(&read.each())
            .map_err(Error::PrepareFolder)?;
        Ok(read.each() == files(bundle))
    }

    /// Whether the control plane uses a bundle: it tells its anchors to the namespace of the cloud, and a workload that
    /// it signs now is below the intermediate.
    pub fn uses(&self, bundle: &CaBundle) -> Result<bool, Error> {
        if self.trusted()? != bundle.anchors_pem {
            return Ok(false);
        }
        Ok(self.workload()?.signer() == Some(bundle.certificate_pem.clone()))
    }

    /// The anchors that the control plane tells to the namespace of the cloud; none before it told any.
    pub fn trusted(&self) -> Result<String, Error> {
        let mut command = self.member.kubectl();
        command.args(["get", "configmap", TRUSTED, "--output=json"]);
        command.args(["--ignore-not-found", "--namespace", &self.namespace]);
        let said = run(&mut command, "read the anchors", None)?;
        let object: Value = serde_json::from_str(&said).unwrap_or_default();
        let anchors = object["data"]["root-cert.pem"].as_str();
        Ok(anchors.unwrap_or_default().to_owned())
    }

    /// A workload that is signed now. It knows the control plane by the anchors in its namespace, as a proxy does.
    pub fn workload(&self) -> Result<Workload, Error> {
        let anchors = self.trusted()?;
        self.istiod.sign_for(self.life, &self.token, &anchors)
    }
}

impl Workload {
    /// PEM of the certificate that signed its own.
    pub fn signer(&self) -> Option<String> {
        let chain = certificates(&self.chain, "chain").ok()?;
        chain.get(1).map(dcm_pki::authority::Certificate::to_pem)
    }
}

/// Puts a bundle into the Secret of a control plane, and gives what is then read there.
pub fn through_the_secret(
    member: &Member,
    namespace: &str,
    bundle: &CaBundle,
) -> Result<Files, Error> {
    let data: Map<String, Value> = files(bundle)
        .into_iter()
        .map(|(name, text)| (name.to_owned(), STANDARD.encode(text).into()))
        .collect();
    let metadata = json!({ "name": SECRET, "namespace": namespace });
    let object =
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data });
    let mut apply = member.kubectl();
    apply.args(["apply", "--server-side", "--field-manager=dcm", "-f", "-"]);
    run(&mut apply, "write the Secret", Some(&object.to_string()))?;
    let mut read = member.kubectl();
    read.args(["get", "secret", SECRET, "--output=json", "--namespace"]);
    let read = run(read.arg(namespace), "read the Secret", None)?;
    Files::from_secret(&read).map_err(Error::Secret)
}

/// Names and texts of the files of a bundle, in the order of [`Files::each`].
fn files(bundle: &CaBundle) -> Vec<(&'static str, &str)> {
    vec![
        (CERTIFICATE, &bundle.certificate_pem),
        (KEY, bundle.key.expose()),
        (CHAIN, &bundle.chain_pem),
        (ANCHORS, &bundle.anchors_pem),
        (LISTS, &bundle.lists_pem),
    ]
}

/// Runs `kubectl`; gives what it printed.
fn run(command: &mut Command, doing: &'static str, input: Option<&str>) -> Result<String, Error> {
    let spawn = |source| Error::Spawn {
        program: "kubectl",
        source,
    };
    let stdin = if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    };
    command.stdin(stdin);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(spawn)?;
    let said: Output = thread::scope(|scope| {
        // Beside, since it may print before it has read everything.
        if let (Some(mut stdin), Some(text)) = (child.stdin.take(), input) {
            scope.spawn(move || stdin.write_all(text.as_bytes()));
        }
        child.wait_with_output()
    })
    .map_err(spawn)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if said.status.success() {
        return Ok(text(&said.stdout));
    }
    let said = text(&said.stderr);
    Err(Error::Kubectl { doing, said })
}
