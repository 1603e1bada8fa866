//! Enumerated values.

use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{Json, Literal};
use witwire_ir::{Case, Label, Shape, Type, WitName};

use super::Schemas;
use super::flat::Flat;
use super::kinds::Kinds;
use super::lower::{Built, known_name};
use super::object::{literal_of, literal_text, symbol_words};
use super::usage::Mode;
use crate::names::{Scope, from_words, words};
use crate::openapi::tree::{NodeId, Scalar};

/// WIT's tools take no more cases.
const MOST: usize = 5_000;

impl Schemas<'_> {
    /// Only sent: an `enum`; else a variant that keeps values that the document does not know.
    pub(super) fn enumeration(&mut self, flat: &Flat, mode: Mode, node: Option<NodeId>) -> Built {
        let values = flat.values.clone().unwrap_or_default();
        self.values(&values, &flat.leaves, flat.kinds, mode, node, "unrecognized")
    }

    /// `open`: the case for any other value, where there is one.
    pub(super) fn values(
        &mut self,
        values: &[NodeId],
        owners: &[NodeId],
        kinds: Kinds,
        mode: Mode,
        node: Option<NodeId>,
        open: &'static str,
    ) -> Built {
        let tree = self.views.cx.tree;
        let mut literals: Vec<Literal> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for value in values {
            let literal = literal_of(tree, *value);
            if matches!(literal, Literal::Json(_)) {
                return Built::Existing(match node {
                    Some(node) => self.degrade(node, "values to choose from are objects or arrays", "use scalars"),
                    None => self.json(),
                });
            }
            // Some documents write numbers as strings or the other way round; the type decides.
            let literal = match literal {
                Literal::Int(n) if kinds == Kinds::STRING => Literal::String(n.to_string()),
                Literal::Number(n) if kinds == Kinds::STRING => Literal::String(n),
                Literal::Bool(b) if kinds == Kinds::STRING => {
                    Literal::String(tree.text(*value).map_or_else(|| b.to_string(), str::to_owned))
                }
                Literal::String(s) if kinds == Kinds::INTEGER => s.parse().map_or(Literal::String(s), Literal::Int),
                other => other,
            };
            if seen.insert(literal_text(&literal)) {
                literals.push(literal);
            }
        }
        if literals.is_empty() || literals.len() > MOST {
            return Built::New(Type::plain(Shape::String));
        }
        let names = self.case_names(&literals, owners, open);
        let wire = Wire::Json(Json::Literals(literals));
        if mode == Mode::Sent && open == "unrecognized" {
            let labels = names.into_iter().map(|name| Label { name, docs: None }).collect();
            return Built::New(Type::with_wire(Shape::Enum(labels), wire));
        }
        let string = self.shape(Shape::String);
        let mut cases: Vec<Case> = names.into_iter().map(|name| Case { name, ty: None, docs: None }).collect();
        cases.push(Case { name: known_name(open), ty: Some(string), docs: None });
        Built::New(Type::with_wire(Shape::Variant(cases), wire))
    }

    fn case_names(&self, literals: &[Literal], owners: &[NodeId], open: &str) -> Vec<WitName> {
        let tree = self.views.cx.tree;
        let given: Vec<&str> = owners
            .iter()
            .flat_map(|n| ["x-enum-varnames", "x-enumNames", "x-enum-names"].map(|k| tree.get_items(*n, k)))
            .find(|list| list.len() == literals.len())
            .map(|list| list.iter().filter_map(|n| tree.text(*n)).collect())
            .unwrap_or_default();
        let mut scope = Scope::new();
        scope.wish(0, known_name(open), None, open);
        for (i, literal) in literals.iter().enumerate() {
            let text = literal_text(literal);
            let use_given = given.len() == literals.len() && !matches!(literal, Literal::String(_));
            let of = if use_given { words(given[i]) } else { case_words(literal, &text) };
            // The rank of a value that is spelled like its name comes first.
            let name = from_words(&of, "value", &text).name;
            let spelled = matches!(literal, Literal::String(s) if s == name.as_str());
            scope.wish(if spelled { 1 } else { 2 }, name, None, text);
        }
        scope.give().names.split_off(1)
    }
}

/// The words of a value.
fn case_words(literal: &Literal, text: &str) -> Vec<String> {
    let spelled = match literal {
        Literal::String(s) => s.as_str(),
        _ => text,
    };
    let mut of = words(spelled);
    if of.is_empty() {
        return symbol_words(spelled);
    }
    match spelled.chars().next() {
        Some('-') => of.insert(0, "minus".to_owned()),
        Some('+') => of.insert(0, "plus".to_owned()),
        _ => {}
    }
    of
}

/// Whether a value is the empty string.
pub(super) fn is_empty_string(tree: &crate::openapi::tree::Tree, node: NodeId) -> bool {
    tree.scalar(node) == Some(Scalar::String(""))
}
