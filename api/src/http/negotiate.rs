//! Which media type the answer gets, and which the request may have (GraphQL over HTTP, sections 4 to 6).

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::accept::{Accept, is_utf_8};
use super::sse::Taste;

/// The media types of a GraphQL answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/json`: a GraphQL answer is always 200.
    Json,
    /// `application/graphql-response+json`: the status tells how far the request got.
    GraphqlResponse,
}

pub(super) const JSON: &str = "application/json";
pub(super) const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";
const HTML: &str = "text/html";

impl Media {
    /// The value of `Content-Type`.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }

    /// The same for who may also take a stream: what cannot be said in one is said in JSON.
    pub(crate) fn accepted_beside(headers: &HeaderMap, taste: Taste) -> Option<Self> {
        Self::accepted(headers).or((taste != Taste::Refused).then_some(Self::Json))
    }

    /// The best of ours by the caller's `Accept`; none when it takes neither. Whoever does not say gets JSON, which every client reads.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let accept = Accept::of(headers);
        if accept.says_nothing() {
            return Some(Self::Json);
        }
        accept.best(&[JSON, GRAPHQL_RESPONSE]).map(|place| [Self::Json, Self::GraphqlResponse][place])
    }
}

/// Whether the caller takes HTML rather than any media type of a GraphQL answer, as browsers do.
pub(crate) fn prefers_html(headers: &HeaderMap) -> bool {
    Accept::of(headers).best(&[JSON, GRAPHQL_RESPONSE, HTML]) == Some(2)
}

/// Whether the body is said to be JSON in UTF-8, once.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next().and_then(|value| value.to_str().ok()), values.next()) else {
        return false;
    };
    let mut parts = value.split(';').map(|part| part.trim().to_ascii_lowercase());
    let media = parts.next().unwrap_or_default();
    media == JSON && parts.all(|part| part.strip_prefix("charset=").is_none_or(is_utf_8))
}

/// Whether the body is said to be packed.
pub(crate) fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

#[cfg(test)]
mod tests {
    use axum::http::header::ACCEPT;

    use super::*;

    fn accepted(value: &str) -> Option<Media> {
        Media::accepted(&HeaderMap::from_iter([(ACCEPT, value.parse().expect("a value"))]))
    }

    fn json(value: &str) -> bool {
        is_json(&HeaderMap::from_iter([(CONTENT_TYPE, value.parse().expect("a value"))]))
    }

    #[test]
    fn the_caller_chooses_among_what_we_have() {
        use Media::{GraphqlResponse, Json};
        assert_eq!(Media::accepted(&HeaderMap::new()), Some(Json));
        for (accept, media) in [
            ("", Some(Json)),
            ("*/*", Some(Json)),
            ("application/*", Some(Json)),
            ("application/json", Some(Json)),
            ("Application/GraphQL-Response+JSON", Some(GraphqlResponse)),
            (
                "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
                Some(GraphqlResponse),
            ),
            ("application/json, application/graphql-response+json", Some(Json)),
            ("application/json;q=0.5, application/graphql-response+json", Some(GraphqlResponse)),
            ("application/graphql-response+json;q=0.2, application/json;q=0.7", Some(Json)),
            ("text/html, */*;q=0.1", Some(Json)),
            // What is named goes before what a wildcard lets in.
            ("*/*, application/graphql-response+json", Some(GraphqlResponse)),
            ("application/graphql-response+json, */*;q=0.8", Some(GraphqlResponse)),
            // The closest range decides, also when a wider one would let it in.
            ("*/*, application/json;q=0", Some(GraphqlResponse)),
            ("application/*;q=0.3, application/graphql-response+json;q=0.1", Some(Json)),
            ("application/*;q=0, */*", None),
            ("text/html", None),
            ("text/*", None),
            ("app/*", None),
            ("application/json;q=0", None),
            ("application/json;q=2", None),
            ("application/json;q=nan", None),
            ("application/json;q=", None),
            ("application/json; charset=latin1", None),
        ] {
            assert_eq!(accepted(accept), media, "{accept:?}");
        }
    }

    #[test]
    fn ranges_in_several_headers_are_one_list() {
        let mut headers = HeaderMap::from_iter([(ACCEPT, "text/html".parse().expect("a value"))]);
        assert_eq!(Media::accepted(&headers), None);
        headers.append(ACCEPT, "application/graphql-response+json".parse().expect("a value"));
        assert_eq!(Media::accepted(&headers), Some(Media::GraphqlResponse));
    }

    #[test]
    fn browsers_are_told_from_clients() {
        let prefers = |value: &str| prefers_html(&HeaderMap::from_iter([(ACCEPT, value.parse().expect("a value"))]));
        assert!(prefers("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"));
        assert!(prefers("Text/HTML"));
        assert!(prefers("text/html, application/json"));
        assert!(!prefers("application/json, text/html"));
        assert!(!prefers("text/html;q=0.5, application/graphql-response+json"));
        assert!(!prefers("text/html;q=0"));
        assert!(!prefers("*/*"));
        assert!(!prefers_html(&HeaderMap::new()));
    }

    #[test]
    fn only_json_in_utf_8_is_read() {
        assert!(json("application/json"));
        assert!(json("Application/JSON; charset=\"UTF-8\""));
        assert!(json("application/json; charset=UTF-8"));
        assert!(!json("application/json; charset=latin1"));
        assert!(!json("application/graphql+json"));
        assert!(!json("text/plain"));
        assert!(!json("application/x-www-form-urlencoded"));
        assert!(!is_json(&HeaderMap::new()));
        let mut twice = HeaderMap::from_iter([(CONTENT_TYPE, "application/json".parse().expect("a value"))]);
        twice.append(CONTENT_TYPE, "text/plain".parse().expect("a value"));
        assert!(!is_json(&twice));
    }
}
