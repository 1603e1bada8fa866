//! Documents made to hurt: each must end, in time, with a result or a diagnostic, on the stack of a test thread.

use std::fmt::Write as _;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use witwire_frontends::openapi::compile;
use witwire_frontends::{Code, Compiled, MemoryFiles, Options};

/// A document's text, and a code that its diagnostics must have.
type Case = (&'static str, fn() -> String, Option<Code>);

const CASES: &[Case] = &[
    ("deep_flow", || format!("openapi: 3.0.3\nx: {}{}", "[".repeat(50_000), "]".repeat(50_000)), Some(Code::NotYaml)),
    ("alias_bomb", alias_bomb, None),
    ("merge_bomb", merge_bomb, Some(Code::Budget)),
    ("long_chain_of_references", || schemas(20_000, |i| format!("{{ $ref: '#/components/schemas/S{}' }}", i + 1)), None),
    ("circle_of_references", || schemas(500, |i| format!("{{ $ref: '#/components/schemas/S{}' }}", (i + 1) % 500)), None),
    (
        "deep_chain_of_records",
        || schemas(20_000, |i| record(&format!("{{ $ref: '#/components/schemas/S{}' }}", i + 1))),
        Some(Code::Degraded),
    ),
    ("chain_of_all_of", || schemas(3_000, all_of), None),
    ("everybody_knows_everybody", || schemas(60, |_| everybody(60)), Some(Code::Degraded)),
    ("large_cycle", || schemas(3_000, |i| everybody_near(i, 3_000)), Some(Code::Degraded)),
    ("doubling", || schemas(60, doubling), None),
    ("unions_of_unions", || schemas(40, unions), None),
    ("required_units", || schemas(12, units), None),
    ("mutual_all_of", mutual_all_of, None),
    ("pointer_through_references", pointers, None),
    ("many_arms", many_arms, None),
    ("many_equal_names", || schemas(5_000, |_| "{ type: object, properties: { a: { type: string } } }".to_owned()), None),
    ("wrong_kinds", || WRONG.to_owned(), None),
    ("not_utf8", || "openapi: 3.0.3\0\u{1}".to_owned(), Some(Code::NotYaml)),
    ("empty", String::new, Some(Code::NotYaml)),
];

pub(super) fn trials() -> Vec<Trial> {
    CASES
        .iter()
        .map(|(name, text, code)| Trial::test(format!("openapi::hostile::{name}"), move || run(&text(), *code)))
        .collect()
}

fn run(text: &str, code: Option<Code>) -> Result<(), Failed> {
    let files = MemoryFiles::new().with("api.yaml", text);
    let compiled: Compiled = compile(Path::new("api.yaml"), &files, &Options::default());
    let codes: Vec<Code> = compiled.diagnostics.iter().map(|d| d.code).collect();
    if let Some(code) = code
        && !codes.contains(&code)
    {
        return Err(format!("no {code} among {:?}", &compiled.diagnostics[..codes.len().min(5)]).into());
    }
    for api in &compiled.apis {
        api.check().map_err(|c| format!("{:#?}", &c[..c.len().min(3)]))?;
        crate::proto::structure::read(&witwire_ir::print_package(api))?;
    }
    if compiled.apis.is_empty() && !compiled.is_refused() {
        return Err("neither a package nor an error".into());
    }
    Ok(())
}

/// A document whose one operation returns `S0` of some schemas.
fn schemas(count: usize, schema: impl Fn(usize) -> String) -> String {
    let mut out = String::from(
        "openapi: 3.1.0\ninfo: { title: T, version: 1.0.0 }\npaths:\n  /a:\n    get:\n      responses:\n        '200':\n          description: d\n          content: { application/json: { schema: { $ref: '#/components/schemas/S0' } } }\ncomponents:\n  schemas:\n",
    );
    for i in 0..count {
        let _ = writeln!(out, "    S{i}: {}", schema(i));
    }
    let _ = writeln!(out, "    S{count}: {{ type: string }}");
    out
}

fn record(of: &str) -> String {
    format!("{{ type: object, required: [a], properties: {{ a: {of}, b: {{ type: string }} }} }}")
}

fn all_of(i: usize) -> String {
    format!("{{ allOf: [{{ $ref: '#/components/schemas/S{}' }}, {{ type: object, properties: {{ p{i}: {{ type: string }} }} }}] }}", i + 1)
        .replace("S3000'", "S2999'")
}

fn everybody(count: usize) -> String {
    let mut out = String::from("{ type: object, properties: {");
    for i in 0..count {
        let _ = write!(out, " p{i}: {{ $ref: '#/components/schemas/S{i}' }},");
    }
    out + " } }"
}

fn everybody_near(i: usize, count: usize) -> String {
    let mut out = String::from("{ type: object, properties: {");
    for step in [1, 2, 7, count - 1] {
        let _ = write!(out, " p{step}: {{ $ref: '#/components/schemas/S{}' }},", (i + step) % count);
    }
    out + " } }"
}

fn doubling(i: usize) -> String {
    let next = i + 1;
    format!(
        "{{ type: object, properties: {{ a: {{ $ref: '#/components/schemas/S{next}' }}, b: {{ $ref: '#/components/schemas/S{next}' }} }} }}"
    )
}

fn unions(i: usize) -> String {
    let next = i + 1;
    format!(
        "{{ oneOf: [{{ $ref: '#/components/schemas/S{next}' }}, {{ allOf: [{{ $ref: '#/components/schemas/S{next}' }}, {{ required: [x{i}] }}] }}, {{ type: array, items: {{ $ref: '#/components/schemas/S{next}' }} }}] }}"
    )
}

fn units(i: usize) -> String {
    if i == 11 {
        return "{ type: object, additionalProperties: false }".to_owned();
    }
    let mut out = String::from("{ type: object, required: [");
    let keys: Vec<String> = (0..60).map(|k| format!("k{k}")).collect();
    let _ = write!(out, "{}], properties: {{", keys.join(", "));
    for key in &keys {
        let _ = write!(out, " {key}: {{ $ref: '#/components/schemas/S{}' }},", i + 1);
    }
    out + " } }"
}

fn mutual_all_of() -> String {
    schemas(2, |i| {
        let other = 1 - i;
        format!(
            "{{ allOf: [{{ $ref: '#/components/schemas/S{other}' }}], type: object, properties: {{ self: {{ $ref: '#/components/schemas/S{i}' }}, list: {{ type: array, items: {{ $ref: '#/components/schemas/S{other}' }} }} }} }}"
        )
    })
}

fn alias_bomb() -> String {
    let mut out = String::from("openapi: 3.0.3\ninfo: { title: T, version: 1.0.0 }\nx0: &x0 { type: string, example: a }\n");
    for i in 1..60 {
        let before = i - 1;
        let _ =
            writeln!(out, "x{i}: &x{i} {{ type: object, properties: {{ a: *x{before}, b: *x{before}, c: *x{before} }} }}");
    }
    out + "paths:\n  /a:\n    post:\n      requestBody: { content: { application/json: { schema: *x59 } } }\n      responses: { '200': { description: d, content: { application/json: { schema: *x59 } } } }\n"
}

fn merge_bomb() -> String {
    let mut out = String::from("openapi: 3.0.3\nbase: &base {");
    for i in 0..5_000 {
        let _ = write!(out, " k{i}: 1,");
    }
    out.push_str(" }\n");
    for i in 0..5_000 {
        let _ = writeln!(out, "m{i}: {{ <<: *base }}");
    }
    out
}

fn pointers() -> String {
    schemas(200, |i| {
        let next = (i + 1) % 200;
        format!("{{ $ref: '#/components/schemas/S{next}/properties/a/properties/b/items/properties/c' }}")
    })
}

fn many_arms() -> String {
    schemas(1, |_| {
        let arms: Vec<String> = (0..3_000)
            .map(|i| format!("{{ type: object, required: [k{i}], properties: {{ k{i}: {{ type: string }} }} }}"))
            .collect();
        format!("{{ oneOf: [{}] }}", arms.join(", "))
    })
}

/// Every keyword with a value of another kind.
const WRONG: &str = "
openapi: 3.1.0
info: [title]
servers: { url: 5 }
security: { a: b }
tags: nothing
paths:
  /a:
    parameters: { a: b }
    get: [1, 2]
    put:
      operationId: [x]
      tags: { a: b }
      parameters: [1, null, [], { name: [a], in: query }, { name: q, in: query, schema: 5 }, { $ref: 7 }, { name: r, in: query, content: [] }]
      requestBody: text
      responses: [200]
      security: [null, 5, { a: 1 }]
    post:
      requestBody: { content: { application/json: { schema: [] }, x: 5 } }
      responses: { '200': 5, '201': { headers: [], content: [] }, '202': { headers: { A: 1 }, content: { application/json: 5 } }, default: null }
    patch:
      requestBody: { content: { application/json: { schema: { type: [], properties: [], required: {}, enum: {}, allOf: {}, oneOf: [5, null], items: 5, additionalProperties: 7, minimum: [], discriminator: 5 } } } }
      responses: { '200': { content: { application/json: { schema: { type: { a: b }, properties: { a: 5, b: null, c: [] }, required: [[], {}], enum: [[], {}, null], const: { a: 1 } } } } } }
  5: 6
  /b: null
components: { schemas: [], securitySchemes: { a: 5, b: { type: 7 }, c: { type: http } }, parameters: null }
";
