//! The schema of a status: one of its forms. Their members overlap, so it is any of them, not one only.

use dcm_wire::views::{ClustersView, DeploymentView, ResourcesView, StatusDocument, StatusView};
use utoipa::openapi::schema::{AnyOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// Any form of a status.
pub(super) struct StatusAnswer;

impl PartialSchema for StatusAnswer {
    fn schema() -> RefOr<Schema> {
        let any = AnyOfBuilder::new()
            .description(Some("A status, in the form that was asked for"))
            .item(Ref::from_schema_name(StatusDocument::name()))
            .item(Ref::from_schema_name(StatusView::name()))
            .item(Ref::from_schema_name(DeploymentView::name()))
            .item(Ref::from_schema_name(ClustersView::name()))
            .item(Ref::from_schema_name(ResourcesView::name()));
        RefOr::T(Schema::AnyOf(any.build()))
    }
}

impl ToSchema for StatusAnswer {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
            schemas.push((T::name().into_owned(), T::schema()));
            T::schemas(schemas);
        }
        add::<StatusDocument>(schemas);
        add::<StatusView>(schemas);
        add::<DeploymentView>(schemas);
        add::<ClustersView>(schemas);
        add::<ResourcesView>(schemas);
    }
}
