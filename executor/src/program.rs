//! A component linked with the APIs that it imports.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use wasmtime::component::{Component, InstancePre, Linker};
use witwire_interpreter::{Plan, PlanError};
use witwire_ir::container::{self, Bundle, ContainerError};
use witwire_ir::{Api, Call, Id, InDoubt, Operation, OperationId};

use crate::callee::Callee;
use crate::credentials::{Credentials, CredentialsError};
use crate::engine::Engine;
use crate::host::{self, Setter, State, Stepper};
use crate::link::{self, Function, Imports, LinkError, LinkProblem, ResourceImport, ResourceKind, Target};
use crate::oplog::{ComponentDigest, Digest, FunctionName, IrDigest};
use crate::transport::{DEFAULT_DEADLINE, Endpoint, EndpointError, NoEndpoint, Route, RouteSettings, Transport};
use crate::wasi;

/// An API file: what the CLI compiled a specification to, without its documentation, which no call needs.
#[derive(Clone)]
pub struct ApiFile {
    bytes: Arc<[u8]>,
    digest: IrDigest,
    apis: Vec<Arc<Api>>,
}

impl ApiFile {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// [`ContainerError`] where it is not a container, or one of another format.
    pub fn read(bytes: impl Into<Arc<[u8]>>) -> Result<Self, ContainerError> {
        let limits = container::Limits::default();
        let bytes: Arc<[u8]> = container::core_only(&bytes.into(), limits)?.into();
        let bundle = container::read_core(&bytes, limits)?;
        Ok(Self { digest: IrDigest(Digest::of(&bytes)), apis: bundle.apis.into_iter().map(Arc::new).collect(), bytes })
    }

    /// The file of APIs that are in memory.
    pub fn of(bundle: &Bundle) -> Self {
        let bytes: Arc<[u8]> = container::write_core(bundle).into();
        Self { digest: IrDigest(Digest::of(&bytes)), apis: bundle.apis.iter().cloned().map(Arc::new).collect(), bytes }
    }

    /// The bytes of a container without documentation.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// The digest of those bytes: the same for files that differ in documentation only.
    pub fn digest(&self) -> IrDigest {
        self.digest
    }

    /// One per WIT package.
    pub fn apis(&self) -> &[Arc<Api>] {
        &self.apis
    }
}

impl fmt::Debug for ApiFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiFile").field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// An API file and how its functions are performed.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The file.
    pub file: ApiFile,
    /// Where the API is served, all in the same way. Empty: at the first server that its document names.
    pub servers: Vec<Endpoint>,
    /// How its calls are sent.
    pub route: RouteSettings,
    /// What the host puts into requests.
    pub credentials: Credentials,
    /// How long one call may take, its retries included.
    pub deadline: Duration,
    /// Whether requests are kept in the oplog, or only their digests.
    pub record_requests: bool,
    /// What becomes of a call in doubt whose idempotency key the server has forgotten.
    pub unkeyed: InDoubt,
}

impl Dependency {
    /// A dependency with default settings: no credentials, a deadline of [`DEFAULT_DEADLINE`], requests recorded.
    pub fn new(file: ApiFile, server: Option<Endpoint>) -> Self {
        Self {
            file,
            servers: server.into_iter().collect(),
            route: RouteSettings::default(),
            credentials: Credentials::none(),
            deadline: DEFAULT_DEADLINE,
            record_requests: true,
            unkeyed: InDoubt::OutcomeUnknown,
        }
    }
}

/// Why a component cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not a component, or one that wasmtime cannot compile.
    #[error("not a WebAssembly component that can run here: {0}")]
    Component(String),
    /// It imports what the APIs do not have.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// An API cannot be performed.
    #[error("the API file is damaged or of another version ({0}); compile it again with `witwire compile`")]
    Plan(#[from] PlanError),
    /// It is not known where an API is served.
    #[error("`{package}`: {source}")]
    Server {
        /// The API's package.
        package: String,
        /// Why.
        source: EndpointError,
    },
    /// Credentials are given for a scheme that does not exist.
    #[error("`{package}`: {source}")]
    Credentials {
        /// The API's package.
        package: String,
        /// Which.
        source: CredentialsError,
    },
}

/// A component linked with the APIs that it imports, ready to be instantiated. Cheap to clone.
#[derive(Clone)]
pub struct Program {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) wasm: Vec<u8>,
    pub(crate) digest: ComponentDigest,
    pub(crate) files: Vec<ApiFile>,
    pub(crate) pre: InstancePre<State>,
}

impl Program {
    /// The component's digest.
    pub fn digest(&self) -> ComponentDigest {
        self.inner.digest
    }

    /// The same, without keeping it.
    pub fn downgrade(&self) -> WeakProgram {
        WeakProgram { inner: Arc::downgrade(&self.inner) }
    }

    pub(crate) fn load(
        engine: &Engine,
        transport: &Transport,
        wasm: Vec<u8>,
        dependencies: &[Dependency],
    ) -> Result<Self, LoadError> {
        let (digest, component) = engine.compile(&wasm).map_err(|e| LoadError::Component(uncompiled(&e)))?;
        let sources: Vec<_> = dependencies.iter().flat_map(|d| d.file.apis.iter().map(move |api| (d, api))).collect();
        let apis: Vec<_> = sources.iter().map(|(_, api)| (*api).clone()).collect();
        let imports = link::resolve(&engine.wasmtime, &component, &apis)?;
        let linker = connect(engine, transport, imports, &sources)?;
        let pre = instantiate(&linker, &component)?;
        let files = dependencies.iter().map(|d| d.file.clone()).collect();
        Ok(Self { inner: Arc::new(Inner { wasm, digest, files, pre }) })
    }
}

/// A program, as long as somebody else has it: linking is work, and what a worker runs need not be linked again.
#[derive(Clone)]
pub struct WeakProgram {
    inner: Weak<Inner>,
}

impl WeakProgram {
    /// The program; `None` where nobody has it any more.
    pub fn upgrade(&self) -> Option<Program> {
        Some(Program { inner: self.inner.upgrade()? })
    }
}

impl fmt::Debug for WeakProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakProgram").finish_non_exhaustive()
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("digest", &self.inner.digest).finish_non_exhaustive()
    }
}

/// Puts a host function behind every import.
fn connect(
    engine: &Engine,
    transport: &Transport,
    imports: Imports,
    sources: &[(&Dependency, &Arc<Api>)],
) -> Result<Linker<State>, LoadError> {
    let wasmtime = |e: wasmtime::Error| LoadError::from(LinkError { problems: vec![LinkProblem::Wasmtime(full(&e))] });
    let Imports { layout, functions, resources, wasi } = imports;
    for (dependency, api) in sources {
        let package = || api.package.to_string();
        dependency.credentials.check(api).map_err(|source| LoadError::Credentials { package: package(), source })?;
    }
    let layout = Arc::new(layout);
    let mut linker = Linker::new(&engine.wasmtime);
    if wasi {
        wasi::link(&mut linker).map_err(wasmtime)?;
    }
    for (number, resource) in (0..).zip(&resources) {
        host::link_resource(&mut linker, resource, number).map_err(wasmtime)?;
    }
    let plans: Vec<_> =
        sources.iter().enumerate().map(|(i, (_, api))| Planned::new(i, api, &functions)).collect::<Result<_, _>>()?;
    for function in functions {
        let (operation, signature) = match function.target {
            Target::Operation(operation, signature) => (operation, signature),
            Target::Step(step, signature) => {
                let stepper = Stepper { name: function.name, step, layout: layout.clone(), signature };
                host::link_method(&mut linker, Arc::new(stepper)).map_err(wasmtime)?;
                continue;
            }
            Target::Call(part, signature) => {
                let resource = call_number(function.name.interface.as_deref(), &resources);
                let setter = Setter { name: function.name, part, layout: layout.clone(), signature, resource };
                host::link_call_method(&mut linker, Arc::new(setter)).map_err(wasmtime)?;
                continue;
            }
        };
        let (dependency, api) = sources[function.api];
        let planned = &plans[function.api];
        let callee = Callee {
            resource: opened(api, operation, &function.name, &resources),
            route: route(transport, dependency, api, &api.operations[operation])?,
            name: function.name,
            ir: dependency.file.digest,
            plan: planned.plan.clone(),
            operation: planned.renumber(operation),
            layout: layout.clone(),
            signature,
            credentials: Arc::new(dependency.credentials.clone()),
            deadline: dependency.deadline,
            record_requests: dependency.record_requests,
            unkeyed: dependency.unkeyed,
        };
        host::link_function(&mut linker, Arc::new(callee)).map_err(wasmtime)?;
    }
    Ok(linker)
}

/// The number of the resource that a function opens. A resource stands in the interface of its function.
fn opened(api: &Api, operation: OperationId, function: &FunctionName, resources: &[ResourceImport]) -> Option<u32> {
    let (ok, _) = api.result(&api.operations[operation]);
    let name = &api.types[api.resolve(ok?)].name.as_ref()?.name;
    let is_it = |r: &ResourceImport| Some(&*r.interface) == function.interface.as_deref() && r.name == name.as_str();
    resources.iter().position(is_it).and_then(|position| u32::try_from(position).ok())
}

/// The number of the resource `call` that an interface declares. It declares one at most.
fn call_number(interface: Option<&str>, resources: &[ResourceImport]) -> Option<u32> {
    let is_it = |r: &ResourceImport| r.kind == ResourceKind::Call && Some(&*r.interface) == interface;
    resources.iter().position(is_it).and_then(|position| u32::try_from(position).ok())
}

/// The operations of an API that a component imports, ready to be performed. The others cost nothing.
struct Planned {
    plan: Arc<Plan>,
    /// Ascending, as in the whole API: the position of an operation is its number in the plan.
    imported: Vec<OperationId>,
}

impl Planned {
    fn new(index: usize, api: &Api, functions: &[Function]) -> Result<Self, PlanError> {
        let imports = functions.iter().filter(|f| f.api == index);
        let mut imported: Vec<_> = imports
            .filter_map(|function| match function.target {
                Target::Operation(operation, _) => Some(operation),
                // Whoever can call a method has the function that opens the stream.
                Target::Step(..) | Target::Call(..) => None,
            })
            .collect();
        imported.sort_unstable();
        imported.dedup();
        let pruned = api.prune(|id, _| imported.binary_search(&id).is_ok());
        Ok(Self { plan: Arc::new(Plan::new(Arc::new(pruned))?), imported })
    }

    fn renumber(&self, operation: OperationId) -> OperationId {
        OperationId::new(self.imported.partition_point(|id| *id < operation))
    }
}

/// Where an operation is performed: where the dependency says, else at its own server, else at the document's.
fn route(transport: &Transport, dependency: &Dependency, api: &Api, operation: &Operation) -> Result<Route, LoadError> {
    let endpoints = match &*dependency.servers {
        [] => vec![declared(api, operation)?],
        servers => servers.to_vec(),
    };
    transport
        .route(endpoints, dependency.route.clone())
        .map_err(|NoEndpoint| LoadError::Server { package: api.package.to_string(), source: EndpointError::NoServer })
}

/// The server that the document names.
fn declared(api: &Api, operation: &Operation) -> Result<Endpoint, LoadError> {
    let own = match &operation.call {
        Call::Http(call) => &*call.servers,
        Call::Grpc(_) => &[],
    };
    let servers = if own.is_empty() { &api.servers } else { own };
    Endpoint::from_servers(servers, None).map_err(|source| LoadError::Server { package: api.package.to_string(), source })
}

fn instantiate(linker: &Linker<State>, component: &Component) -> Result<InstancePre<State>, LoadError> {
    linker
        .instantiate_pre(component)
        .map_err(|e| LoadError::from(LinkError { problems: vec![LinkProblem::Wasmtime(full(&e))] }))
}

/// Why a component cannot be compiled. wasmtime's words, with what to do about the one reason that is not a mistake.
pub(crate) fn uncompiled(error: &wasmtime::Error) -> String {
    let text = full(error);
    if text.contains("component model async") {
        let hint =
            "only components for WASI 0.2 run here, which have no `async func`: regenerate the WIT with `witwire wit`";
        return format!("{text}; {hint}");
    }
    text
}

/// An error with its causes, in one line.
pub(crate) fn full(error: &wasmtime::Error) -> String {
    format!("{error:#}").replace('\n', "; ")
}
