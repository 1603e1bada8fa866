//! Rules, formats, patterns and whole schemas against the JSON Schema Test Suite (draft 2020-12), where the corpus is there.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use witwire_ir::operation::http::{HttpCall, Method};
use witwire_ir::wire::json::Json as Wire;
use witwire_ir::{Check, Format, Number, Schema, Shape, TypeId, Value};

use crate::http::build::{Builder, call};

/// The suite's folder. Without the corpus: a failure under CI, else a plain line.
fn suite() -> Option<PathBuf> {
    let corpus = std::env::var_os("WITWIRE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    let folder = corpus.join("jsonschema/tests/draft2020-12");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "the corpus is missing: {}", folder.display());
    println!("skipped: corpus not found");
    None
}

/// The groups of a file: schema and cases.
fn groups(file: &Path) -> Vec<Json> {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    match serde_json::from_str(&text) {
        Ok(Json::Array(groups)) => groups,
        other => panic!("{}: {other:?}", file.display()),
    }
}

/// Whether a value breaks no rule of its type.
fn keeps(build: impl FnOnce(&mut Builder) -> TypeId, value: Value) -> bool {
    let mut b = Builder::new();
    let ty = build(&mut b);
    let operation = b.operation("send", &[("body", ty)], None, HttpCall { ..call(Method::Get) });
    b.plan().check(operation, &[value]).is_empty()
}

/// Cases that fail, and how many ran. `judge` is `None` for a case that is not of its kind.
fn run(file: &Path, judge: impl Fn(&Json, &Json) -> Option<bool>) -> (Vec<String>, usize) {
    let mut wrong = Vec::new();
    let mut ran = 0;
    // Host names are RFC 1123's here; what an A-label decodes to is IDNA's matter, and the server's.
    let is_idna = |group: &Json| group["description"].as_str().is_some_and(|text| text.contains("A-label"));
    for group in groups(file).into_iter().filter(|group| !is_idna(group)) {
        for case in group["tests"].as_array().expect("cases") {
            let Some(kept) = judge(&group["schema"], &case["data"]) else { continue };
            ran += 1;
            if Some(kept) != case["valid"].as_bool() {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                wrong.push(format!("{name}: {} / {}: {}", group["description"], case["description"], case["data"]));
            }
        }
    }
    (wrong, ran)
}

/// Cases that are left out: file, group, case (`*`: all), reason.
const LEFT_OUT: &str = include_str!("left_out.tsv");

/// The reason why a case is left out.
fn left_out(file: &str, group: &str, case: &str) -> Option<&'static str> {
    let fits = |wanted: &str, given: &str| wanted == "*" || wanted == given;
    LEFT_OUT.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let &[f, g, c, reason] = columns.as_slice() else { panic!("four columns: {line}") };
        (f == file && fits(g, group) && fits(c, case)).then_some(reason)
    })
}

/// The verdict of a whole schema over a JSON text.
fn keeps_schema(schema: &Json, data: &Json) -> bool {
    let build = |b: &mut Builder| {
        let raw = b.json(Shape::String, Wire::Raw);
        let id = b.api.schemas.push(Schema { json: schema.to_string(), pointer: "#".to_owned() });
        b.api.types[raw].checks = vec![Check::Schema(id)];
        raw
    };
    keeps(build, Value::string(data.to_string()))
}

#[test]
fn whole_schemas_agree_with_the_suite() {
    let Some(folder) = suite() else { return };
    let mut files: Vec<_> = fs::read_dir(&folder).expect("the suite").map(|e| e.expect("an entry").path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "json"));
    files.sort();
    let (mut wrong, mut needless) = (Vec::new(), Vec::new());
    let (mut ran, mut without) = (0, 0);
    for path in &files {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        for group in groups(path) {
            for case in group["tests"].as_array().expect("cases") {
                let text = |json: &Json| json["description"].as_str().unwrap_or_default().to_owned();
                let name = format!("{file}\t{}\t{}", text(&group), text(case));
                let agrees = Some(keeps_schema(&group["schema"], &case["data"])) == case["valid"].as_bool();
                match (left_out(&file, &text(&group), &text(case)), agrees) {
                    (None, true) => ran += 1,
                    (None, false) => wrong.push(name),
                    (Some(_), false) => without += 1,
                    (Some(_), true) => {
                        without += 1;
                        needless.push(name);
                    }
                }
            }
        }
    }
    println!("{ran} cases of whole schemas, {without} left out (of which {} agree)", needless.len());
    assert!(wrong.is_empty(), "{} of {ran}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(ran > 1000 && without * 100 <= (ran + without) * 15, "{ran} ran, {without} left out");
}

#[test]
fn formats_agree_with_the_suite() {
    let Some(folder) = suite() else { return };
    let formats = [
        ("date-time", Format::DateTime),
        ("date", Format::Date),
        ("time", Format::Time),
        ("duration", Format::Duration),
        ("uuid", Format::Uuid),
        ("uri", Format::Uri),
        ("email", Format::Email),
        ("ipv4", Format::Ipv4),
        ("ipv6", Format::Ipv6),
        ("hostname", Format::Hostname),
    ];
    let mut wrong = Vec::new();
    let mut ran = 0;
    for (name, format) in formats {
        let (faults, cases) = run(&folder.join(format!("optional/format/{name}.json")), |_, data| {
            let text = data.as_str()?;
            Some(keeps(|b| b.checked(Shape::String, vec![Check::Format(format)]), Value::string(text)))
        });
        wrong.extend(faults);
        ran += cases;
    }
    println!("{ran} cases of formats");
    assert!(ran > 200, "{ran}");
    assert!(wrong.is_empty(), "{} of {ran}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn patterns_agree_with_the_suite() {
    let Some(folder) = suite() else { return };
    let files = ["pattern.json", "optional/ecmascript-regex.json", "optional/non-bmp-regex.json"];
    let mut wrong = Vec::new();
    let mut ran = 0;
    for file in files {
        let (faults, cases) = run(&folder.join(file), |schema, data| {
            let (pattern, text) = (schema["pattern"].as_str()?, data.as_str()?);
            let checks = vec![Check::Pattern(pattern.to_owned())];
            Some(keeps(|b| b.checked(Shape::String, checks), Value::string(text)))
        });
        wrong.extend(faults);
        ran += cases;
    }
    println!("{ran} cases of patterns");
    assert!(ran > 50, "{ran}");
    assert!(wrong.is_empty(), "{} of {ran}:\n{}", wrong.len(), wrong.join("\n"));
}

/// A schema of one simple rule.
fn simple(schema: &Json) -> Option<Check> {
    let (name, bound) = schema.as_object()?.iter().find(|(name, _)| *name != "$schema")?;
    // Bounds of lengths are written as `2.0` too.
    let count = || bound.as_f64().map(|f| f as u64);
    let number = || Some(bound.as_i64().map_or(Number::Float(bound.as_f64()?), |n| Number::Int(n.into())));
    Some(match name.as_str() {
        "minLength" => Check::MinLength(count()?),
        "maxLength" => Check::MaxLength(count()?),
        "minItems" => Check::MinItems(count()?),
        "maxItems" => Check::MaxItems(count()?),
        "minimum" => Check::Minimum(number()?),
        "maximum" => Check::Maximum(number()?),
        "exclusiveMinimum" => Check::ExclusiveMinimum(number()?),
        "exclusiveMaximum" => Check::ExclusiveMaximum(number()?),
        "multipleOf" => Check::MultipleOf(number()?),
        _ => return None,
    })
}

#[test]
fn simple_rules_agree_with_the_suite() {
    let Some(folder) = suite() else { return };
    let files = [
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
    ];
    let mut wrong = Vec::new();
    let mut ran = 0;
    for file in files {
        let (faults, cases) = run(&folder.join(format!("{file}.json")), |schema, data| {
            let checks = vec![simple(schema)?];
            match data {
                Json::String(text) => Some(keeps(|b| b.checked(Shape::String, checks), Value::string(text.as_str()))),
                Json::Number(n) => {
                    let (shape, value) = match n.as_i64() {
                        Some(n) => (Shape::S64, Value::S64(n)),
                        None => (Shape::F64, Value::F64(n.as_f64()?)),
                    };
                    Some(keeps(|b| b.checked(shape, checks), value))
                }
                Json::Array(items) => {
                    let items = vec![Value::Bool(true); items.len()];
                    let build = |b: &mut Builder| {
                        let item = b.plain(Shape::Bool);
                        b.checked(Shape::List(item), checks)
                    };
                    Some(keeps(build, Value::list(items)))
                }
                _ => None,
            }
        });
        wrong.extend(faults);
        ran += cases;
    }
    println!("{ran} cases of simple rules");
    assert!(ran > 50, "{ran}");
    assert!(wrong.is_empty(), "{} of {ran}:\n{}", wrong.len(), wrong.join("\n"));
}
