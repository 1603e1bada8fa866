//! The server over real HTTP on loopback, against a real service.

mod client;
mod errors;
mod lifecycle;
mod setup;
