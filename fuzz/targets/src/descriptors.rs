//! Any bytes as a `FileDescriptorSet`.

use witwire_frontends::Options;

use crate::{compile, use_all};

pub(crate) fn run(bytes: &[u8]) {
    for options in [Options::default(), compile::other_options()] {
        use_all::compiled(compile::descriptor_set(bytes, &options));
    }
}
