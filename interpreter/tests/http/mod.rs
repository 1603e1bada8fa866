//! HTTP: requests, responses, validation.

mod auth;
mod bodies;
mod build;
mod checks;
mod json;
mod responses;
mod sources;
mod styles;
