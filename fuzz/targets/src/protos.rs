//! Any bytes as a protobuf source.

use witwire_frontends::Options;

use crate::{compile, use_all};

pub(crate) fn run(bytes: &[u8]) {
    for options in [Options::default(), compile::other_options()] {
        use_all::compiled(compile::source(bytes, &options));
    }
}
