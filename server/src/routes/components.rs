//! `/v1/components`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use witwire_deployment::{ComponentName, ComponentUpdate, NewComponent, Revision, Settings};

use super::App;
use crate::catalog::New;
use crate::component::Deployment;
use crate::endpoint::Endpoint;
use crate::extract::{Path, Query};
use crate::problem::{Code, Problem};
use crate::upload::Upload;

/// A component and its newest revision.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ComponentSummary {
    /// The component's name.
    name: ComponentName,
    /// Its newest revision.
    revision: Revision,
}

/// One revision of a component.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Component {
    /// The component's name.
    name: ComponentName,
    /// The revision that is described.
    revision: Revision,
    /// The newest revision, which an update names.
    current: Revision,
    /// When it was deployed.
    #[schemars(extend("format" = "date-time"))]
    deployed: String,
    /// The digest of the wasm bytes: BLAKE3 in hexadecimal digits.
    #[serde(rename = "component")]
    wasm: String,
    /// What it is linked with.
    dependencies: Vec<Dependency>,
}

/// An API that a component imports.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dependency {
    /// The digest of the IR container.
    ir: String,
    /// The packages that it holds: `api:todos@1.0.0`.
    packages: Vec<String>,
    /// How its functions are performed.
    settings: Settings,
}

/// A revision in the list of a component's.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevisionSummary {
    /// Its number.
    revision: Revision,
    /// When it was deployed.
    #[schemars(extend("format" = "date-time"))]
    deployed: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShowQuery {
    /// Which revision. Absent: the newest.
    revision: Option<Revision>,
}

const NAME: &str = "The component's name.";

pub(super) fn endpoints() -> Vec<Endpoint> {
    use Code as C;
    let deploys = [C::Ir, C::Component, C::Link, C::Server, C::Credentials, C::CredentialDenied, C::Dependencies];
    let settings = [C::Settings, C::Unsupported];
    vec![
        Endpoint::get("/v1/components", "listComponents", list)
            .about("Lists the components", "By name.")
            .answers::<Vec<ComponentSummary>>(StatusCode::OK, "All components."),
        Endpoint::post("/v1/components", "createComponent", create)
            .about(
                "Creates a component",
                "It is loaded and linked before anything is kept: where it is refused, nothing has changed. It becomes revision 1.",
            )
            .upload::<NewComponent>()
            .answers::<ComponentSummary>(StatusCode::CREATED, "It is deployed.")
            .refuses(&[C::ComponentExists])
            .refuses(&deploys)
            .refuses(&settings),
        Endpoint::get("/v1/components/{name}", "getComponent", show)
            .about("Shows a component", "")
            .segment::<ComponentName>("name", NAME)
            .query::<ShowQuery>()
            .answers::<Component>(StatusCode::OK, "The revision that was asked for.")
            .refuses(&[C::ComponentName, C::NoSuchComponent, C::NoSuchRevision, C::Unloadable, C::Damaged]),
        Endpoint::put("/v1/components/{name}", "updateComponent", update)
            .about(
                "Makes a component's next revision",
                "The metadata names the revision that it replaces; where that is not the newest any more, the update is refused. \
                 Workers stay on the revision that they were created with.",
            )
            .segment::<ComponentName>("name", NAME)
            .upload::<ComponentUpdate>()
            .answers::<ComponentSummary>(StatusCode::OK, "It is deployed.")
            .refuses(&[C::ComponentName, C::NoSuchComponent, C::StaleRevision])
            .refuses(&deploys)
            .refuses(&settings),
        Endpoint::delete("/v1/components/{name}", "deleteComponent", delete)
            .about("Deletes a component", "With all its revisions. It must have no workers.")
            .segment::<ComponentName>("name", NAME)
            .answers_nothing("It is deleted.")
            .refuses(&[C::ComponentName, C::NoSuchComponent, C::ComponentInUse, C::Damaged]),
        Endpoint::get("/v1/components/{name}/revisions", "listComponentRevisions", revisions)
            .about("Lists a component's revisions", "The newest first.")
            .segment::<ComponentName>("name", NAME)
            .answers::<Vec<RevisionSummary>>(StatusCode::OK, "All revisions.")
            .refuses(&[C::ComponentName, C::NoSuchComponent]),
    ]
}

fn name(text: String) -> Result<ComponentName, Problem> {
    ComponentName::try_from(text).map_err(|e| Problem::new(Code::ComponentName, e))
}

async fn list(State(app): State<App>) -> Result<Json<Vec<ComponentSummary>>, Problem> {
    let components = app.catalog.registry.components().await?;
    Ok(Json(components.into_iter().map(|(name, revision)| ComponentSummary { name, revision }).collect()))
}

async fn create(State(app): State<App>, upload: Upload<NewComponent>) -> Result<impl IntoResponse, Problem> {
    let Upload { metadata: NewComponent { name, dependencies }, wasm, files, turn: _turn } = upload;
    let revision = app.catalog.create(&name, New { wasm, files, settings: dependencies }).await?;
    let location = [(LOCATION, format!("/v1/components/{name}"))];
    Ok((StatusCode::CREATED, location, Json(ComponentSummary { name, revision })))
}

async fn update(
    State(app): State<App>,
    Path(text): Path<String>,
    upload: Upload<ComponentUpdate>,
) -> Result<Json<ComponentSummary>, Problem> {
    let Upload { metadata: ComponentUpdate { revision, dependencies }, wasm, files, turn: _turn } = upload;
    let name = name(text)?;
    let revision = app.catalog.update(&name, revision, New { wasm, files, settings: dependencies }).await?;
    Ok(Json(ComponentSummary { name, revision }))
}

async fn show(
    State(app): State<App>,
    Path(text): Path<String>,
    Query(query): Query<ShowQuery>,
) -> Result<Json<Component>, Problem> {
    let name = name(text)?;
    let current = app.catalog.registry.current(&name).await?;
    let revision = query.revision.unwrap_or(current);
    let Deployment { wasm, dependencies, at } = app.catalog.deployment(&name, revision).await?;
    let mut described = Vec::new();
    for (ir, settings) in dependencies {
        let file = app.catalog.file(ir).await?;
        let packages = file.apis().iter().map(|api| api.package.to_string()).collect();
        described.push(Dependency { ir: ir.to_string(), packages, settings });
    }
    let (deployed, wasm) = (at.to_string(), wasm.to_string());
    Ok(Json(Component { name, revision, current, deployed, wasm, dependencies: described }))
}

async fn delete(State(app): State<App>, Path(text): Path<String>) -> Result<StatusCode, Problem> {
    app.workers.delete_component(&name(text)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn revisions(State(app): State<App>, Path(text): Path<String>) -> Result<Json<Vec<RevisionSummary>>, Problem> {
    let revisions = app.catalog.registry.revisions(&name(text)?).await?;
    let summaries = revisions.into_iter().map(|(revision, at)| RevisionSummary { revision, deployed: at.to_string() });
    Ok(Json(summaries.collect()))
}
