//! What is wrong with a WAVE text.

use std::fmt;

use wasm_wave::parser::ParserErrorKind;

/// Why a text is not the expected value or call: where, what was expected, what was found, what to do.
///
/// It quotes names, numbers and punctuation of the text, never the content of a string or a word in a string's place: these may
/// be credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct WaveError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The path from the arguments or the value: `request.tags[3].title`. Empty for the whole.
    pub path: String,
    /// What is wrong there.
    pub problem: Box<Problem>,
}

impl WaveError {
    /// Whether the text calls a function that the API does not have, so that another API may be meant.
    pub fn is_unknown_function(&self) -> bool {
        matches!(*self.problem, Problem::UnknownFunction { .. })
    }

    pub(super) fn at(text: &str, offset: usize, path: &str, problem: Problem) -> Self {
        let before = text.char_indices().take_while(|(i, _)| *i < offset).map(|(_, c)| c);
        let (line, column) = before.fold((1, 1), |(l, c), ch| if ch == '\n' { (l + 1, 1) } else { (l, c + 1) });
        Self { line, column, path: path.to_owned(), problem: Box::new(problem) }
    }
}

impl fmt::Display for WaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 1 {
            write!(f, "line {}, ", self.line)?;
        }
        write!(f, "column {}: ", self.column)?;
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        self.problem.fmt(f)
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text is not WAVE.
    #[error("{0}")]
    Syntax(String),
    /// No function has this name.
    #[error("there is no function `{name}`{}{}", nearest(did_you_mean.as_deref()), list("; there are", known))]
    UnknownFunction {
        /// The name as given.
        name: String,
        /// The nearest function.
        did_you_mean: Option<String>,
        /// Functions that could have been meant, where they are few.
        known: Vec<String>,
    },
    /// Several interfaces have a function of this name.
    #[error("several interfaces have a function `{name}`; write one of {}", quoted(candidates))]
    AmbiguousFunction {
        /// The name as given.
        name: String,
        /// The full names.
        candidates: Vec<String>,
    },
    /// More arguments than parameters.
    #[error("too many arguments: the function takes {expected}{}, found {found}", list(":", parameters))]
    TooManyArguments {
        /// How many parameters there are.
        expected: usize,
        /// The parameters with their types.
        parameters: Vec<String>,
        /// How many arguments there are.
        found: usize,
    },
    /// A parameter that is not an option has no argument.
    #[error("missing argument `{name}: {expected}`")]
    MissingArgument {
        /// The parameter.
        name: String,
        /// Its type.
        expected: String,
    },
    /// The value has another type.
    #[error("expected {expected}, found {found}{hint}")]
    Mismatch {
        /// The expected type in WIT.
        expected: String,
        /// What stands there.
        found: String,
        /// What to write instead; empty or `; …`.
        hint: String,
    },
    /// A number outside its type's range.
    #[error("{found} is out of range: expected {expected}, {min} to {max}")]
    OutOfRange {
        /// The expected type in WIT.
        expected: &'static str,
        /// The number as written.
        found: String,
        /// The least number of the type.
        min: String,
        /// The greatest.
        max: String,
    },
    /// The record has no such field.
    #[error("`{record}` has no field `{field}`{}{}", nearest(did_you_mean.as_deref()), list("; its fields are", known))]
    UnknownField {
        /// The record.
        record: String,
        /// The field as given.
        field: String,
        /// The nearest field.
        did_you_mean: Option<String>,
        /// All fields, where they are few.
        known: Vec<String>,
    },
    /// Fields that are not options were left out.
    #[error("`{record}` lacks {}", quoted(fields))]
    MissingFields {
        /// The record.
        record: String,
        /// The fields with their types.
        fields: Vec<String>,
    },
    /// The enum, variant or flags have no such case.
    #[error("`{expected}` has no case `{case}`{}{}", nearest(did_you_mean.as_deref()), list("; its cases are", known))]
    UnknownCase {
        /// The type.
        expected: String,
        /// The case as given.
        case: String,
        /// The nearest case.
        did_you_mean: Option<String>,
        /// All cases, where they are few.
        known: Vec<String>,
    },
    /// A case without payload was given one.
    #[error("`{case}` takes no payload; write `{case}` alone")]
    UnexpectedPayload {
        /// The case.
        case: String,
    },
    /// A case with payload was given none.
    #[error("`{case}` needs a payload: `{case}(…)` with a {expected}")]
    MissingPayload {
        /// The case.
        case: String,
        /// The payload's type.
        expected: String,
    },
    /// A tuple of another length.
    #[error("expected {expected}, which has {want} elements, found {got}")]
    TupleLength {
        /// The tuple's type.
        expected: String,
        /// How many elements it has.
        want: usize,
        /// How many there are.
        got: usize,
    },
}

/// How many names a message lists at most.
const LISTED: usize = 24;

/// The names for a message, or none where they are too many to help.
pub(super) fn few<T: Into<String>>(names: impl IntoIterator<Item = T>) -> Vec<String> {
    let names: Vec<String> = names.into_iter().take(LISTED + 1).map(Into::into).collect();
    if names.len() > LISTED { Vec::new() } else { names }
}

fn nearest(name: Option<&str>) -> String {
    name.map_or_else(String::new, |n| format!("; did you mean `{n}`?"))
}

fn list(lead: &str, names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("{lead} {}", quoted(names)) }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

/// Puts an error of the grammar into words.
pub(super) fn syntax(text: &str, kind: ParserErrorKind, offset: usize) -> WaveError {
    let message = match kind {
        ParserErrorKind::UnexpectedEnd => "the text ends too early; a bracket or value is missing".to_owned(),
        ParserErrorKind::TrailingCharacters => "text follows after the end".to_owned(),
        ParserErrorKind::NestingTooDeep => "nested too deep; at most 100 levels".to_owned(),
        ParserErrorKind::EmptyTuple => "`()` is no value; a tuple has at least one element".to_owned(),
        ParserErrorKind::DuplicateField => "the same field is given twice".to_owned(),
        ParserErrorKind::DuplicateFlag => "the same flag is given twice".to_owned(),
        ParserErrorKind::InvalidToken | ParserErrorKind::UnexpectedToken => return unexpected(text, offset),
        other => other.to_string(),
    };
    WaveError::at(text, offset, "", Problem::Syntax(message))
}

fn unexpected(text: &str, offset: usize) -> WaveError {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let (before, rest) = text.split_at_checked(offset).unwrap_or((text, ""));
    // The grammar splits `userId` and `user_id`; the whole word is what is wrong.
    let start = before.trim_end_matches(is_word).len();
    let word: String = text.chars().skip(text[..start].chars().count()).take_while(|c| is_word(*c)).collect();
    let at = |message: &str| WaveError::at(text, offset, "", Problem::Syntax(message.to_owned()));
    match rest.chars().next() {
        None => at("the text ends too early"),
        Some('"' | '\'') => at(
            "a string or character that does not end, or an escape that WAVE does not know (there are \\\\ \\\" \\' \\t \\n \\r \\u{…})",
        ),
        Some(c) if is_word(c) && word.contains(|c: char| c == '_' || c.is_uppercase()) => {
            let message = "names are lower-case words joined by hyphens (`user-id`)".to_owned();
            WaveError::at(text, start, "", Problem::Syntax(message))
        }
        Some(c) if is_word(c) => at("a word that does not fit here; text stands in double quotes, fields are `name: value`"),
        Some(c) => at(&format!("`{c}` does not fit here")),
    }
}
