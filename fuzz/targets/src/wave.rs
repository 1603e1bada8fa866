//! Any text as WAVE: a value of every parameter of two packages, and a call.

use std::sync::LazyLock;

use witwire_frontends::Options;
use witwire_interpreter::Plan;
use witwire_ir::Api;
use witwire_ir::wave::{WaveCall, parse_call, parse_value, print_call, print_value};

use crate::compile::{self, ECHO, REST};

static PLANS: LazyLock<[Plan; 2]> = LazyLock::new(|| {
    let options = Options::default();
    [compile::plan(compile::document(REST, &options)), compile::plan(compile::source(ECHO, &options))]
});

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    for plan in PLANS.iter() {
        values(plan.api(), text);
        call(plan.api(), text);
    }
}

fn values(api: &Api, text: &str) {
    for param in api.operations.iter().flat_map(|(_, operation)| &operation.params) {
        let Ok(value) = parse_value(api, param.ty, text) else { continue };
        assert_eq!(value.conforms(api, param.ty), Ok(()), "what was parsed is a value of the type");
        let printed = print_value(api, param.ty, &value);
        assert_eq!(parse_value(api, param.ty, &printed).as_ref(), Ok(&value), "what was printed parses: {printed}");
    }
}

fn call(api: &Api, text: &str) {
    let Ok(call) = parse_call(api, text) else { return };
    let WaveCall { operation, args } = &call;
    for (arg, param) in args.iter().zip(&api.operations[*operation].params) {
        assert_eq!(arg.conforms(api, param.ty), Ok(()), "an argument is a value of its type");
    }
    let printed = print_call(api, *operation, args);
    assert_eq!(parse_call(api, &printed).as_ref(), Ok(&call), "what was printed parses: {printed}");
}
