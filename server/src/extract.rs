//! axum's extractors, whose refusals are problems.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::{Code, Problem};
use crate::routes::App;

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        // It is small, so that all of it has the time of a pause.
        let body = app.in_time(axum::Json::from_request(request, app)).await?;
        body.map(|axum::Json(body)| Self(body)).map_err(|rejection| {
            let code = match &rejection {
                JsonRejection::MissingJsonContentType(_) => Code::MediaType,
                other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
                _ => Code::BadJson,
            };
            Problem::new(code, rejection.body_text())
        })
    }
}

/// The segments of the path that are not fixed: a text, or a pair of them.
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path: Result<_, PathRejection> = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(texts)| Self(texts)).map_err(|e| Problem::new(Code::BadParameter, e.body_text()))
    }
}

/// The query.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query: Result<_, QueryRejection> = axum::extract::Query::from_request_parts(parts, state).await;
        query.map(|axum::extract::Query(q)| Self(q)).map_err(|e| Problem::new(Code::BadParameter, e.body_text()))
    }
}
