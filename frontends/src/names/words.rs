//! Words of identifiers as specifications write them.

use super::latin::{Ascii, transliterate};

/// Words whose capitals do not mark where words begin.
const MIXED_CASE: &[&str] = &["OAuth", "GraphQL", "gRPC", "iOS", "macOS"];

/// The words of a text, in lower-case ASCII letters and digits; none where the text has no Latin letter and no digit.
///
/// A word ends at anything that is not a letter or digit, and before a capital after a small letter or digit. The last capital
/// of a run belongs to the small letters behind it (`HTTPServer`), except in a plural (`URLs`) and before a version (`IPv4`).
/// Digits belong to the word before them.
///
/// ```
/// use witwire_frontends::names::words;
/// assert_eq!(words("getHTTPServer_IPv4 URLs"), ["get", "http", "server", "ipv4", "urls"]);
/// ```
pub fn words(text: &str) -> Vec<String> {
    segments(text).iter().flat_map(|segment| split_case(segment)).collect()
}

/// The words of a title: like [`words`], but capitals end no word (`GitHub v3 REST API` → `github v3 rest api`).
pub fn title_words(text: &str) -> Vec<String> {
    // `OpenAI's` is one word.
    segments(&text.replace(['\'', '’'], "")).into_iter().map(|s| s.to_ascii_lowercase()).collect()
}

/// Maximal runs of letters and digits, transliterated to ASCII.
fn segments(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for c in text.chars() {
        let last = all.len() - 1;
        if c.is_ascii_alphanumeric() {
            all[last].push(c);
        } else {
            match transliterate(c) {
                Ascii::Letters(letters) => all[last].push_str(letters),
                Ascii::Nothing => {}
                Ascii::Break => all.push(String::new()),
            }
        }
    }
    all.retain(|s| !s.is_empty());
    all
}

/// Splits one run of ASCII letters and digits by case.
fn split_case(segment: &str) -> Vec<String> {
    let bytes = segment.as_bytes();
    let mut words = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < bytes.len() {
        if at == start
            && let Some(len) = mixed_case(segment, at)
        {
            at += len;
            continue;
        }
        if at > start && starts_word(bytes, at) {
            words.push(segment[start..at].to_ascii_lowercase());
            start = at;
        } else {
            at += 1;
        }
    }
    words.push(segment[start..].to_ascii_lowercase());
    words
}

/// The length of a [`MIXED_CASE`] word at the start of a word.
fn mixed_case(segment: &str, at: usize) -> Option<usize> {
    MIXED_CASE.iter().copied().find(|word| ends_here(segment, at, word)).map(str::len)
}

/// Whether `word` stands at `at` and no small letter goes on with it.
fn ends_here(segment: &str, at: usize, word: &str) -> bool {
    segment[at..].strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// Whether a word starts at `at`, which is behind the first byte of the current one.
fn starts_word(bytes: &[u8], at: usize) -> bool {
    let (before, here) = (bytes[at - 1], bytes[at]);
    if !here.is_ascii_uppercase() {
        return false;
    }
    // A capital behind digits at the end of what has no small letter: `M4A`.
    if before.is_ascii_digit() && at + 1 == bytes.len() && !bytes.iter().any(u8::is_ascii_lowercase) {
        return false;
    }
    if !before.is_ascii_uppercase() {
        return true;
    }
    // In a run of capitals: the last one starts a word if small letters follow, unless they are a plural or a version.
    let rest = &bytes[at + 1..];
    let ends_word = |c: Option<&u8>| c.is_none_or(|c| !c.is_ascii_lowercase());
    match rest.first() {
        Some(b's') if ends_word(rest.get(1)) => false,
        Some(b'v') if rest.get(1).is_some_and(u8::is_ascii_digit) => false,
        Some(c) => c.is_ascii_lowercase(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(words(text).join("-"), expected, "{text:?}");
    }

    #[test]
    fn acronyms() {
        check("OAuth2", "oauth2");
        check("OAuth2Token", "oauth2-token");
        check("useOAuth", "use-oauth");
        check("OAuthenticator", "o-authenticator");
        check("FOOAuth", "foo-auth");
        check("IPv4", "ipv4");
        check("M4A", "m4a");
        check("hostIPv6Address", "host-ipv6-address");
        check("HTTPServer", "http-server");
        check("GRPCBin", "grpc-bin");
        check("gRPCServer", "grpc-server");
        check("pingRPC", "ping-rpc");
        check("URLs", "urls");
        check("URLsByID", "urls-by-id");
        check("userID", "user-id");
        check("userIDs", "user-ids");
        check("XMLHttpRequest", "xml-http-request");
        check("HTTP", "http");
        check("A", "a");
        check("ATeam", "a-team");
    }

    #[test]
    fn digits() {
        check("f_int32", "f-int32");
        check("f_int32s", "f-int32s");
        check("base64Encoded", "base64-encoded");
        check("SHA256Sum", "sha256-sum");
        check("v1beta1", "v1beta1");
        check("TLS1_2", "tls1-2");
        check("2fa", "2fa");
        check("3DModel", "3-d-model");
    }

    #[test]
    fn separators() {
        check("X-RateLimit-Limit", "x-rate-limit-limit");
        check("snake_case__twice_", "snake-case-twice");
        check("core.todo.v1", "core-todo-v1");
        check("  GET /todos/{todoId}?a=b ", "get-todos-todo-id-a-b");
        check("SCREAMING_CASE", "screaming-case");
        check("", "");
        check("+/§$%", "");
    }

    #[test]
    fn other_scripts() {
        check("CaféÉtage", "cafe-etage");
        check("Straße", "strasse");
        check("cafe\u{301}Bar", "cafe-bar");
        check("Łódź_Ørsted", "lodz-orsted");
        check("Ægir", "aegir");
        check("Nguyễn", "nguyen");
        check("任务list待办", "list");
        check("задача", "");
    }

    #[test]
    fn titles_split_at_punctuation_only() {
        assert_eq!(title_words("GitHub v3 REST API"), ["github", "v3", "rest", "api"]);
        assert_eq!(title_words("Café: OpenAI's"), ["cafe", "openais"]);
    }
}
