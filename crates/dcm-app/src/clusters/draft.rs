//! From what a caller writes to the stored cluster: the uploaded kubeconfig, which is hostile input, is
//! read and sealed, and the address for tenants is checked.

use dcm_pki::kubeconfig::{self, AdminCredential, Host, Server, certificate_authorities};
use dcm_store::Place;
use dcm_types::documents::{Cluster, GitOps, PublicAccess};
use dcm_types::drafts::ClusterDraft;
use dcm_types::sealed::Purpose;
use dcm_types::{ClusterKey, Fault, Key, Sealed, Uid, Violation};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::Faults;
use crate::{App, Error};

/// The field that holds the uploaded kubeconfig.
const KUBECONFIG: &str = "spec.kubeconfig";

/// What a draft says of the ways to a cluster, checked.
pub(super) struct ClusterAccess {
    credential: Option<AdminCredential>,
    public: PublicAccess,
}

impl App {
    /// Checks everything about a draft that needs no store; all faults are told at once.
    pub(super) fn check_cluster(&self, draft: &ClusterDraft) -> Result<ClusterAccess, Error> {
        let mut faults = Faults::default();
        let mut credential = None;
        match draft
            .kubeconfig
            .as_ref()
            .map(|text| self.read_credential(text))
        {
            Some(Ok(read)) => credential = Some(read),
            Some(Err(found)) => faults.extend(found),
            None => {}
        }
        let address = draft.public_address.as_deref().and_then(|url| {
            let server = Server::parse(url);
            server
                .map_err(|violation| faults.add("spec.publicAddress", violation))
                .ok()
        });
        let authority = draft.public_certificate_authority.as_deref();
        let authority = authority.and_then(|text| {
            let read = certificate_authorities(text);
            read.map_err(|violation| faults.add("spec.publicCertificateAuthority", violation))
                .ok()
        });
        faults.refuse()?;
        Ok(ClusterAccess {
            credential,
            public: PublicAccess {
                address: address.map(|server| server.to_string()),
                certificate_authority: authority,
            },
        })
    }

    fn read_credential(&self, uploaded: &SecretString) -> Result<AdminCredential, Vec<Fault>> {
        let credential = kubeconfig::parse(uploaded.expose_secret().as_bytes())
            .map_err(|faults| kubeconfig::faults_within(KUBECONFIG, faults))?;
        match self.refused_address(&credential) {
            Some(fault) => Err(vec![fault]),
            None => Ok(credential),
        }
    }

    fn refused_address(&self, credential: &AdminCredential) -> Option<Fault> {
        let server = &credential.server;
        let Host::Address(address) = server.host else {
            return None;
        };
        let socket = (address, server.port).into();
        let refusal = self.policy().addresses.check_socket(socket).err()?;
        Some(refusal.violation(&server.to_string()).at(KUBECONFIG))
    }

    /// A cluster that is not registered yet. One that is reached directly needs a kubeconfig.
    pub(super) fn new_cluster(
        &self,
        key: &ClusterKey,
        draft: &ClusterDraft,
        access: &ClusterAccess,
    ) -> Result<Cluster, Error> {
        let uid = self.new_uid();
        let git_ops = draft.git_ops.clone().unwrap_or_default();
        let (server, credential) = match &access.credential {
            _ if git_ops.is_used() => (String::new(), Sealed(String::new())),
            Some(credential) => (
                credential.server.to_string(),
                self.seal_credential(key, uid, 1, credential)?,
            ),
            None => return Err(kubeconfig_is_required()),
        };
        Ok(Cluster {
            uid,
            key: key.clone(),
            metadata: draft.metadata.clone(),
            server,
            credential,
            credential_epoch: 1,
            git_ops,
            public: access.public.clone(),
            created_at: self.now(),
        })
    }

    /// A registered cluster as the draft changes it.
    pub(super) fn replaced_cluster(
        &self,
        present: &Cluster,
        draft: &ClusterDraft,
        access: &ClusterAccess,
    ) -> Result<Cluster, Error> {
        let git_ops = draft.git_ops.as_ref().unwrap_or(&present.git_ops);
        let credential = access.credential.as_ref();
        refuse_other_kind(&present.git_ops, git_ops, credential)?;
        let mut cluster = Cluster {
            metadata: draft.metadata.clone(),
            git_ops: git_ops.clone(),
            public: access.public.clone(),
            ..present.clone()
        };
        if let Some(credential) = credential
            && !self.holds(present, credential)
        {
            cluster.credential_epoch += 1;
            cluster.server = credential.server.to_string();
            cluster.credential = self.seal_credential(
                &cluster.key,
                cluster.uid,
                cluster.credential_epoch,
                credential,
            )?;
        }
        Ok(cluster)
    }

    /// Whether a cluster has this credential already: then it stays sealed as it is, and sessions go on.
    /// One that cannot be opened is another one, so that it can be replaced.
    fn holds(&self, present: &Cluster, credential: &AdminCredential) -> bool {
        let place = Place {
            key: &Key::cluster(&present.key),
            uid: present.uid,
            field: "credential",
            epoch: present.credential_epoch,
        };
        let (purpose, json) = (Purpose::ClusterCredential, credential.to_json());
        let opened = self.vault().unseal(purpose, &place, &present.credential);
        opened.is_ok_and(|held| held.expose_secret() == json.expose_secret().as_bytes())
    }

    fn seal_credential(
        &self,
        key: &ClusterKey,
        uid: Uid,
        epoch: u64,
        credential: &AdminCredential,
    ) -> Result<Sealed, Error> {
        let place = Place {
            key: &Key::cluster(key),
            uid,
            field: "credential",
            epoch,
        };
        let json = credential.to_json();
        let plain = json.expose_secret().as_bytes();
        Ok(self
            .vault()
            .seal(Purpose::ClusterCredential, &place, plain)?)
    }
}

/// What was written to a cluster directly cannot be taken back through a repository.
fn refuse_other_kind(
    present: &GitOps,
    wanted: &GitOps,
    credential: Option<&AdminCredential>,
) -> Result<(), Error> {
    let stays = present.is_used() == wanted.is_used();
    if stays && !(present.is_used() && credential.is_some()) {
        return Ok(());
    }
    Err(Error::conflict(
        "a cluster that is reached directly cannot become one that is reached through a repository, \
         nor the other way round",
    )
    .hint("delete it and register it again"))
}

fn kubeconfig_is_required() -> Error {
    let violation =
        Violation::hidden("is required").hint("give the administrator's kubeconfig as text");
    Error::invalid(vec![violation.at(KUBECONFIG)])
}
