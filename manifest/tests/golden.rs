//! Manifests → what is said of them, one trial per file. `BLESS=1` writes the expected parts anew.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use witwire_manifest::build::{self, BuildError, Event};
use witwire_manifest::reflection::{Reflect, Reflected};
use witwire_manifest::{Code, LockPolicy, Mistake, Project, schema};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for file in files("mistakes") {
        trials.push(Trial::test(name("mistakes", &file), move || mistakes(&file)));
    }
    for file in files("valid") {
        let of = file.clone();
        trials.push(Trial::test(name("valid", &file), move || valid(&of)));
        trials.push(Trial::test(name("valid_by_schema", &file), move || accepted(&file)));
    }
    trials
}

fn name(group: &str, file: &Path) -> String {
    format!("{group}::{}", file.file_stem().unwrap_or_default().to_string_lossy())
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = std::fs::read_dir(&folder).expect("the folder of test data");
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no manifests", folder.display());
    files
}

/// Golden manifests are checked without a network.
struct Nobody;

impl Reflect for Nobody {
    fn descriptor_set(&self, _: &Reflected) -> Result<Vec<u8>, String> {
        Err("nobody is asked here".to_owned())
    }
}

/// All that is said of a manifest, its specifications included.
fn told(file: &Path) -> (Vec<Mistake>, String) {
    let mut text = String::new();
    let mistakes = match Project::open(file, None) {
        Err(mistakes) => mistakes,
        Ok(project) => {
            let policy = LockPolicy { offline: true, locked: true, ..LockPolicy::default() };
            let mut tell = |event: Event<'_>| {
                if let Event::Finding(finding) = event {
                    text.push_str(&format!("{finding}\n"));
                }
            };
            match build::check(&project, policy, &Nobody, &mut tell) {
                Ok(()) => Vec::new(),
                Err(BuildError::Mistakes(mistakes)) => mistakes,
                Err(BuildError::File(e)) => panic!("{e}"),
            }
        }
    };
    for mistake in &mistakes {
        text.push_str(&format!("{mistake}\n"));
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    (mistakes, text.replace(&format!("{}/", folder.display()), ""))
}

fn mistakes(file: &Path) -> Result<(), Failed> {
    let (mistakes, text) = told(file);
    assert!(!mistakes.is_empty(), "no mistake was found");
    assert!(!text.contains("hunter2"), "a secret is repeated:\n{text}");
    for mistake in &mistakes {
        assert!(mistake.location.line > 0, "no place: {mistake}");
    }
    // What is a matter of form alone the schema refuses as well, so that editors do.
    let by_form = [Code::UnknownKey, Code::WrongKind, Code::Excluded, Code::OtherType];
    if mistakes.iter().any(|m| by_form.contains(&m.code))
        && let Some(value) = yaml(file)
    {
        let environment = text.contains("#/environments");
        assert!(environment || !jsonschema::is_valid(schema::schema(), &value), "the schema accepts it:\n{text}");
    }
    compare(&file.with_extension("expected"), &text)
}

fn valid(file: &Path) -> Result<(), Failed> {
    // A manifest `…_NAME` is read in the environment NAME.
    let environment = file.file_stem().and_then(|s| s.to_str()?.strip_prefix("environment_"));
    let project = Project::open(file, environment).map_err(|mistakes| format!("{mistakes:#?}"))?;
    let json = serde_json::to_string_pretty(&project.manifest).map_err(|e| e.to_string())?;
    compare(&file.with_extension("expected"), &format!("{json}\n"))?;
    let (mistakes, text) = told(file);
    assert!(mistakes.is_empty(), "{text}");
    Ok(())
}

/// Another implementation of JSON Schema accepts what we do.
fn accepted(file: &Path) -> Result<(), Failed> {
    let value = yaml(file).ok_or("not YAML")?;
    let validator = jsonschema::draft202012::new(schema::schema()).map_err(|e| e.to_string())?;
    let errors: Vec<String> = validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("\n").into()) }
}

fn yaml(file: &Path) -> Option<serde_json::Value> {
    serde_saphyr::from_str(&std::fs::read_to_string(file).ok()?).ok()
}

fn compare(expected: &Path, found: &str) -> Result<(), Failed> {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(expected, found).map_err(|e| e.to_string())?;
        return Ok(());
    }
    let wanted = std::fs::read_to_string(expected).map_err(|e| format!("{}: {e}; BLESS=1 writes it", expected.display()))?;
    if wanted == found { Ok(()) } else { Err(format!("{}:\n{found}", expected.display()).into()) }
}
