//! `/v1/components`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use witwire_deployment::{ComponentName, ComponentUpdate, NewComponent, Revision, Settings};

use super::App;
use crate::catalog::New;
use crate::component::Deployment;
use crate::extract::{Query, Segment};
use crate::problem::{Code, Problem};
use crate::upload::Upload;

/// A component in the list, and as answered to a deployment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    name: ComponentName,
    /// The newest.
    revision: Revision,
}

/// One revision of a component.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Details {
    name: ComponentName,
    revision: Revision,
    /// The newest revision, which an update names.
    current: Revision,
    /// When it was deployed, RFC 3339.
    deployed: String,
    /// The digest of the wasm bytes.
    component: String,
    dependencies: Vec<DependencyDetails>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DependencyDetails {
    /// The digest of the IR container.
    ir: String,
    /// The packages that it holds: `api:todos@1.0.0`.
    packages: Vec<String>,
    settings: Settings,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShowQuery {
    revision: Option<Revision>,
}

pub(super) fn name(text: String) -> Result<ComponentName, Problem> {
    ComponentName::try_from(text).map_err(|e| Problem::new(Code::ComponentName, e))
}

pub(crate) async fn list(State(app): State<App>) -> Result<Json<Vec<Summary>>, Problem> {
    let components = app.catalog.registry.components().await?;
    Ok(Json(components.into_iter().map(|(name, revision)| Summary { name, revision }).collect()))
}

pub(crate) async fn create(State(app): State<App>, upload: Upload<NewComponent>) -> Result<impl IntoResponse, Problem> {
    let Upload { metadata: NewComponent { name, dependencies }, wasm, files } = upload;
    let revision = app.catalog.create(&name, New { wasm, files, settings: dependencies }).await?;
    let location = [(LOCATION, format!("/v1/components/{name}"))];
    Ok((StatusCode::CREATED, location, Json(Summary { name, revision })))
}

pub(crate) async fn update(
    State(app): State<App>,
    Segment(name): Segment,
    upload: Upload<ComponentUpdate>,
) -> Result<Json<Summary>, Problem> {
    let Upload { metadata: ComponentUpdate { revision, dependencies }, wasm, files } = upload;
    let name = self::name(name)?;
    let revision = app.catalog.update(&name, revision, New { wasm, files, settings: dependencies }).await?;
    Ok(Json(Summary { name, revision }))
}

pub(crate) async fn show(
    State(app): State<App>,
    Segment(name): Segment,
    Query(query): Query<ShowQuery>,
) -> Result<Json<Details>, Problem> {
    let name = self::name(name)?;
    let current = app.catalog.registry.current(&name).await?;
    let revision = query.revision.unwrap_or(current);
    let Deployment { wasm, dependencies, at } = app.catalog.deployment(&name, revision).await?;
    let mut described = Vec::new();
    for (ir, settings) in dependencies {
        let file = app.catalog.file(ir).await?;
        let packages = file.apis().iter().map(|api| api.package.to_string()).collect();
        described.push(DependencyDetails { ir: ir.to_string(), packages, settings });
    }
    let details =
        Details { name, revision, current, deployed: at.to_string(), component: wasm.to_string(), dependencies: described };
    Ok(Json(details))
}
