//! From a page to the request of the next one.

use witwire_ir::operation::http::Pager;
use witwire_ir::{Api, Param, Place, Shape, TypeId, Value};

use super::{HttpPlan, link, place};

impl HttpPlan {
    /// The arguments of the next page's call; `None` where the page is the last. A URL stands behind the declared arguments.
    pub(crate) fn further(&self, api: &Api, args: &[Value], page: &Value) -> Option<Vec<Value>> {
        let pager = self.call.pager.as_ref()?;
        let declared = args.get(..self.params.len())?;
        let mut next = declared.to_vec();
        match pager {
            Pager::Link { header } => next.push(Value::string(link::next(text(at(page, header)?)?)?)),
            Pager::Url { url } => next.push(Value::string(text(at(page, url)?)?)),
            Pager::Cursor { cursor, argument } => {
                let cursor = at(page, cursor)?;
                // One that stays as it is would lead here again.
                if text(cursor) == Some("") || place::find(declared, argument) == Some(cursor) {
                    return None;
                }
                self.set(api, &mut next, argument, cursor)?;
            }
            Pager::Page { argument, first, items, pages } => {
                let current = number_at(declared, argument).unwrap_or_else(|| (*first).into());
                let is_last = pages
                    .as_ref()
                    .and_then(|pages| number(at(page, pages)?))
                    .is_some_and(|pages| current.saturating_sub((*first).into()).saturating_add(1) >= pages);
                if is_last || items.as_ref().is_some_and(|items| length(at(page, items)) == 0) {
                    return None;
                }
                self.set(api, &mut next, argument, &Value::S64(i64::try_from(current.checked_add(1)?).ok()?))?;
            }
            Pager::Offset { argument, first, items, limit } => {
                let count = length(at(page, items));
                let limit = limit.as_ref().and_then(|limit| number_at(declared, limit));
                if count == 0 || limit.is_some_and(|limit| count < limit) {
                    return None;
                }
                let offset = number_at(declared, argument).unwrap_or_else(|| (*first).into()).checked_add(count)?;
                self.set(api, &mut next, argument, &Value::S64(i64::try_from(offset).ok()?))?;
            }
        }
        Some(next)
    }

    /// The URL of a further page, where one stands behind the arguments.
    pub(super) fn page_url<'v>(&self, args: &'v [Value]) -> Option<&'v str> {
        self.call.pager.as_ref().filter(|pager| pager.follows_urls())?;
        text(args.get(self.params.len())?)
    }

    /// Puts a value at a place of the arguments, with the records and options that lead there.
    fn set(&self, api: &Api, args: &mut [Value], to: &Place, value: &Value) -> Option<()> {
        let index = usize::from(to.argument);
        let Param { ty, .. } = self.params.get(index)?;
        put(api, args.get_mut(index)?, *ty, &to.slots, value)
    }
}

fn put(api: &Api, into: &mut Value, ty: TypeId, slots: &[u16], value: &Value) -> Option<()> {
    if let Shape::Option(inner) = api.shape(ty) {
        if matches!(into, Value::Option(None)) {
            *into = Value::some(empty(api, *inner)?);
        }
        let Value::Option(Some(into)) = into else { return None };
        return put(api, into, *inner, slots, value);
    }
    match slots.split_first() {
        None => *into = fitted(api.shape(ty), value)?,
        Some((slot, rest)) => {
            let (Shape::Record(fields), Value::Record(values)) = (api.shape(ty), into) else { return None };
            let (field, value_of) = (fields.get(usize::from(*slot))?, values.get_mut(usize::from(*slot))?);
            return put(api, value_of, field.ty, rest, value);
        }
    }
    Some(())
}

/// Something to put a value into: a record without any member, or a scalar that is replaced.
fn empty(api: &Api, ty: TypeId) -> Option<Value> {
    match api.shape(ty) {
        Shape::Record(fields) => {
            let optional = fields.iter().all(|field| matches!(api.shape(field.ty), Shape::Option(_)));
            optional.then(|| Value::record(vec![Value::none(); fields.len()]))
        }
        _ => Some(Value::Bool(false)),
    }
}

/// A text or number as a value of another type of its kind.
fn fitted(shape: &Shape, value: &Value) -> Option<Value> {
    let count = number(value);
    Some(match shape {
        Shape::String => Value::string(text(value)?),
        Shape::U32 => Value::U32(u32::try_from(count?).ok()?),
        Shape::U64 => Value::U64(count?),
        Shape::S32 => Value::S32(i32::try_from(count?).ok()?),
        Shape::S64 => Value::S64(i64::try_from(count?).ok()?),
        _ => return None,
    })
}

/// The value at slots of a page, options looked through.
fn at<'v>(page: &'v Value, slots: &[u16]) -> Option<&'v Value> {
    slots.iter().try_fold(place::present(page)?, |value, slot| match value {
        Value::Record(values) => place::present(values.get(usize::from(*slot))?),
        _ => None,
    })
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn number_at(args: &[Value], place: &Place) -> Option<u64> {
    number(place::find(args, place)?)
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::U32(n) => Some((*n).into()),
        Value::U64(n) => Some(*n),
        Value::S32(n) => u64::try_from(*n).ok(),
        Value::S64(n) => u64::try_from(*n).ok(),
        _ => None,
    }
}

fn length(list: Option<&Value>) -> u64 {
    match list {
        Some(Value::List(items)) => items.len() as u64,
        _ => 0,
    }
}
