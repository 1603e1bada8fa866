//! Any bytes as an OpenAPI document.

use witwire_frontends::Options;

use crate::{compile, use_all};

pub(crate) fn run(bytes: &[u8]) {
    for options in [Options::default(), compile::other_options()] {
        let compiled = compile::document(bytes, &options);
        assert!(!compiled.apis.is_empty() || compiled.is_refused(), "without a package there is an error that says why");
        use_all::compiled(compiled);
    }
}
