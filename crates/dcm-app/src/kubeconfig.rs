//! What a tenant is handed out: a kubeconfig for one member, or one file with a context per member.
//!
//! Only a certificate that was issued, that is in force, and whose bindings were read back is handed
//! out; before that the answer is a conflict that says what is being waited for.

use dcm_pki::kubeconfig::{TenantAuthentication, TenantKubeconfig, render};
use dcm_store::{Place, Versioned};
use dcm_types::documents::{
    Access, Cluster, ClusterReference, IssuedCredential, Level, LogicalCloud, PublicAccess, User,
    Wish,
};
use dcm_types::member_name::user_identity;
use dcm_types::sealed::Purpose;
use dcm_types::{
    CloudKey, ClusterKey, Document as _, Key, ReferenceName, TargetKey, Timestamp, UserName,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{App, Error, Principal};

/// Whose credential is asked for.
struct Grantee {
    name: UserName,
    /// Who they are in the members.
    identity: String,
}

/// What may be handed out for a member.
struct Opened {
    entry: TenantKubeconfig,
    cluster: ClusterKey,
}

/// Which kubeconfig is asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Whose; `None`: the first user's.
    pub user: Option<UserName>,
    /// With what in it.
    pub form: Form,
}

/// What proves in a kubeconfig who the user is.
#[derive(Debug, Clone, Default)]
pub enum Form {
    /// What was issued.
    #[default]
    Held,
    /// `dcm credential`, which asks the server at this address for it.
    Plugin(String),
}

impl Form {
    fn of(&self, cloud: &CloudKey, opened: Opened) -> TenantKubeconfig {
        let Self::Plugin(server) = self else {
            return opened.entry;
        };
        let cluster = opened.cluster.to_string();
        let arguments = [
            "credential",
            cloud.cloud.as_str(),
            "--project",
            cloud.project.as_str(),
            "--cluster",
            &cluster,
            "--user",
            &opened.entry.user,
            "--server",
            server,
        ];
        TenantKubeconfig {
            authentication: TenantAuthentication::Plugin(arguments.map(str::to_owned).to_vec()),
            ..opened.entry
        }
    }
}

impl App {
    /// The kubeconfig of a user for one member; `None`: of the first user.
    pub async fn member_kubeconfig(
        &self,
        _who: &Principal,
        key: &CloudKey,
        name: &ReferenceName,
        asked: &Asked,
    ) -> Result<SecretString, Error> {
        let (opened, _) = self.member_access(key, name, asked.user.as_ref()).await?;
        Ok(render(&[asked.form.of(key, opened)], 0))
    }

    /// The credential of a user for one member, as a credential plugin gives it; `None`: of the first
    /// user.
    pub async fn member_credential(
        &self,
        _who: &Principal,
        key: &CloudKey,
        name: &ReferenceName,
        user: Option<&UserName>,
    ) -> Result<SecretString, Error> {
        let (opened, until) = self.member_access(key, name, user).await?;
        Ok(opened.entry.exec_credential(until))
    }

    async fn member_access(
        &self,
        key: &CloudKey,
        name: &ReferenceName,
        user: Option<&UserName>,
    ) -> Result<(Opened, Timestamp), Error> {
        let cloud = self.require_cloud(key).await?.document;
        let reference = self
            .require::<ClusterReference>(&Key::reference(key, name))
            .await?;
        let user = self.user_with_access(&cloud, user).await?;
        let cluster = reference.document.cluster;
        let target = TargetKey {
            cloud: key.clone(),
            cluster: cluster.clone(),
        };
        let access = self
            .find::<Access>(&Key::access(&target, &user.name))
            .await?;
        let Some(access) = access else {
            return Err(not_ready(&cluster));
        };
        let opened = self.open(&cloud, &user, &access).await?;
        let until = access.document.current.map(|current| current.not_after);
        opened.zip(until).ok_or_else(|| not_ready(&cluster))
    }

    /// One kubeconfig of a user, with a context for every member whose credential is usable; `None`:
    /// of the first user.
    pub async fn merged_kubeconfig(
        &self,
        _who: &Principal,
        key: &CloudKey,
        asked: &Asked,
    ) -> Result<SecretString, Error> {
        let cloud = self.require_cloud(key).await?.document;
        let user = self.user_with_access(&cloud, asked.user.as_ref()).await?;
        let mut entries = Vec::new();
        for access in self.accesses_of(&cloud).await? {
            let opened = self.open(&cloud, &user, &access).await?;
            entries.extend(opened.map(|opened| asked.form.of(key, opened)));
        }
        if entries.is_empty() {
            return Err(
                Error::conflict("no member has issued a usable certificate yet")
                    .hint("see the status of the logical cloud; wait until it is ready"),
            );
        }
        Ok(render(&entries, 0))
    }

    /// A user of a cloud that shall exist.
    async fn user_with_access(
        &self,
        cloud: &LogicalCloud,
        asked: Option<&UserName>,
    ) -> Result<Grantee, Error> {
        if cloud.level == Level::Admin {
            let message = "a logical cloud of level 0 issues no kubeconfig";
            return Err(Error::conflict(message).hint("use the clusters' own credentials"));
        }
        let name = asked.or(cloud.user.as_ref()).ok_or_else(|| {
            Error::conflict("the logical cloud has no user")
                .hint("set spec.user.userName, or ask for the kubeconfig of one of its users")
        })?;
        let user = self.require::<User>(&Key::user(&cloud.key, name)).await?;
        let project = self.require_project(&cloud.key.project).await?;
        match self.lifecycle_of(&cloud.key).await? {
            Some(lifecycle) if lifecycle.document.wish == Wish::Present => Ok(Grantee {
                name: name.clone(),
                identity: user_identity(
                    project.document.uid,
                    cloud.uid,
                    user.document.uid,
                    user.document.identity_generation,
                ),
            }),
            Some(_) => Err(Error::conflict("the logical cloud is terminated")
                .hint("instantiate it to get access again")),
            None => Err(Error::conflict("the logical cloud was never instantiated")
                .hint("instantiate it and wait until it is ready")),
        }
    }

    /// Opens what may be handed out; `None` when there is no such thing now. The address for tenants
    /// is joined here, so that a change of it needs no new certificate.
    async fn open(
        &self,
        cloud: &LogicalCloud,
        user: &Grantee,
        access: &Versioned<Access>,
    ) -> Result<Option<Opened>, Error> {
        let access = &access.document;
        let Some(current) = access.current.as_ref().filter(|c| self.is_usable(c)) else {
            return Ok(None);
        };
        // What was issued to an earlier user, or for an earlier cloud, of this name is not theirs.
        let is_theirs = access.user == user.name && access.identity == user.identity;
        if access.cloud_uid != cloud.uid || !is_theirs {
            return Ok(None);
        }
        let place = Place {
            key: &access.key(),
            uid: access.uid,
            field: "kubeconfig",
            epoch: current.epoch,
        };
        let plain = self
            .vault()
            .unseal(Purpose::TenantKubeconfig, &place, &current.kubeconfig)?;
        let entry = TenantKubeconfig::from_json(plain.expose_secret()).map_err(Error::internal)?;
        let cluster = Key::cluster(&access.target.cluster);
        let entry = match self.find::<Cluster>(&cluster).await? {
            Some(cluster) => reached_publicly(entry, &cluster.document.public),
            None => entry,
        };
        let cluster = access.target.cluster.clone();
        Ok(Some(Opened { entry, cluster }))
    }

    fn is_usable(&self, credential: &IssuedCredential) -> bool {
        credential.usable && credential.not_after > self.now()
    }
}

/// The entry as tenants reach the cluster. The other name in the server's certificate belongs to the
/// administrator's address.
fn reached_publicly(entry: TenantKubeconfig, public: &PublicAccess) -> TenantKubeconfig {
    let mut entry = entry;
    if let Some(address) = &public.address {
        entry.server.clone_from(address);
        entry.tls_server_name = None;
    }
    if let Some(authority) = &public.certificate_authority {
        entry.certificate_authority_pem.clone_from(authority);
    }
    entry
}

fn not_ready(cluster: &ClusterKey) -> Error {
    Error::conflict(format!(
        "cluster '{cluster}' has not issued a usable certificate yet"
    ))
    .hint("see the access condition of this member in the status of the logical cloud")
}
