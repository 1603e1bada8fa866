//! A component as it is sent: multipart form data.

use axum::extract::multipart::{Field, MultipartError, MultipartRejection};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;
use witwire_executor::ApiFile;

use crate::catalog;
use crate::problem::{Code, Problem};
use crate::routes::App;

/// The parts of a component: `metadata` (JSON), `component` (wasm), and any number of `ir` (containers).
pub(crate) struct Upload<T> {
    pub(crate) metadata: T,
    pub(crate) wasm: Vec<u8>,
    pub(crate) files: Vec<ApiFile>,
    /// The right to be held in memory.
    pub(crate) turn: OwnedSemaphorePermit,
}

impl<T: DeserializeOwned + Send> FromRequest<App> for Upload<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let multipart: Result<_, MultipartRejection> = Multipart::from_request(request, app).await;
        let multipart = multipart.map_err(|e| Problem::new(Code::MediaType, e.body_text()))?;
        // Before a byte of it is read: who waits is held by the sender, not here.
        let turn = app.uploads.clone().acquire_owned().await.map_err(|e| Problem::new(Code::Bug, e))?;
        app.in_upload_time(Self::read(app, multipart, turn)).await
    }
}

impl<T: DeserializeOwned> Upload<T> {
    async fn read(app: &App, mut multipart: Multipart, turn: OwnedSemaphorePermit) -> Result<Self, Problem> {
        let (mut metadata, mut wasm, mut files) = (None, None, Vec::new());
        while let Some(field) = app.in_time(multipart.next_field()).await?.map_err(|e| unreadable(&e))? {
            let name = field.name().unwrap_or_default().to_owned();
            match name.as_str() {
                "metadata" => once(&mut metadata, &name, json(&bytes(app, field).await?)?)?,
                "component" => once(&mut wasm, &name, bytes(app, field).await?)?,
                "ir" => {
                    let file = catalog::read_file(bytes(app, field).await?).await?;
                    let position = files.len() + 1;
                    files.push(file.map_err(|e| Problem::new(Code::Ir, format_args!("`ir` part {position}: {e}")))?);
                }
                _ => {
                    let detail = format!("there is a part `{name}`; the parts are `metadata`, `component` and `ir`");
                    return Err(Problem::new(Code::BadMultipart, detail));
                }
            }
        }
        let missing = |name| Problem::new(Code::BadMultipart, format_args!("the part `{name}` is missing"));
        Ok(Self {
            metadata: metadata.ok_or_else(|| missing("metadata"))?,
            wasm: wasm.ok_or_else(|| missing("component"))?,
            files,
            turn,
        })
    }
}

async fn bytes(app: &App, mut field: Field<'_>) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = app.in_time(field.chunk()).await?.map_err(|e| unreadable(&e))? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|e| Problem::new(Code::BadJson, format_args!("`metadata`: {e}")))
}

fn once<T>(slot: &mut Option<T>, name: &str, value: T) -> Result<(), Problem> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Problem::new(Code::BadMultipart, format_args!("the part `{name}` is there twice"))),
    }
}

fn unreadable(error: &MultipartError) -> Problem {
    let code = if error.status() == StatusCode::PAYLOAD_TOO_LARGE { Code::TooLarge } else { Code::BadMultipart };
    Problem::new(code, error.body_text())
}
