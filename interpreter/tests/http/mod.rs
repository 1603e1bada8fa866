//! HTTP: requests, responses, validation.

mod agreement;
mod arms;
mod auth;
mod bodies;
mod build;
mod checks;
mod corpus;
mod fixtures;
mod json;
mod pages;
mod responses;
mod schemas;
mod sources;
mod styles;
mod suite;
mod tables;
