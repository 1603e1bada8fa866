//! ECMA-262 and RE2 patterns on Rust's engines.
//!
//! Patterns run on `regex`, in linear time. Only look-around and back-references need `fancy-regex`, which may give up; a text on
//! which it does is refused.

mod re2;
mod translate;

use std::sync::OnceLock;

use translate::Translated;

/// Compiled patterns may take so many bytes; large counted repetitions need them.
const SIZE_LIMIT: usize = 64 << 20;

/// What a pattern is written in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Dialect {
    Ecma,
    Re2,
}

/// A pattern, compiled when it is first needed.
#[derive(Debug)]
pub(super) struct Pattern {
    source: Box<str>,
    dialect: Dialect,
    engine: OnceLock<Option<Engine>>,
}

#[derive(Debug)]
enum Engine {
    Linear(regex::Regex),
    Backtracking(Box<fancy_regex::Regex>),
}

impl Pattern {
    pub(super) fn new(source: &str, dialect: Dialect) -> Self {
        Self { source: source.into(), dialect, engine: OnceLock::new() }
    }

    /// What is wrong with a text; `None` where the pattern is found in it, or where neither engine knows the pattern (it is then
    /// left to the server).
    pub(super) fn trouble(&self, text: &str) -> Option<String> {
        match self.engine.get_or_init(|| compile(&self.source, self.dialect)).as_ref()? {
            Engine::Linear(regex) if regex.is_match(text) => None,
            Engine::Linear(_) => Some(self.mismatch()),
            Engine::Backtracking(regex) => match regex.is_match(text) {
                Ok(true) => None,
                Ok(false) => Some(self.mismatch()),
                Err(_) => Some(format!("cannot be matched against `{}` in reasonable time: simplify the text", self.source)),
            },
        }
    }

    fn mismatch(&self) -> String {
        format!("does not match the pattern `{}`: give a text that does", self.source)
    }
}

fn compile(source: &str, dialect: Dialect) -> Option<Engine> {
    let linear = |pattern: &str| regex::RegexBuilder::new(pattern).size_limit(SIZE_LIMIT).build().ok().map(Engine::Linear);
    let Translated { pattern, backtracks } = match dialect {
        Dialect::Re2 => return linear(&re2::translate(source)?),
        Dialect::Ecma => translate::translate(source)?,
    };
    if !backtracks && let Some(engine) = linear(&pattern) {
        return Some(engine);
    }
    let regex = fancy_regex::RegexBuilder::new(&pattern).delegate_size_limit(SIZE_LIMIT).build().ok()?;
    Some(Engine::Backtracking(Box::new(regex)))
}
