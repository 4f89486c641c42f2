//! The page on which people read the `OpenAPI` document. The viewer is a packaged one: its files are in
//! the binary, and the page may load nothing from anywhere else.

use std::sync::Arc;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{Html, IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::Config;

use crate::error::ApiError;
use crate::openapi::ReadProblems;
use crate::state::ApiState;

/// The page, with the viewer in it.
const PAGE: &str = include_str!("docs/page.html");
/// What starts the viewer: a script of its own, so that none has to be allowed inside of the page.
const START: &str = include_str!("docs/start.js");
/// The files of the viewer that the page names.
const VIEWER: [&str; 2] = ["swagger-ui.css", "swagger-ui-bundle.js"];
/// Ours only. The viewer sets styles on elements, and its pictures are inside of its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(get_docs))
        .routes(routes!(get_docs_asset))
}

fn guarded(content: impl IntoResponse) -> Response {
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (headers, content).into_response()
}

/// A page for people, on which this document can be read and tried.
#[utoipa::path(
    get, path = "/docs", tag = "system",
    responses((status = 200, body = String, content_type = "text/html", description = "The page"))
)]
async fn get_docs() -> Response {
    guarded(Html(PAGE))
}

/// A file that the page needs.
#[utoipa::path(
    get, path = "/docs/{asset}", tag = "system",
    params(("asset" = String, Path, description = "Name of the file")),
    responses(
        (status = 200, description = "The file", content(
            (String = "text/css"),
            (String = "text/javascript"),
        )),
        ReadProblems,
    )
)]
async fn get_docs_asset(path: Result<Path<String>, PathRejection>) -> Result<Response, ApiError> {
    let Path(asset) = path.map_err(|_| ApiError::no_route())?;
    if asset == "start.js" {
        return Ok(guarded(([(CONTENT_TYPE, "text/javascript")], START)));
    }
    let known = VIEWER.contains(&asset.as_str());
    let file = known.then(|| utoipa_swagger_ui::serve(&asset, Arc::new(Config::from(""))));
    let Some(Ok(Some(file))) = file else {
        return Err(ApiError::no_route());
    };
    let headers = [(CONTENT_TYPE, file.content_type)];
    Ok(guarded((headers, file.bytes.into_owned())))
}
