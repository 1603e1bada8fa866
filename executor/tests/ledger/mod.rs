//! A service with one operation of each call class, the same over HTTP and gRPC, streams over gRPC, and feeds over HTTP: its API, written by hand, and its server.

mod api;
mod feeds;
mod pages;
mod server;
mod streams;

use witwire_ir::container::Bundle;
use witwire_ir::{Api, CallClass, InDoubt, KeyFormat, KeyHeader, print_package};

pub(crate) use api::{api, guest_auth_api};
pub(crate) use feeds::Feed;
pub(crate) use pages::{ASTRAY, BY_NAME, ECHO, ENDLESS, PageCounts, Pages, RELATIVE};
pub(crate) use server::{Point, Server};
pub(crate) use streams::{LATER, Stream};

/// What the API is spoken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Grpc,
}

impl Protocol {
    pub(crate) const ALL: [Self; 2] = [Self::Http, Self::Grpc];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    /// What a script's result holds for a call that ended with `outcome-unknown`.
    pub(crate) fn outcome_unknown(self) -> u64 {
        1 + match self {
            Self::Http => witwire_ir::host::http::ErrorKind::OutcomeUnknown as u64,
            Self::Grpc => witwire_ir::host::grpc::ErrorKind::OutcomeUnknown as u64,
        }
    }
}

/// One operation of each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Operation {
    /// Safe: reads an entry.
    Look,
    /// Idempotent: writes an entry.
    Store,
    /// Keyed: pays once per key.
    Pay,
    /// Unsafe: sends a message.
    Post,
}

impl Operation {
    pub(crate) const ALL: [Self; 4] = [Self::Look, Self::Store, Self::Pay, Self::Post];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Store => "store",
            Self::Pay => "pay",
            Self::Post => "post",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.name() == name)
    }

    pub(crate) fn class(self, in_doubt: InDoubt) -> CallClass {
        match self {
            Self::Look => CallClass::Safe,
            Self::Store => CallClass::Idempotent,
            Self::Pay => CallClass::Keyed(KeyHeader {
                name: "Idempotency-Key".to_owned(),
                format: KeyFormat::Raw,
                window_seconds: None,
            }),
            Self::Post => CallClass::Unsafe(in_doubt),
        }
    }

    /// A call of it in WAVE.
    pub(crate) fn wave(self, protocol: Protocol, id: &str) -> String {
        match (self, protocol) {
            (Self::Look, Protocol::Http) => format!("look(\"{id}\")"),
            _ => format!("{}({{id: \"{id}\", text: \"text of {id}\"}})", self.name()),
        }
    }
}

/// The interface as components import it.
pub(crate) const INTERFACE: &str = "test:ledger/ledger@1.2.0";

/// The interface of the types.
pub(crate) const TYPES: &str = "test:ledger/types@1.2.0";

/// The interface of the streams.
pub(crate) const STREAMS: &str = "test:ledger/streams@1.2.0";

/// The interface of the feeds.
pub(crate) const FEEDS: &str = "test:ledger/feeds@1.2.0";

/// The interface of the lists in pages.
pub(crate) const PAGES: &str = "test:ledger/pages@1.2.0";

/// The API in a file, with `in_doubt` for its unsafe operation.
pub(crate) fn bundle(protocol: Protocol, in_doubt: InDoubt) -> Bundle {
    Bundle { apis: vec![api(protocol, in_doubt)] }
}

/// The same, whose functions take settings of the call.
pub(crate) fn explicit_api(protocol: Protocol, in_doubt: InDoubt) -> Api {
    let mut api = api(protocol, in_doubt);
    witwire_ir::host::call::declare(&mut api);
    api.check().expect("a sound API");
    api
}

/// The API's WIT package.
pub(crate) fn wit(protocol: Protocol) -> String {
    print_package(&api(protocol, InDoubt::default()))
}
