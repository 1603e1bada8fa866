//! The manifest `witwire.yaml` and what is made of it.
//!
//! [`bundle`] is the file that `witwire build` ends in and `witwire deploy` begins with.

pub mod bundle;
