//! One file a command.

pub(crate) mod build;
pub(crate) mod call;
pub(crate) mod compile;
pub(crate) mod component;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod doctor;
pub(crate) mod inspect;
pub(crate) mod manifest;
pub(crate) mod new;
pub(crate) mod oplog;
pub(crate) mod reference;
pub(crate) mod run;
pub(crate) mod server;
pub(crate) mod wit;
pub(crate) mod worker;
