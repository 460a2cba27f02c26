//! What every HTTP client of the program keeps to: where it may go, and what it does not do by itself.

use std::error::Error;
use std::net::IpAddr;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};

/// Why nothing may be sent to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// It is none, or has a user's name, a fragment or, where none can be, a query in it.
    #[error("is no address: write https://host/path, without a name or password in it")]
    NotOne,
    /// It is not encrypted, and leaves this machine.
    #[error("is not safe: write https://, or http:// for a loopback address only")]
    PlainText,
}

/// An address that is encrypted, or of this very machine.
pub(crate) fn address(text: &str) -> Result<Url, BadAddress> {
    // More is written behind it, which a query would take in.
    page(text).and_then(|url| if url.query().is_some() { Err(BadAddress::NotOne) } else { Ok(url) })
}

/// How near a machine has to be for what goes there not to be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Near {
    /// This very machine.
    ThisMachine,
    /// Somebody vouches for the network between.
    PrivateNetwork,
}

/// The address of a process of this installation.
pub(crate) fn service(text: &str, near: Near) -> Result<Url, BadAddress> {
    let found = address(text);
    if near == Near::ThisMachine || found != Err(BadAddress::PlainText) {
        return found;
    }
    let url: Url = text.parse().map_err(|_| BadAddress::NotOne)?;
    if url.query().is_some() { Err(BadAddress::NotOne) } else { Ok(url) }
}

/// The address of one page, which may have a query.
pub(crate) fn page(text: &str) -> Result<Url, BadAddress> {
    let url: Url = text.parse().map_err(|_| BadAddress::NotOne)?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(BadAddress::NotOne);
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_near = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_near => Ok(url),
        "http" => Err(BadAddress::PlainText),
        _ => Err(BadAddress::NotOne),
    }
}

/// A client of `base`. It repeats nothing and follows nobody by itself.
pub(crate) fn client(base: &Url) -> ClientBuilder {
    // Somebody may have chosen one before: all that matters is that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().redirect(Policy::none()).retry(reqwest::retry::never());
    if base.scheme() == "http" { client.no_proxy().tls_backend_preconfigured(trusts_nobody()) } else { client }
}

/// Without TLS it is this very machine: neither a proxy of the environment nor the system's certificates, which may be missing, have a part
/// in that.
fn trusts_nobody() -> rustls::ClientConfig {
    rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
}

/// The innermost cause says most.
pub(crate) fn innermost(error: &reqwest::Error) -> &dyn Error {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_crosses_a_network_in_the_clear() {
        for safe in ["https://pay.example/api", "http://127.0.0.1:8073", "http://[::1]:8073/", "http://localhost"] {
            assert!(address(safe).is_ok(), "{safe}");
        }
        for unsafe_one in ["http://pay.example", "http://10.0.0.7:80", "http://127.0.0.1.example"] {
            assert_eq!(address(unsafe_one), Err(BadAddress::PlainText), "{unsafe_one}");
        }
        for wrong in
            ["", "pay.example", "ftp://pay.example", "https://me:secret@pay.example", "https://pay.example?x=1"]
        {
            assert_eq!(address(wrong), Err(BadAddress::NotOne), "{wrong}");
        }
    }

    #[test]
    fn plain_text_stays_on_this_machine_unless_somebody_vouches_for_the_network() {
        assert_eq!(service("http://booking:9400", Near::ThisMachine), Err(BadAddress::PlainText));
        assert!(service("http://booking:9400", Near::PrivateNetwork).is_ok());
        for wrong in ["http://me:secret@booking:9400", "http://booking:9400?x=1", "ftp://booking"] {
            assert_eq!(service(wrong, Near::PrivateNetwork), Err(BadAddress::NotOne), "{wrong}");
        }
    }

    #[test]
    fn a_page_may_have_a_query_and_is_as_safe_as_any_address() {
        let keys = "https://login.example/discovery/v2.0/keys?p=b2c_1_sign_in";
        assert_eq!(page(keys).as_ref().map(Url::as_str), Ok(keys));
        assert_eq!(page("http://login.example/keys?p=a"), Err(BadAddress::PlainText));
        for wrong in ["https://me:secret@login.example/keys?p=a", "https://login.example/keys#a", "keys?p=a"] {
            assert_eq!(page(wrong), Err(BadAddress::NotOne), "{wrong}");
        }
    }
}
