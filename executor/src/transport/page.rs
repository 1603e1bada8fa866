//! URLs of further pages.

use witwire_interpreter::HttpRequest;

use super::endpoint::{Endpoint, PageUrlError};

/// Puts the URL of a further page, if the request has one, in the place of its target. It must be one of the endpoints' own: no
/// credential goes elsewhere.
///
/// `secrets` are the names of query members that carry credentials. A service may repeat those that it was sent; what counts is
/// what the request has.
///
/// # Errors
/// [`PageUrlError`] where it leads elsewhere.
pub fn follow_page<'e>(
    request: &mut HttpRequest,
    endpoints: impl Iterator<Item = &'e Endpoint>,
    secrets: &[&str],
) -> Result<(), PageUrlError> {
    let Some(url) = request.page.take() else { return Ok(()) };
    let mut refused = None;
    for endpoint in endpoints {
        match endpoint.target_of(&url, &request.target) {
            Ok(target) => {
                let path = target.split_once('?').map_or(&*target, |(path, _)| path);
                let mut query = members(&target, |name| !secrets.contains(&name));
                query.extend(members(&request.target, |name| secrets.contains(&name)));
                let query = query.join("&");
                request.target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
                return Ok(());
            }
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or(PageUrlError::NoEndpoint))
}

/// The members of a target's query whose names are as wanted, as they are.
fn members(target: &str, is_wanted: impl Fn(&str) -> bool) -> Vec<&str> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let name = |member: &str| {
        let name = member.split('=').next().unwrap_or_default();
        percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned()
    };
    query.split('&').filter(|member| !member.is_empty() && is_wanted(&name(member))).collect()
}

#[cfg(test)]
mod tests {
    use witwire_interpreter::Secrets;
    use witwire_ir::operation::http::Method;

    use super::*;

    fn followed(target: &str, url: &str) -> Result<String, PageUrlError> {
        let endpoint = Endpoint::parse("https://a.example/v1").expect("a URL");
        let mut request = HttpRequest {
            method: Method::Get,
            target: target.to_owned(),
            page: Some(url.to_owned()),
            headers: Vec::new(),
            body: None,
            secrets: Secrets::default(),
        };
        follow_page(&mut request, std::iter::once(&endpoint), &["api_key"]).map(|()| request.target)
    }

    #[test]
    fn a_page_takes_the_place_of_the_target_with_the_requests_own_credentials() {
        for (target, url, expected) in [
            ("/things", "https://a.example/v1/things?page=2", "/things?page=2"),
            ("/things?api_key=mine", "?page=2&api%5Fkey=old", "/things?page=2&api_key=mine"),
            ("/things?page=1", "?api_key=old", "/things"),
            ("/things?api_key=mine&page=1", "/v1/other", "/other?api_key=mine"),
        ] {
            assert_eq!(followed(target, url), Ok(expected.to_owned()), "{url}");
        }
        assert!(matches!(followed("/things", "https://b.example/v1/things"), Err(PageUrlError::OtherOrigin { .. })));
    }
}
