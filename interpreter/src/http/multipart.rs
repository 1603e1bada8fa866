//! `multipart/form-data` (RFC 7578).

use std::fmt::Write;

/// A part of a form.
#[derive(Debug)]
pub(super) struct FormPart {
    pub(super) name: String,
    pub(super) filename: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) data: Vec<u8>,
}

/// The body and the boundary.
///
/// The boundary derives from the content, so that the same call is sent as the same bytes; it occurs in no part.
pub(super) fn encode(parts: &[FormPart]) -> (Vec<u8>, String) {
    let boundary = boundary(parts);
    let mut out = Vec::with_capacity(parts.iter().map(|p| p.data.len() + 200).sum());
    for part in parts {
        let mut head = format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"", quoted(&part.name));
        // Writing to a `String` cannot fail.
        if let Some(filename) = &part.filename {
            let _ = write!(head, "; filename=\"{}\"", quoted(filename));
        }
        if let Some(content_type) = &part.content_type {
            let _ = write!(head, "\r\ncontent-type: {content_type}");
        }
        head.push_str("\r\n\r\n");
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&part.data);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (out, boundary)
}

/// As browsers write names (WHATWG HTML, "multipart form data"): quotes and line breaks percent-encoded.
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

fn boundary(parts: &[FormPart]) -> String {
    let mut hash = Fnv::new();
    for part in parts {
        for text in [Some(&part.name), part.filename.as_ref(), part.content_type.as_ref()] {
            hash.add(&(text.map_or(0, |t| t.len() + 1)).to_le_bytes());
            hash.add(text.map(String::as_bytes).unwrap_or_default());
        }
        hash.add(&part.data.len().to_le_bytes());
        hash.add(&part.data);
    }
    loop {
        let boundary = format!("witwire-{:016x}", hash.0);
        if parts.iter().all(|part| !contains(&part.data, boundary.as_bytes())) {
            return boundary;
        }
        // Someone put this very boundary into a part: take the next.
        hash.add(b"+");
    }
}

fn contains(data: &[u8], text: &[u8]) -> bool {
    data.windows(text.len()).any(|window| window == text)
}

/// FNV-1a, 64 bits: stable across versions, which the standard library's hasher is not. Collisions do no harm here.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}
