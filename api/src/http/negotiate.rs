//! Which media type the answer gets, and which the request may have (GraphQL over HTTP, sections 4 to 6).

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};

/// The media types of a GraphQL answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/json`: a GraphQL answer is always 200.
    Json,
    /// `application/graphql-response+json`: the status tells how far the request got.
    GraphqlResponse,
}

impl Media {
    /// The value of `Content-Type`.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }

    /// The best of ours by the caller's `Accept`; none when it takes neither. Whoever does not say gets JSON.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        let mut named = false;
        for value in headers.get_all(ACCEPT) {
            for range in value.to_str().unwrap_or_default().split(',').filter(|range| !range.trim().is_empty()) {
                named = true;
                let Some((media, quality)) = range_of(range) else { continue };
                if quality > 0.0 && best.is_none_or(|(other, _)| quality > other) {
                    best = Some((quality, media));
                }
            }
        }
        if named { best.map(|(_, media)| media) } else { Some(Self::Json) }
    }
}

/// Whether the caller takes HTML rather than any media type of a GraphQL answer, as browsers do; of equals the first counts.
pub(crate) fn prefers_html(headers: &HeaderMap) -> bool {
    let mut best: Option<(f32, bool)> = None;
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| value.split(',')) {
        let (is_html, quality) = match (html_quality(range), range_of(range)) {
            (Some(quality), _) => (true, quality),
            (None, Some((_, quality))) => (false, quality),
            (None, None) => continue,
        };
        if quality > 0.0 && best.is_none_or(|(other, _)| quality > other) {
            best = Some((quality, is_html));
        }
    }
    best.is_some_and(|(_, is_html)| is_html)
}

/// Whether the body is said to be JSON in UTF-8.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = value.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let charset = parts.find_map(|part| part.to_ascii_lowercase().strip_prefix("charset=").map(str::to_owned));
    media.eq_ignore_ascii_case("application/json") && charset.is_none_or(|name| name.trim_matches('"') == "utf-8")
}

fn html_quality(range: &str) -> Option<f32> {
    let (media, quality) = named(range);
    (media == "text/html").then_some(quality)
}

fn range_of(range: &str) -> Option<(Media, f32)> {
    let (name, quality) = named(range);
    let media = match name.as_str() {
        "application/graphql-response+json" => Media::GraphqlResponse,
        "application/json" | "application/*" | "*/*" => Media::Json,
        _ => return None,
    };
    Some((media, quality))
}

/// The name of a media range in small letters, and how much it is wanted.
fn named(range: &str) -> (String, f32) {
    let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
    let name = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| part.strip_prefix("q=").map(|text| text.parse().unwrap_or(0.0)));
    (name, quality.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(value: &str) -> Option<Media> {
        Media::accepted(&HeaderMap::from_iter([(ACCEPT, value.parse().expect("a value"))]))
    }

    fn json(value: &str) -> bool {
        is_json(&HeaderMap::from_iter([(CONTENT_TYPE, value.parse().expect("a value"))]))
    }

    #[test]
    fn the_callers_preference_counts() {
        assert_eq!(Media::accepted(&HeaderMap::new()), Some(Media::Json));
        assert_eq!(accepted("*/*"), Some(Media::Json));
        assert_eq!(accepted("application/graphql-response+json, application/json;q=0.9"), Some(Media::GraphqlResponse));
        assert_eq!(accepted("application/graphql-response+json;q=0.5, application/json"), Some(Media::Json));
        assert_eq!(accepted("text/html"), None);
        assert_eq!(accepted("application/json;q=0"), None);
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
        assert!(!json("application/json; charset=latin1"));
        assert!(!json("text/plain"));
        assert!(!json("application/x-www-form-urlencoded"));
        assert!(!is_json(&HeaderMap::new()));
    }
}
