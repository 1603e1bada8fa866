//! The pass that lowers services to interfaces and methods to functions.

use std::collections::{BTreeMap, BTreeSet};

use witwire_ir::operation::grpc::GrpcCall;
use witwire_ir::{
    Api, AuthKind, AuthMode, AuthRequirement, AuthScheme, Call, Field, Id, Interface, InterfaceId, Operation, OperationId,
    Param, Place, Protocol, SchemeId, Shape, Type, TypeId, TypeName, WitName, World,
};

use crate::Code;

use super::extent::Extent;
use super::findings::Findings;
use super::model::{MessageId, Method, Model};
use super::naming::BEARER_AUTH;
use super::plan::{MethodPlan, Plan, ServicePlan};
use super::settings::Settings;
use super::sharing::Sharing;
use super::streams;
use super::types::{Ground, Types, literal};

/// The name that configuration uses for the bearer token.
const BEARER_SCHEME: &str = "bearerAuth";

/// Lowers one package.
pub(super) fn lower(
    model: &Model,
    settings: &Settings<'_>,
    plan: &mut Plan<'_>,
    digest: [u8; 32],
    findings: &mut Findings,
) -> Api {
    let mut api = Api::new(plan.package.clone(), Protocol::Grpc);
    api.source_digest = digest;
    api.auth_mode = settings.auth;
    api.docs =
        Some(api.texts.push(format!("gRPC package `{}`.", plan.proto_package))).filter(|_| !plan.proto_package.is_empty());
    let docs = Some(api.texts.push("What the functions of this API share."));
    let types_interface = api.interfaces.push(interface(literal("types"), docs));
    let (sharing, too_large) = large(&api, types_interface, model, settings, plan, findings);
    let ground = Ground { model, settings, plan, sharing: &sharing };
    let types = Types::lower(api, types_interface, ground, &too_large, findings);
    let mut lower = Lower { credentials: None, types, too_large, model, settings };
    if settings.has_credentials() {
        lower.credentials = Some(lower.bearer(types_interface));
    }
    let interfaces: Vec<InterfaceId> = plan.services.iter().map(|service| lower.service(service)).collect();
    let mut api = lower.types.api;
    for (&id, service) in interfaces.iter().zip(&plan.services) {
        api.worlds.push(World { name: literal(&format!("{}-client", service.interface.as_str())), imports: vec![id] });
    }
    api.worlds.push(World { name: literal("client"), imports: interfaces });
    if settings.explicit_calls() {
        witwire_ir::host::call::declare(&mut api);
    }
    api
}

/// What is too large to be written out: the tables that make it small enough, and what is too large all the same. This shows only
/// when everything is lowered.
fn large(
    api: &Api,
    interface: InterfaceId,
    model: &Model,
    settings: &Settings<'_>,
    plan: &mut Plan<'_>,
    findings: &mut Findings,
) -> (Sharing, BTreeSet<MessageId>) {
    let extents = |plan: &Plan<'_>, sharing: &Sharing| {
        let mut scratch = Findings::default();
        let nothing = BTreeSet::new();
        let ground = Ground { model, settings, plan, sharing };
        Types::lower(api.clone(), interface, ground, &nothing, &mut scratch).extents()
    };
    let too_large = |extents: BTreeMap<MessageId, Extent>| -> BTreeSet<MessageId> {
        extents.into_iter().filter(|(_, extent)| extent.is_too_large()).map(|(message, _)| message).collect()
    };
    let plain = extents(plan, &Sharing::default());
    if plain.values().all(|extent| !extent.is_too_large()) {
        return (Sharing::default(), BTreeSet::new());
    }
    let served = plan.methods(model).flat_map(|m| [m.input, m.output]).collect();
    let sharing = Sharing::new(model, plan.graph, &plan.printed.messages, &served, &plain);
    plan.names.share(model, settings, &sharing, findings);
    let left = too_large(extents(plan, &sharing));
    (sharing, left)
}

fn interface(name: WitName, docs: Option<witwire_ir::TextId>) -> Interface {
    Interface { name, docs, types: Vec::new(), operations: Vec::new(), renames: Vec::new() }
}

/// How calls are authenticated.
#[derive(Clone, Copy)]
struct Credentials {
    scheme: SchemeId,
    /// `option<bearer-auth>`, where the guest passes it.
    guest: Option<TypeId>,
}

struct Lower<'a> {
    types: Types<'a>,
    /// Messages that have no type, because no tool could read the package.
    too_large: BTreeSet<MessageId>,
    model: &'a Model,
    settings: &'a Settings<'a>,
    credentials: Option<Credentials>,
}

impl Lower<'_> {
    /// The scheme of a bearer token; sources do not declare any, so it is optional.
    fn bearer(&mut self, interface: InterfaceId) -> Credentials {
        let record = (self.settings.auth == AuthMode::Guest).then(|| {
            let token = self.types.inline(Shape::String);
            let shape = Shape::Record(vec![Field { name: literal("token"), ty: token, docs: None }]);
            let name = Some(TypeName { interface, name: literal(BEARER_AUTH) });
            let docs = self.types.text(Some("Sent as `authorization: Bearer <token>`.".to_owned()));
            let ty = self.types.api.types.push(Type { name, docs, ..Type::plain(shape) });
            self.types.api.interfaces[interface].types.push(ty);
            ty
        });
        let kind = AuthKind::Bearer;
        let scheme = self.types.api.schemes.push(AuthScheme { name: BEARER_SCHEME.to_owned(), kind, record });
        Credentials { scheme, guest: record.map(|ty| self.types.inline(Shape::Option(ty))) }
    }

    fn service(&mut self, plan: &ServicePlan) -> InterfaceId {
        let service = &self.model.services[plan.service];
        let docs = self.types.docs(&service.element, None);
        let id = self.types.api.interfaces.push(interface(plan.interface.clone(), docs));
        for (message, name) in &plan.renames {
            if let Some(ty) = self.types.message_type(*message) {
                self.types.api.interfaces[id].renames.push((ty, name.clone()));
            }
        }
        for method_plan in plan.methods.iter().filter(|m| m.selected) {
            let method = &service.methods[method_plan.index];
            self.method(id, plan, method_plan, method);
        }
        id
    }

    fn method(&mut self, interface: InterfaceId, service: &ServicePlan, plan: &MethodPlan, method: &Method) {
        if let Some(large) = [method.input, method.output].into_iter().find(|m| self.too_large.contains(m)) {
            let large = &self.model.messages[large].element.full_name;
            let message = format!("the method is skipped: `{large}`, written out, is larger than component tools accept");
            self.types.findings.skip(Code::UnsupportedMethod, method.element.at.clone(), method.path.clone(), message);
            return;
        }
        let kind = streams::kind(method);
        let request = self.types.message_type(method.input);
        let response = self.types.message_type(method.output);
        let operation = OperationId::new(self.types.api.operations.len());

        let mut params = Vec::new();
        if let Some(ty) = request.filter(|_| kind.0.takes_request()) {
            params.push(Param { name: literal("request"), ty });
        }
        let auth = self.auth(&mut params);
        let ok = match &plan.resource {
            Some(name) => {
                let resource = streams::resource(&mut self.types, operation, kind, request, response);
                let name = Some(TypeName { interface, name: name.clone() });
                let text = format!("An open call of `{}`. Dropping it cancels the call.", method.path);
                let docs = self.types.text(Some(text));
                let ty = self.types.api.types.push(Type { name, docs, ..Type::plain(Shape::Resource(resource)) });
                self.types.api.interfaces[interface].types.push(ty);
                Some(ty)
            }
            None => response,
        };
        let result = Shape::Result { ok, err: Some(self.types.error) };
        let result = self.types.inline(result);
        let source = match &method.http {
            Some(http) => format!("`{}`, over HTTP `{http}`", method.path),
            None => format!("`{}`", method.path),
        };
        let text = [method.element.docs.clone(), Some(source)];
        let docs = self.types.text(Some(text.into_iter().flatten().collect::<Vec<_>>().join("\n\n")));
        let source = self.types.text(Some(format!("{}#{}", method.element.at.file, method.path)));
        let id = self.types.api.operations.push(Operation {
            interface,
            name: plan.function.clone(),
            params,
            result,
            call: Call::Grpc(GrpcCall { path: format!("/{}", method.path), kind: kind.0, request, response }),
            class: self.settings.class(method, &service.function_path(plan)),
            auth,
            source,
            docs,
            deprecated: method.element.deprecated,
        });
        self.types.api.interfaces[interface].operations.push(id);
    }

    /// What a call needs, with the guest's parameter where it passes credentials.
    fn auth(&mut self, params: &mut Vec<Param>) -> AuthRequirement {
        let Some(Credentials { scheme, guest }) = self.credentials else { return AuthRequirement::default() };
        let guest = guest.map(|ty| {
            params.push(Param { name: literal("auth"), ty });
            Place::argument((params.len() - 1) as u16)
        });
        AuthRequirement { alternatives: vec![vec![scheme]], optional: true, guest }
    }
}
