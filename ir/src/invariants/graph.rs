//! Neither types nor interfaces reach themselves, and what is spelled out stays within bounds.

use super::{Checker, Item, MAX_INLINE, Rule};
use crate::api::Api;
use crate::container::MAX_DEPTH;
use crate::id::{Id, InterfaceId, TypeId};
use crate::print::mentioned;

pub(super) fn check(c: &mut Checker<'_>) {
    types(c);
    // `mentioned` walks types, so it needs them to be sound.
    if c.found.is_empty() {
        interfaces(c);
    }
}

/// What is known of a type once all its parts are.
#[derive(Clone, Copy)]
struct Measure {
    /// The longest way down through parts.
    depth: usize,
    /// How many types it spells out where it is written in place.
    inline: u64,
}

fn types(c: &mut Checker<'_>) {
    let api = c.api;
    let mut measures: Vec<Option<Measure>> = vec![None; api.types.len()];
    let order = match order(api.types.len(), |i| api.types[TypeId::new(i)].shape.parts().map(Id::index).collect()) {
        Ok(order) => order,
        Err(i) => {
            c.fail(Item::Type(api, TypeId::new(i)), Rule::Recursion, "it contains itself");
            return;
        }
    };
    for i in order {
        let id = TypeId::new(i);
        let ty = &api.types[id];
        let mut measure = Measure { depth: 1, inline: 1 };
        for part in ty.shape.parts() {
            let of = measures[part.index()].unwrap_or(Measure { depth: 0, inline: 0 });
            measure.depth = measure.depth.max(of.depth + 1);
            let spelled = if api.types[part].name.is_some() { 1 } else { of.inline };
            measure.inline = measure.inline.saturating_add(spelled);
        }
        // A declaration's members stand each on their own line; only what is written in place adds up.
        if ty.name.is_some() || ty.shape.needs_name() {
            measure.inline = 1;
        }
        c.ensure(
            measure.depth <= MAX_DEPTH,
            Item::Type(api, id),
            Rule::Recursion,
            format!("nested deeper than {MAX_DEPTH}"),
        );
        let spelled = format!("written in place it spells out more than {MAX_INLINE} types");
        c.ensure(measure.inline <= MAX_INLINE, Item::Type(api, id), Rule::Recursion, spelled);
        measures[i] = Some(measure);
    }
}

fn interfaces(c: &mut Checker<'_>) {
    let api = c.api;
    let uses = |i: usize| interface_uses(api, InterfaceId::new(i));
    if let Err(i) = order(api.interfaces.len(), uses) {
        c.fail(
            Item::Interface(api, InterfaceId::new(i)),
            Rule::Recursion,
            "it uses types of an interface that uses its types",
        );
    }
}

fn interface_uses(api: &Api, scope: InterfaceId) -> Vec<usize> {
    let mut uses: Vec<usize> = mentioned(api, scope)
        .into_iter()
        .filter_map(|ty| api.types[ty].name.as_ref())
        .map(|name| name.interface.index())
        .filter(|i| *i != scope.index())
        .collect();
    uses.sort_unstable();
    uses.dedup();
    uses
}

/// All items, parts before wholes; an item of a cycle where there is one. Iterative, since a forged graph can be as deep as it
/// has items.
fn order(count: usize, parts: impl Fn(usize) -> Vec<usize>) -> Result<Vec<usize>, usize> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut states = vec![State::New; count];
    let mut order = Vec::with_capacity(count);
    for start in 0..count {
        if states[start] != State::New {
            continue;
        }
        states[start] = State::Open;
        let mut stack = vec![(start, parts(start).into_iter())];
        while let Some((item, rest)) = stack.last_mut() {
            let Some(next) = rest.next() else {
                states[*item] = State::Done;
                order.push(*item);
                stack.pop();
                continue;
            };
            match states[next] {
                State::New => {
                    states[next] = State::Open;
                    stack.push((next, parts(next).into_iter()));
                }
                State::Open => return Err(next),
                State::Done => {}
            }
        }
    }
    Ok(order)
}
