//! The CA controller behind its socket, for one logical cloud.

use std::path::Path;

use anyhow::{Result, anyhow};
use dcm_rpc::Client;
use dcm_testkit::mesh::Authority;
use dcm_types::ca::{AuthorityScope, CaBundle, CaController as _, Evidence, EvidenceStage};
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, ProjectName, ProviderName, TargetKey,
};
use tokio::runtime::Runtime;

/// See the module.
pub(super) struct Controller {
    runtime: Runtime,
    client: Client,
    cloud: CloudKey,
}

impl Controller {
    pub(super) fn at(socket: &Path, project: &str, cloud: &str) -> Result<Self> {
        let runtime = Runtime::new()?;
        let client = {
            let _inside = runtime.enter();
            Client::new(socket)
        };
        let cloud = CloudKey {
            project: ProjectName::parse(project)?,
            cloud: CloudName::parse(cloud)?,
        };
        Ok(Self {
            runtime,
            client,
            cloud,
        })
    }

    pub(super) fn target(&self, provider: &str, cluster: &str) -> Result<TargetKey> {
        Ok(TargetKey {
            cloud: self.cloud.clone(),
            cluster: ClusterKey {
                provider: ProviderName::parse(provider)?,
                cluster: ClusterName::parse(cluster)?,
            },
        })
    }

    pub(super) fn first_bundle(&self, target: &TargetKey) -> Result<CaBundle> {
        let bundle = self.runtime.block_on(self.client.ensure_bundle(target));
        Ok(bundle?)
    }

    pub(super) fn trust_domain(&self) -> Result<String> {
        let scope = AuthorityScope::Cloud(self.cloud.clone());
        let shown = self.runtime.block_on(self.client.show(&scope))?;
        let domain = shown.trust_domain;
        domain.ok_or_else(|| anyhow!("the cloud has no trust domain"))
    }
}

impl Authority for Controller {
    fn bundle(&self, target: &TargetKey) -> Option<CaBundle> {
        self.first_bundle(target).ok()
    }

    fn report(&self, bundle: &CaBundle, stage: EvidenceStage) -> bool {
        let evidence = Evidence {
            target: bundle.target.clone(),
            cloud_uid: bundle.cloud_uid,
            version: bundle.version,
            stage,
        };
        let told = self.client.report_evidence(&evidence);
        self.runtime.block_on(told).is_ok()
    }
}
