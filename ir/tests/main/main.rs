//! What the IR promises: it survives its container, its values survive their texts, what it prints is WIT.

#![expect(clippy::unwrap_used, reason = "a test's failure is a panic")]

mod arbitrary;
mod container;
mod contradictions;
mod data;
mod http;
mod pruning;
mod sampling;
mod small;
mod values;
mod wave;
mod wit;
