//! What is there of a mesh. Only targets that have one, or may have one left, are looked at: the others cost no call.

use std::collections::{BTreeMap, BTreeSet};

use dcm_cluster::{CallError, CallErrorKind, Object, Place, Resource};
use dcm_types::member_name::OWNER_LABEL;
use futures::future::try_join_all;

use super::left::Left;
use super::wish::{Note, Wished, namespace_place, wished};
use super::{holds, secret};
use crate::error::Error;
use crate::load::Inputs;
use crate::plan::Observed;
use crate::run::Run;

/// The mesh in one run of a slice.
pub(crate) struct Part {
    /// What shall be there, or why it is not touched; `None`: no mesh is wished.
    pub(crate) wish: Option<Result<Box<Wished>, Note>>,
    /// What may be left by the inventory.
    pub(crate) left: Option<Left>,
    /// What was read.
    pub(crate) observed: Observed,
}

impl Part {
    /// What shall be there and may be made now.
    pub(crate) fn wished(&self) -> Option<&Wished> {
        self.wish.as_ref()?.as_ref().ok().map(Box::as_ref)
    }

    /// Why nothing of it is touched.
    pub(crate) fn note(&self) -> Option<&Note> {
        self.wish.as_ref()?.as_ref().err()
    }
}

/// Reads what is there, if anything is wished or may be left. What cannot be read holds up the mesh alone.
pub(crate) async fn look(run: &Run, inputs: &Inputs) -> Result<Option<Part>, Error> {
    let left = Left::of(inputs.target.as_ref().map(|target| &target.document));
    let mut wish = wished(&inputs.revision, &inputs.mesh);
    if wish.is_none() && left.is_none() {
        return Ok(None);
    }
    let mut observed = Observed::default();
    if !inputs.is_fresh() {
        let made = wish.as_ref().and_then(|wish| wish.as_ref().ok());
        let known = left.clone().unwrap_or_default();
        match read(run, &known, made.map(Box::as_ref)).await {
            Ok(found) => observed = found,
            Err(error) => {
                let error = Error::from(error);
                if error.shuts_the_gate() {
                    return Err(error);
                }
                let reason = crate::conditions::camel_case(error.category());
                let note = Note::progressing(&reason, dcm_types::chain(&error));
                wish = Some(Err(note));
            }
        }
    }
    Ok(Some(Part {
        wish,
        left,
        observed,
    }))
}

async fn read(run: &Run, left: &Left, wished: Option<&Wished>) -> Result<Observed, CallError> {
    let mut names = left.names.clone();
    names.extend(wished.map(|wished| wished.document.name.to_string()));
    let mut found = Vec::new();
    for name in &names {
        found.extend(of_name(run, name, &left.kinds).await?);
    }
    Ok(run.take_in(found))
}

/// What is left of a mesh when its cloud goes.
pub(crate) async fn at_what_is_left(run: &Run, inputs: &Inputs) -> Result<Observed, CallError> {
    let target = inputs.target.as_ref().map(|target| &target.document);
    let Some(left) = Left::of(target) else {
        return Ok(Observed::default());
    };
    read(run, &left, None).await
}

/// Namespace and bundle by name, where something foreign may stand; the rest by label.
async fn of_name(
    run: &Run,
    name: &str,
    kinds: &BTreeSet<Resource>,
) -> Result<Vec<Object>, CallError> {
    let namespace = run.calls().get(namespace_place(name)).await?;
    let Some(namespace) = namespace else {
        // Nothing can be in a namespace that is not there; what is in none may be.
        return wide(run, name, kinds).await;
    };
    let calls = run.calls();
    let bundle = calls.get(Place {
        resource: Resource::Secret,
        namespace: Some(name.to_owned()),
        name: secret::NAME.to_owned(),
    });
    let inside = kinds.iter().copied().filter(|kind| kind.namespaced());
    let lists = try_join_all(inside.map(|kind| list(run, kind, Some(name))));
    let (bundle, lists, wide) =
        futures::future::try_join3(bundle, lists, wide(run, name, kinds)).await?;
    // Each once, in the order of their places.
    let mut all = BTreeMap::new();
    let found = lists.into_iter().flatten().chain(bundle).chain(wide);
    for object in found.chain([namespace]).map(secret::hidden) {
        if let Some(place) = object.place() {
            all.insert(place, object);
        }
    }
    Ok(all.into_values().collect())
}

async fn wide(run: &Run, name: &str, kinds: &BTreeSet<Resource>) -> Result<Vec<Object>, CallError> {
    let wide = kinds
        .iter()
        .copied()
        .filter(|kind| !kind.namespaced() && *kind != Resource::Namespace);
    let lists = try_join_all(wide.map(|kind| list(run, kind, None))).await?;
    let of_mesh = |object: &Object| object.place().is_some_and(|place| holds(name, &place));
    Ok(lists.into_iter().flatten().filter(of_mesh).collect())
}

/// What is ours of a kind; nothing where the kind is not served.
async fn list(
    run: &Run,
    resource: Resource,
    namespace: Option<&str>,
) -> Result<Vec<Object>, CallError> {
    let selector = format!("{OWNER_LABEL}={}", run.owner);
    match run.calls().list(resource, namespace, &selector).await {
        Ok((objects, _)) => Ok(objects),
        Err(error) if error.kind == CallErrorKind::MissingKind => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
