//! Keeps out what a web page makes a browser send, before anything else of a request is looked at.
//!
//! Writes need no gate of their own: they come by POST with `application/json`, for which a browser asks first, and it is told nothing that
//! lets it. A GET needs no such asking, and a name that an attacker's page points at this machine makes even writes same-origin.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;

use super::Refusal;
use super::negotiate::Media;
use crate::api::Api;
use crate::graphql::types::ErrorCode;

/// What a browser says about the page that sends a request (Fetch Metadata); no page can set it.
const SEC_FETCH_SITE: &str = "sec-fetch-site";
/// Sent by a page of this very origin, or by nobody's page: typed, or opened from a bookmark.
const OWN_SITES: [&str; 2] = ["same-origin", "none"];
/// A page of another origin can send neither before the browser has asked whether it may.
const PREFLIGHTED: [&str; 2] = ["apollo-require-preflight", "x-apollo-operation-name"];
/// The name that always means this machine, and the end of all others that do (RFC 6761, 6.3).
const LOCALHOST: &str = "localhost";
/// The port that an origin and a `Host` leave out, by the origin's scheme.
const DEFAULT_PORTS: [(&str, &str); 2] = [("http://", ":80"), ("https://", ":443")];

const FOREIGN: &str = "A page of another origin asks: send the header apollo-require-preflight with any value.";
const NOT_LOOPBACK: &str =
    "Without an identity provider only this machine is served: ask for localhost or 127.0.0.1, or set auth.issuer.";

/// Why a GET goes no further: a page of another origin made the browser send it without asking first.
pub(super) fn refuses_get(headers: &HeaderMap) -> Option<Refusal> {
    let asked = |name: &&str| headers.get(*name).is_some_and(|value| !value.is_empty());
    if same_origin(headers) || PREFLIGHTED.iter().any(asked) {
        return None;
    }
    Some(Refusal::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, FOREIGN))
}

/// Whether nothing says that a page of another origin sends the request. What is no browser says nothing, and passes.
///
/// A browser never asks before it opens a WebSocket, so that an upgrade must pass this, whatever else it brings.
pub(crate) fn same_origin(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter().peekable();
    if sites.peek().is_some() {
        return sites.all(|site| OWN_SITES.iter().any(|own| site == own));
    }
    let mut origins = headers.get_all(ORIGIN).iter();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    origins.all(|origin| origin.to_str().is_ok_and(|origin| is_origin_of(origin, host)))
}

/// Browsers leave the default port out of both, others may write it.
fn is_origin_of(origin: &str, host: &str) -> bool {
    DEFAULT_PORTS.iter().any(|(scheme, port)| {
        origin.strip_prefix(scheme).is_some_and(|authority| {
            let bare = |text: &str| text.strip_suffix(port).unwrap_or(text).to_ascii_lowercase();
            !authority.is_empty() && bare(authority) == bare(host)
        })
    })
}

/// While everybody may do everything, answers only those who ask for this machine by a name that can mean no other: a page whose own name
/// was pointed here would otherwise count as same-origin (DNS rebinding).
pub(super) async fn loopback(State(api): State<Api>, request: Request, next: Next) -> Response {
    if api.identity.is_development() && !asks_for_loopback(request.uri(), request.headers()) {
        let refusal = Refusal::new(StatusCode::MISDIRECTED_REQUEST, ErrorCode::Forbidden, NOT_LOOPBACK);
        return refusal.respond(Media::Json);
    }
    next.run(request).await
}

/// Browsers always name the host; whoever names none is none.
fn asks_for_loopback(uri: &Uri, headers: &HeaderMap) -> bool {
    let named = |host: &HeaderValue| host.to_str().ok().and_then(|text| Authority::try_from(text).ok());
    let mut hosts = headers.get_all(HOST).iter();
    uri.authority().is_none_or(is_loopback) && hosts.all(|host| named(host).as_ref().is_some_and(is_loopback))
}

fn is_loopback(authority: &Authority) -> bool {
    let name = authority.host().to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.strip_suffix(LOCALHOST).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        given.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    const HERE: (&str, &str) = ("host", "travel.example");

    #[test]
    fn a_page_of_another_origin_reads_nothing_without_the_browser_asking_first() {
        for marks in [
            [("sec-fetch-site", "cross-site"), HERE],
            [("sec-fetch-site", "same-site"), HERE],
            [("sec-fetch-site", "unheard-of"), HERE],
            [("origin", "https://evil.example"), HERE],
            [("origin", "null"), HERE],
            [("origin", "https://travel.example:8443"), HERE],
            [("origin", "https://travel.example.evil.example"), HERE],
            [("origin", "https://"), ("host", "")],
        ] {
            let mut sent = headers(&marks);
            let refusal = refuses_get(&sent).expect("refused");
            assert_eq!((refusal.status, refusal.code), (StatusCode::FORBIDDEN, ErrorCode::Forbidden), "{marks:?}");
            for name in PREFLIGHTED {
                let mut asked = sent.clone();
                asked.insert(name, HeaderValue::from_static("yes"));
                assert!(refuses_get(&asked).is_none(), "{marks:?} {name}");
            }
            sent.insert(PREFLIGHTED[0], HeaderValue::from_static(""));
            assert!(refuses_get(&sent).is_some(), "{marks:?} with an empty header");
        }
    }

    #[test]
    fn our_own_pages_and_what_is_no_browser_pass() {
        for marks in [
            &[HERE][..],
            &[],
            &[HERE, ("sec-fetch-site", "same-origin")],
            &[HERE, ("sec-fetch-site", "none")],
            &[HERE, ("origin", "https://travel.example")],
            &[HERE, ("origin", "http://TRAVEL.example:80")],
            &[("host", "travel.example:443"), ("origin", "https://travel.example")],
            &[("host", "127.0.0.1:8072"), ("origin", "http://127.0.0.1:8072")],
            // Behind a proxy that names another host; the browser knows better.
            &[("host", "inside:8072"), ("origin", "https://travel.example"), ("sec-fetch-site", "same-origin")],
        ] {
            assert!(refuses_get(&headers(marks)).is_none(), "{marks:?}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        let path: Uri = "/graphql".parse().expect("a URI");
        for host in ["localhost", "LocalHost:8072", "app.localhost:1", "127.0.0.1:8072", "127.9.9.9", "[::1]:8072"] {
            assert!(asks_for_loopback(&path, &headers(&[("host", host)])), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "evillocalhost", "10.0.0.1", "[fe80::1]", "", "a b"] {
            assert!(!asks_for_loopback(&path, &headers(&[("host", host)])), "{host:?}");
        }
        assert!(asks_for_loopback(&path, &HeaderMap::new()));
        let elsewhere: Uri = "http://evil.example/graphql".parse().expect("a URI");
        assert!(!asks_for_loopback(&elsewhere, &headers(&[("host", "localhost")])));
        let mut twice = headers(&[("host", "localhost")]);
        twice.append(HOST, HeaderValue::from_static("evil.example"));
        assert!(!asks_for_loopback(&path, &twice));
    }
}
