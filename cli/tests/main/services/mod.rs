//! Real third-party services, called from guests. What a call changed is looked up by the services' own means.

mod grpcio;
mod guest;

pub(crate) use guest::Guest;

use crate::Add;

pub(crate) fn trials(add: Add<'_>) {
    add("services::grpcio_health", grpcio::health);
    add("services::grpcio_reflection", grpcio::reflection);
    add("services::grpcio_channelz", grpcio::channelz);
}
