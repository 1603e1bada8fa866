//! From a page to the request of the next one.

use witwire_ir::operation::http::Pager;
use witwire_ir::{Api, Param, Place, Shape, TypeId, Value};

use super::{HttpPlan, link, place, reference};
use crate::json::Codecs;

impl HttpPlan {
    /// The arguments of the next page's call; `None` where the page is the last, or leads to itself. A URL stands behind the declared
    /// arguments: as the page named it, from where the first page was found, and without credentials.
    pub(crate) fn further(&self, api: &Api, codecs: &Codecs, args: &[Value], page: &Value) -> Option<Vec<Value>> {
        let pager = self.call.pager.as_ref()?;
        let declared = args.get(..self.params.len())?;
        let mut next = declared.to_vec();
        match pager {
            Pager::Link { header } => {
                let named = link::next(text(at(page, header)?)?)?;
                next.push(Value::string(self.following(api, codecs, args, named)?));
            }
            Pager::Url { url } => {
                let named = text(at(page, url)?)?;
                next.push(Value::string(self.following(api, codecs, args, named)?));
            }
            Pager::Cursor { cursor, argument } => {
                let cursor = at(page, cursor)?;
                self.set(api, &mut next, argument, cursor)?;
                // One that stays as it is would lead here again.
                if text(cursor) == Some("") || place::find(declared, argument) == place::find(&next, argument) {
                    return None;
                }
            }
            Pager::Page { argument, first, items, pages } => {
                let first = i128::from(*first);
                let current = number_at(declared, argument).unwrap_or(first);
                let is_last = match pages.as_ref().and_then(|pages| number(at(page, pages)?)) {
                    Some(pages) => current - first + 1 >= pages,
                    // Nothing else would ever say that there is no other.
                    None => items.is_none(),
                };
                if is_last || items.as_ref().is_some_and(|items| length(at(page, items)) == 0) {
                    return None;
                }
                self.set_number(api, &mut next, argument, current + 1)?;
            }
            Pager::Offset { argument, first, items, limit } => {
                let count = length(at(page, items));
                let limit = limit.as_ref().and_then(|limit| number_at(declared, limit));
                if count == 0 || limit.is_some_and(|limit| count < limit) {
                    return None;
                }
                let current = number_at(declared, argument).unwrap_or_else(|| (*first).into());
                self.set_number(api, &mut next, argument, current + count)?;
            }
        }
        Some(next)
    }

    /// The URL of the next page, where the page that these arguments asked for names one; `None` where it names none, or itself.
    fn following(&self, api: &Api, codecs: &Codecs, args: &[Value], named: &str) -> Option<String> {
        let named = named.trim();
        if named.is_empty() {
            return None;
        }
        // A service may repeat what it was sent. The next request has the credentials anyway, and nothing else may: a URL is recorded.
        let clean = reference::without_members(named, &api.query_keys());
        let named = clean.as_deref().unwrap_or(named);
        if let Some(last) = self.page_url(args) {
            let next = reference::behind(last, named);
            return (next != last).then_some(next);
        }
        let leads_back = self.request(api, codecs, args).is_ok_and(|first| reference::is_target(named, &first.target));
        (!leads_back).then(|| reference::behind("", named))
    }

    /// Takes the credentials out of the URL that a page names: pages are given to the guest, and recorded.
    pub(super) fn clean(&self, api: &Api, result: Value) -> Value {
        let Some(Pager::Url { url }) = &self.call.pager else { return result };
        let mut result = result;
        if let Value::Result(Ok(Some(page))) = &mut result
            && let Some(Value::String(text)) = at_mut(page, url)
            && let Some(clean) = reference::without_members(text, &api.query_keys())
        {
            *text = clean.into();
        }
        result
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

    fn set_number(&self, api: &Api, args: &mut [Value], to: &Place, value: i128) -> Option<()> {
        self.set(api, args, to, &Value::S64(i64::try_from(value).ok()?))
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
        Shape::Option(_) => Some(Value::none()),
        _ => Some(Value::Bool(false)),
    }
}

/// A text or number as a value of another type of its kind.
fn fitted(shape: &Shape, value: &Value) -> Option<Value> {
    let count = number(value);
    Some(match shape {
        Shape::String => Value::string(text(value)?),
        Shape::U32 => Value::U32(u32::try_from(count?).ok()?),
        Shape::U64 => Value::U64(u64::try_from(count?).ok()?),
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

/// The same, to be changed.
fn at_mut<'v>(value: &'v mut Value, slots: &[u16]) -> Option<&'v mut Value> {
    match (value, slots.split_first()) {
        (Value::Option(inner), _) => at_mut(inner.as_deref_mut()?, slots),
        (Value::Record(values), Some((slot, rest))) => at_mut(values.get_mut(usize::from(*slot))?, rest),
        (value, None) => Some(value),
        _ => None,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn number_at(args: &[Value], place: &Place) -> Option<i128> {
    number(place::find(args, place)?)
}

fn number(value: &Value) -> Option<i128> {
    match value {
        Value::U32(n) => Some((*n).into()),
        Value::U64(n) => Some((*n).into()),
        Value::S32(n) => Some((*n).into()),
        Value::S64(n) => Some((*n).into()),
        _ => None,
    }
}

fn length(list: Option<&Value>) -> i128 {
    match list {
        Some(Value::List(items)) => items.len() as i128,
        _ => 0,
    }
}
