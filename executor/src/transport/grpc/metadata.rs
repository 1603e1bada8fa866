//! Metadata and headers.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::HeaderMap;
use witwire_interpreter::{Metadata, MetadataText};

use crate::transport::error::SendError;
use crate::transport::http::header;

/// Base64 as gRPC has it: written without padding, read with and without it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

const BINARY_SUFFIX: &str = "-bin";
const DETAILS: &str = "grpc-status-details-bin";
const MESSAGE: &str = "grpc-message";

/// Keys that belong to the protocol or to the transport.
const RESERVED: &[&str] = &["connection", "content-length", "content-type", "host", "te", "transfer-encoding", "user-agent"];

fn is_reserved(key: &str) -> bool {
    key.starts_with("grpc-") || RESERVED.contains(&key)
}

/// Writes request metadata behind the transport's own headers.
pub(super) fn write(metadata: &Metadata, secrets: &[String], headers: &mut HeaderMap) -> Result<(), SendError> {
    for (key, value) in metadata {
        if is_reserved(key) {
            let message = format!("the metadata key `{key}` is set by the transport and cannot be given");
            return Err(SendError::invalid_request(key.as_str(), message));
        }
        let binary = key.ends_with(BINARY_SUFFIX);
        let (name, mut value) = match value {
            MetadataText::Binary(bytes) if binary => header(key, BASE64.encode(bytes).as_bytes())?,
            MetadataText::Ascii(text) if !binary && text.bytes().all(|b| matches!(b, 0x20..=0x7e)) => {
                header(key, text.as_bytes())?
            }
            MetadataText::Binary(_) => {
                let message = format!("the metadata `{key}` is binary, so its key must end in `-bin`");
                return Err(SendError::invalid_request(key.as_str(), message));
            }
            MetadataText::Ascii(_) => {
                let message = format!("the metadata `{key}` must be binary if its key ends in `-bin`, else printable ASCII");
                return Err(SendError::invalid_request(key.as_str(), message));
            }
        };
        value.set_sensitive(secrets.iter().any(|secret| secret == key));
        headers.append(name, value);
    }
    Ok(())
}

/// Reads trailing metadata, without the protocol's own keys. A binary value that is not base64 is left out.
pub(super) fn read(headers: &HeaderMap) -> Metadata {
    let mut out = Metadata::new();
    for (name, value) in headers {
        let key = name.as_str();
        if is_reserved(key) {
            continue;
        }
        if key.ends_with(BINARY_SUFFIX) {
            // Values of one key may be joined by commas, and must be split before they are decoded.
            for part in value.as_bytes().split(|b| *b == b',') {
                if let Ok(bytes) = BASE64.decode(part.trim_ascii()) {
                    out.push((key.to_owned(), MetadataText::Binary(bytes.into())));
                }
            }
        } else {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            out.push((key.to_owned(), MetadataText::Ascii(text)));
        }
    }
    out
}

/// `grpc-message`, percent-decoded; what is not valid stays as it is, as the protocol asks.
pub(super) fn message(headers: &HeaderMap) -> String {
    headers.get(MESSAGE).map_or_else(String::new, |value| {
        percent_encoding::percent_decode(value.as_bytes()).decode_utf8_lossy().into_owned()
    })
}

/// `grpc-status-details-bin`.
pub(super) fn details(headers: &HeaderMap) -> Option<Bytes> {
    headers.get(DETAILS).and_then(|value| BASE64.decode(value.as_bytes()).ok()).map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::SendErrorKind;

    fn ascii(key: &str, text: &str) -> (String, MetadataText) {
        (key.to_owned(), MetadataText::Ascii(text.to_owned()))
    }

    fn binary(key: &str, bytes: &'static [u8]) -> (String, MetadataText) {
        (key.to_owned(), MetadataText::Binary(Bytes::from_static(bytes)))
    }

    #[test]
    fn metadata_is_read_as_it_was_written() {
        let metadata =
            vec![ascii("x-a", "one"), ascii("x-a", "two, three"), binary("x-b-bin", &[0xab, 0xcd]), binary("x-b-bin", b"")];
        let mut headers = HeaderMap::new();
        write(&metadata, &["x-a".to_owned()], &mut headers).expect("valid");
        assert_eq!(headers["x-b-bin"], "q80", "no padding");
        assert!(headers["x-a"].is_sensitive() && !headers["x-b-bin"].is_sensitive());
        assert_eq!(read(&headers), metadata);
    }

    #[test]
    fn binary_values_are_read_with_and_without_padding_and_joined() {
        let mut headers = HeaderMap::new();
        headers.append("x-bin", "q80=".parse().expect("a header"));
        headers.append("x-bin", "q80,AA==".parse().expect("a header"));
        headers.append("x-bin", "not base64!".parse().expect("a header"));
        assert_eq!(read(&headers), [binary("x-bin", &[0xab, 0xcd]), binary("x-bin", &[0xab, 0xcd]), binary("x-bin", &[0])]);
    }

    #[test]
    fn keys_of_the_protocol_cannot_be_given_and_are_not_told() {
        for key in RESERVED.iter().copied().chain(["grpc-timeout", "grpc-x"]) {
            let error = write(&vec![ascii(key, "x")], &[], &mut HeaderMap::new()).expect_err("refused");
            assert_eq!(error.kind, SendErrorKind::InvalidRequest { location: key.to_owned() });
        }
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", "0".parse().expect("a header"));
        headers.insert("content-type", "application/grpc".parse().expect("a header"));
        assert_eq!(read(&headers), []);
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_refused() {
        for wrong in [binary("x-a", b"x"), ascii("x-a-bin", "x"), ascii("x-a", "ü"), ascii("x-a", "a\nb")] {
            assert!(write(&vec![wrong.clone()], &[], &mut HeaderMap::new()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn messages_are_percent_decoded() {
        for (sent, read) in [("no", "no"), ("n%C3%B6", "nö"), ("100%", "100%"), ("%zz", "%zz"), ("%FF", "\u{fffd}")] {
            let mut headers = HeaderMap::new();
            headers.insert(MESSAGE, sent.parse().expect("a header"));
            assert_eq!(message(&headers), read);
        }
    }
}
