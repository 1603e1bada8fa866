//! Real third-party services, called from guests. What a call changed is looked up by the services' own means.

mod application;
mod chroma;
mod containerd;
mod envoy;
mod gobgp;
mod grpcio;
mod guest;
mod prefect;
mod web;

pub(crate) use guest::Guest;

use crate::Add;

pub(crate) fn trials(add: Add<'_>) {
    add("services::grpcio_health", grpcio::health);
    add("services::grpcio_reflection", grpcio::reflection);
    add("services::grpcio_channelz", grpcio::channelz);
    add("services::gobgp", gobgp::paths);
    add("services::containerd", containerd::calls);
    add("services::envoy", envoy::faults);
    add("services::prefect", prefect::operations);
    add("services::chroma", chroma::operations);
}
