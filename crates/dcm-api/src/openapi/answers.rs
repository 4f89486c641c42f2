//! Answers that tell of success, as the document tells them: one type for each thing that happens to a
//! document, whatever its noun is.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use dcm_wire::views;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{ArrayBuilder, ContentBuilder, Object, Ref, RefOr, Schema, Type};
use utoipa::{IntoResponses, ToSchema};

use super::{ActionProblems, DeleteProblems};

/// 200 with a document.
pub(crate) struct Found<D>(PhantomData<D>);

/// 201 with a new document.
pub(crate) struct Created<D>(PhantomData<D>);

/// 200 with a document that was replaced, or 201 with a new one.
pub(crate) struct Written<D>(PhantomData<D>);

/// 200 with a list of documents.
pub(crate) struct Listed<D>(PhantomData<D>);

/// 204, and the errors of a deletion.
pub(crate) struct Deleted;

/// 202 with what was accepted, and the errors of an action.
pub(crate) struct AcceptedAction;

type Responses = BTreeMap<String, RefOr<Response>>;

impl<D: ToSchema> IntoResponses for Found<D> {
    fn responses() -> Responses {
        Responses::from([answer(200, document::<D>("The document"))])
    }
}

impl<D: ToSchema> IntoResponses for Created<D> {
    fn responses() -> Responses {
        Responses::from([answer(201, created::<D>())])
    }
}

impl<D: ToSchema> IntoResponses for Written<D> {
    fn responses() -> Responses {
        let replaced = document::<D>("Replaced");
        Responses::from([answer(200, replaced), answer(201, created::<D>())])
    }
}

impl<D: ToSchema> IntoResponses for Listed<D> {
    fn responses() -> Responses {
        let list = ArrayBuilder::new().items(reference::<D>());
        let list = json("The list", Schema::Array(list.build()))
            .header("Link", text("Path of the next page, when there is one"))
            .header(
                "X-Continue",
                text("`continue` of the next page, when there is one"),
            );
        Responses::from([answer(200, list)])
    }
}

impl IntoResponses for Deleted {
    fn responses() -> Responses {
        let deleted = ResponseBuilder::new().description("Deleted");
        let mut responses = DeleteProblems::responses();
        responses.extend([answer(204, deleted)]);
        responses
    }
}

impl IntoResponses for AcceptedAction {
    fn responses() -> Responses {
        let accepted = json("Accepted", reference::<views::Accepted>())
            .header("Location", text("Path of its status"));
        let mut responses = ActionProblems::responses();
        responses.extend([answer(202, accepted)]);
        responses
    }
}

fn answer(status: u16, response: ResponseBuilder) -> (String, RefOr<Response>) {
    (status.to_string(), RefOr::T(response.build()))
}

fn created<D: ToSchema>() -> ResponseBuilder {
    document::<D>("Created").header("Location", text("Its path"))
}

fn document<D: ToSchema>(description: &str) -> ResponseBuilder {
    json(description, reference::<D>()).header("ETag", text("Its version"))
}

fn json(description: &str, schema: impl Into<RefOr<Schema>>) -> ResponseBuilder {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new()
        .description(description)
        .content("application/json", content)
}

fn reference<D: ToSchema>() -> Ref {
    Ref::from_schema_name(D::name())
}

fn text(description: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(Object::with_type(Type::String)))
        .description(Some(description))
        .build()
}
