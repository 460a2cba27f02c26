//! The page at `/graphql` for browsers: `GraphiQL` with prepared operations, and all that it loads. `api/graphiql` holds its sources and
//! what they are bundled into, so that building the program takes no Node and the page no other host.

use std::fmt::Write;
use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use super::negotiate::prefers_html;

/// The way to what the page loads.
pub(super) const ASSETS: &str = "/graphql/page/{name}";

const HTML: &str = include_str!("../../graphiql/page.html");
const SCRIPT: &[u8] = include_bytes!("../../graphiql/dist/page.js.gz");
const STYLE: &[u8] = include_bytes!("../../graphiql/dist/page.css.gz");

/// Nothing comes from elsewhere, nothing is told elsewhere, and no other page frames this one. `'self'` holds for `WebSocket`, too.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The page and the names of what it loads: each is the hash of its content, so that it never changes under its name.
struct Page {
    html: String,
    etag: String,
    script: String,
    style: String,
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let script = format!("{}.js", hash(SCRIPT));
    let style = format!("{}.css", hash(STYLE));
    let way = |name: &str| ASSETS.replace("{name}", name);
    let html = HTML.replace("{script}", &way(&script)).replace("{style}", &way(&style));
    let etag = format!("\"{}\"", hash(html.as_bytes()));
    Page { html, etag, script, style }
});

/// What makes a GET a GraphQL request, whatever it accepts.
#[derive(Deserialize)]
struct Asked {
    query: Option<IgnoredAny>,
    extensions: Option<IgnoredAny>,
}

/// Whether a GET is a browser's that wants the page.
pub(super) fn wanted(uri: &Uri, headers: &HeaderMap) -> bool {
    let asks =
        Query::<Asked>::try_from_uri(uri).map_or(true, |Query(asked)| asked.query.or(asked.extensions).is_some());
    !asks && prefers_html(headers)
}

/// The page. It is small and asked for again at every visit: what it loads is not.
pub(super) fn page(headers: &HeaderMap) -> Response {
    let page = &*PAGE;
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == page.etag.as_bytes());
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { Response::new(page.html.as_str().into()) };
    guard(&mut response, "text/html; charset=utf-8");
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(COOP, HeaderValue::from_static("same-origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    headers.extend(HeaderValue::from_str(&page.etag).map(|etag| (ETAG, etag)));
    response
}

/// What the page loads. It is kept compressed and only so: every browser takes gzip.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    let (bytes, media) = if name == PAGE.script {
        (SCRIPT, "text/javascript; charset=utf-8")
    } else if name == PAGE.style {
        (STYLE, "text/css; charset=utf-8")
    } else {
        return super::not_found().await;
    };
    let mut response = Response::new(Body::from(bytes));
    guard(&mut response, media);
    let headers = response.headers_mut();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.insert(CORP, HeaderValue::from_static("same-origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    response
}

fn guard(response: &mut Response, media: &'static str) {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

/// The first half of the SHA-256: enough to tell contents apart.
fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)[..16].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::Request;
    use axum::http::header::ACCEPT;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;
    use crate::api::Api;
    use crate::http::router;
    use crate::limits::BODY_BYTES_MAX;

    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    async fn get(path: &str, name: HeaderName, value: &str) -> Response {
        let request = Request::get(path).header(ACCEPT, BROWSER).header(name, value).body(Body::empty());
        router(Api::alone(Ok(()))).oneshot(request.expect("a request")).await.expect("an answer")
    }

    fn header(response: &Response, name: HeaderName) -> &str {
        response.headers()[name].to_str().expect("text")
    }

    #[tokio::test]
    async fn a_browser_gets_the_page_and_nothing_from_elsewhere() {
        let response = get("/graphql", ACCEPT, "*/*;q=0.1").await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, CONTENT_TYPE), "text/html; charset=utf-8");
        assert_eq!(header(&response, X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(header(&response, REFERRER_POLICY), "no-referrer");
        let policy = header(&response, CONTENT_SECURITY_POLICY).to_owned();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
        let etag = header(&response, ETAG).to_owned();
        let html = to_bytes(response.into_body(), BODY_BYTES_MAX).await.expect("a body");
        let html = String::from_utf8(html.to_vec()).expect("text");
        assert!(!html.contains("://") && !html.contains("<style") && !html.contains('{'), "{html}");
        assert_eq!(get("/graphql", IF_NONE_MATCH, &etag).await.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(get("/graphql", IF_NONE_MATCH, "\"another\"").await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn what_the_page_loads_is_kept_for_ever_under_the_hash_of_its_content() {
        for (name, content, media) in [(&PAGE.script, SCRIPT, "text/javascript"), (&PAGE.style, STYLE, "text/css")] {
            assert!(PAGE.html.contains(&ASSETS.replace("{name}", name)), "{name}");
            let response = get(&ASSETS.replace("{name}", name), ACCEPT, "*/*").await;
            assert_eq!(response.status(), StatusCode::OK);
            assert!(header(&response, CONTENT_TYPE).starts_with(media));
            assert_eq!(header(&response, CONTENT_ENCODING), "gzip");
            assert!(header(&response, CACHE_CONTROL).contains("immutable"));
            let body = to_bytes(response.into_body(), BODY_BYTES_MAX).await.expect("a body");
            assert_eq!(&body[..], content);
            assert!(name.starts_with(&hash(content)));
        }
        assert_eq!(get("/graphql/page/0123.js", ACCEPT, "*/*").await.status(), StatusCode::NOT_FOUND);
    }

    /// Whether GraphQL takes a request, asked for as events so that subscriptions are executed, too. With nothing behind the edge most fields
    /// then fail, but not for what was asked.
    async fn is_taken(query: &str, variables: &Value) -> bool {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let request = Request::post("/graphql")
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream")
            .body(Body::from(body));
        // Streams end with the last of the server that they are of.
        let api = Api::alone(Ok(()));
        let response = router(api.clone()).oneshot(request.expect("a request")).await.expect("an answer");
        let events = to_bytes(response.into_body(), BODY_BYTES_MAX).await.expect("a body");
        let events = String::from_utf8(events.to_vec()).expect("text");
        assert!(events.starts_with("event: next\n") && events.contains("\nevent: complete\n"), "{events}");
        !events.contains("\"INVALID_INPUT\"")
    }

    #[tokio::test]
    async fn every_prepared_operation_is_one_of_this_schema() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/graphiql/operations");
        let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let documents: Vec<_> = files.filter(|path| path.extension().is_some_and(|name| name == "graphql")).collect();
        assert!(documents.len() > 6, "{documents:?}");
        for path in documents {
            let query = std::fs::read_to_string(&path).expect("a document");
            let variables = std::fs::read_to_string(path.with_extension("json")).unwrap_or_else(|_| "{}".to_owned());
            let variables =
                variables.replace("$booking", "booking_01jdzr8xn2eg0vazvt95f3hbqg").replace("$position", "1");
            let variables: Value = serde_json::from_str(&variables).expect("variables");
            assert!(is_taken(&query, &variables).await, "{}", path.display());
            let other = query.replacen("    ", "    nothing ", 1);
            assert!(!is_taken(&other, &variables).await, "{}", path.display());
        }
    }

    #[tokio::test]
    async fn a_request_with_a_query_is_no_visit_of_the_page() {
        let response = get("/graphql?query=%7B__typename%7D", ACCEPT, "*/*").await;
        assert_eq!(header(&response, CONTENT_TYPE), "application/json; charset=utf-8");
        let answer = to_bytes(response.into_body(), BODY_BYTES_MAX).await.expect("a body");
        let answer: Value = serde_json::from_slice(&answer).expect("json");
        assert_eq!(answer["data"], json!({ "__typename": "Query" }));
    }
}
