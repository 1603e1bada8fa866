//! The section of texts: per API a count, then each text with its length (all `u32`, little-endian).

use super::error::ContainerError;
use crate::api::{Api, Texts};

pub(super) fn encode(apis: &[Api]) -> Vec<u8> {
    let mut out = Vec::new();
    for api in apis {
        out.extend((api.texts.len() as u32).to_le_bytes());
        for text in api.texts.iter() {
            out.extend((text.len() as u32).to_le_bytes());
            out.extend(text.as_bytes());
        }
    }
    out
}

pub(super) fn decode(section: &[u8], apis: &mut [Api]) -> Result<(), ContainerError> {
    let fail = |reason: &str| ContainerError::Undecodable { what: "texts", reason: reason.to_owned() };
    let mut rest = section;
    for api in apis {
        let mut texts = Texts::default();
        for _ in 0..length(&mut rest).ok_or_else(|| fail("it ends too early"))? {
            let size = length(&mut rest).ok_or_else(|| fail("it ends too early"))?;
            let (text, after) = rest.split_at_checked(size as usize).ok_or_else(|| fail("it ends too early"))?;
            texts.push(std::str::from_utf8(text).map_err(|_| fail("a text is not UTF-8"))?);
            rest = after;
        }
        api.texts = texts;
    }
    if rest.is_empty() { Ok(()) } else { Err(fail("bytes follow after the last text")) }
}

fn length(rest: &mut &[u8]) -> Option<u32> {
    let (head, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u32::from_le_bytes(*head))
}
