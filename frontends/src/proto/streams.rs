//! Streaming methods: the resources that stand for open calls.

use witwire_ir::operation::grpc::StreamKind;
use witwire_ir::{Method as ResourceMethod, OperationId, Param, Resource, Shape, Step, TypeId};

use super::model::Method;
use super::types::{Types, literal};

/// Which sides of a method stream.
pub(super) fn kind(method: &Method) -> Kind {
    Kind(match (method.client_streaming, method.server_streaming) {
        (false, false) => StreamKind::Unary,
        (false, true) => StreamKind::ServerStreaming,
        (true, false) => StreamKind::ClientStreaming,
        (true, true) => StreamKind::Bidirectional,
    })
}

/// The kind of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind(pub(super) StreamKind);

impl Kind {
    /// The last word of the resource's name, for a method whose name ends with a word.
    pub(super) fn resource_suffix(self, last: &str) -> Option<&'static str> {
        match self.0 {
            StreamKind::Unary => None,
            // `range-stream-stream` would say it twice.
            StreamKind::ServerStreaming if last == "stream" => Some("reader"),
            StreamKind::ServerStreaming => Some("stream"),
            StreamKind::ClientStreaming => Some("sink"),
            StreamKind::Bidirectional => Some("call"),
        }
    }
}

/// The resource of a streaming method. `request` and `response` are `None` for empty messages: receiving one is `true`, receiving
/// many their count, sending one takes no parameter.
pub(super) fn resource(
    types: &mut Types<'_>,
    operation: OperationId,
    kind: Kind,
    request: Option<TypeId>,
    response: Option<TypeId>,
) -> Resource {
    let mut methods = Vec::new();
    let mut add = |types: &mut Types<'_>, step: Step, params: Vec<Param>, result: Option<TypeId>, docs: &str| {
        let docs = types.text(Some(docs.to_owned()));
        methods.push(ResourceMethod { step, params, result, docs });
    };
    let error = types.error;
    let result = |types: &mut Types<'_>, ok| Some(types.inline(Shape::Result { ok, err: Some(error) }));
    let item = |request: Option<TypeId>| request.map(|ty| Param { name: literal("item"), ty }).into_iter().collect();
    if matches!(kind.0, StreamKind::ClientStreaming | StreamKind::Bidirectional) {
        let sent = result(types, None);
        add(types, Step::Send, item(request), sent, "Sends one message.");
    }
    match kind.0 {
        StreamKind::Unary => {}
        StreamKind::ServerStreaming => {
            let next = next(types, response);
            let next = result(types, Some(next));
            add(types, Step::Next, Vec::new(), next, next_docs(response));
            let batch = match response {
                Some(ty) => types.inline(Shape::List(ty)),
                None => types.inline(Shape::U32),
            };
            let batch = result(types, Some(batch));
            let max = types.inline(Shape::U32);
            let max = vec![Param { name: literal("max"), ty: max }];
            let docs = if response.is_some() {
                "Up to `max` messages that have arrived; at least one unless the stream has ended."
            } else {
                "How many messages have arrived, up to `max`; at least one unless the stream has ended."
            };
            add(types, Step::NextBatch, max, batch, docs);
        }
        StreamKind::ClientStreaming => {
            let finished = result(types, response);
            add(types, Step::Finish, Vec::new(), finished, "Ends the sending side and waits for the response.");
        }
        StreamKind::Bidirectional => {
            let closed = result(types, None);
            add(types, Step::CloseSend, Vec::new(), closed, "Ends the sending side.");
            let next = next(types, response);
            let next = result(types, Some(next));
            add(types, Step::Next, Vec::new(), next, next_docs(response));
            add(types, Step::Cancel, Vec::new(), None, "Gives the call up.");
        }
    }
    Resource { operation, methods }
}

/// The `ok` of `next`.
fn next(types: &mut Types<'_>, response: Option<TypeId>) -> TypeId {
    match response {
        Some(ty) => types.inline(Shape::Option(ty)),
        None => types.inline(Shape::Bool),
    }
}

const fn next_docs(response: Option<TypeId>) -> &'static str {
    match response {
        Some(_) => "The next message; `none` at the end.",
        None => "Whether a message arrived; `false` at the end.",
    }
}
