//! Manifests as last parsed. One serves all members of a cloud, and is a megabyte of YAML; what its digest names
//! never changes.

use std::collections::HashMap;
use std::sync::Arc;

use dcm_mesh::Manifest;
use dcm_store::{Error as StoreError, Store, StoreExt as _};
use dcm_types::Key;
use dcm_types::documents::{MeshManifest, MeshMode, ServiceMesh};
use parking_lot::Mutex;
use serde_json::Value;

use super::wish::MeshInputs;
use crate::load::Inputs;

/// How many are kept.
const KEPT: usize = 32;

/// A manifest, taken apart.
pub(crate) struct Parsed {
    /// The objects of the control plane.
    pub(crate) manifest: Manifest,
    /// Definitions of kinds: the same for all meshes of a version, and so kept once.
    pub(crate) definitions: Arc<Vec<Value>>,
}

/// Manifests that were parsed.
#[derive(Default)]
pub(crate) struct Manifests(Mutex<HashMap<Key, Result<Arc<Parsed>, String>>>);

impl Manifests {
    /// What the store says about the mesh of a target.
    pub(crate) async fn read(
        &self,
        store: &dyn Store,
        inputs: &Inputs,
    ) -> Result<MeshInputs, StoreError> {
        if inputs.revision.slice.mesh.is_none() || inputs.tombstone.is_some() {
            return Ok(MeshInputs::default());
        }
        let document = store
            .read::<ServiceMesh>(&Key::service_mesh(&inputs.key))
            .await?;
        let Some(document) = document.map(|found| found.document) else {
            return Ok(MeshInputs::default());
        };
        let mut manifest = None;
        if document.mode == MeshMode::Istio
            && let Some(key) = document.manifest_key()
        {
            manifest = self.of(store, &key, &document).await?;
        }
        Ok(MeshInputs {
            document: Some(document),
            manifest,
        })
    }

    async fn of(
        &self,
        store: &dyn Store,
        key: &Key,
        document: &ServiceMesh,
    ) -> Result<Option<Result<Arc<Parsed>, String>>, StoreError> {
        if let Some(known) = self.0.lock().get(key) {
            return Ok(Some(known.clone()));
        }
        let Some(stored) = store.read::<MeshManifest>(key).await? else {
            return Ok(None);
        };
        let (text, name) = (stored.document.text, document.name.clone());
        let parsed = tokio::task::spawn_blocking(move || Manifest::read(&text, &name)).await;
        let parsed = match parsed {
            Ok(Ok(manifest)) => Ok(self.taken_apart(manifest)),
            Ok(Err(error)) => Err(dcm_types::chain(&error)),
            Err(_) => Err("it cannot be read".to_owned()),
        };
        let mut kept = self.0.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key.clone(), parsed.clone());
        Ok(Some(parsed))
    }

    fn taken_apart(&self, mut manifest: Manifest) -> Arc<Parsed> {
        let definitions = std::mem::take(&mut manifest.shared);
        let kept = self.0.lock();
        let mut known = kept.values().filter_map(|parsed| parsed.as_ref().ok());
        let same = known.find(|parsed| *parsed.definitions == definitions);
        let definitions = same.map_or_else(
            || Arc::new(definitions),
            |parsed| Arc::clone(&parsed.definitions),
        );
        Arc::new(Parsed {
            manifest,
            definitions,
        })
    }
}
