//! An issuer that publishes one key and signs nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

/// The public key of RFC 7517, A.1: nobody here has its other half.
const KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","use":"sig","kid":"published","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}"#;

/// A running issuer. Ends when dropped.
pub(crate) struct Issuer {
    address: SocketAddr,
    serving: Option<JoinHandle<()>>,
}

impl Issuer {
    /// Starts it on a free port.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let serving =
            std::thread::spawn(move || while listener.accept().is_ok_and(|(stream, _)| answer(stream, address)) {});
        Self { address, serving: Some(serving) }
    }

    /// Its name.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/realms/travel", self.address)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        // A connection without a request is the sign to end.
        drop(TcpStream::connect(self.address));
        if let Some(serving) = self.serving.take() {
            let _ = serving.join();
        }
    }
}

/// Answers one request; false when there was none.
fn answer(mut stream: TcpStream, address: SocketAddr) -> bool {
    let mut request = [0; 4096];
    let length = stream.read(&mut request).unwrap_or(0);
    let asked = String::from_utf8_lossy(&request[..length]);
    let body = match asked.split(' ').nth(1) {
        Some("/realms/travel/.well-known/openid-configuration") => {
            format!(r#"{{"issuer":"http://{address}/realms/travel","jwks_uri":"http://{address}/keys"}}"#)
        }
        Some("/keys") => KEYS.to_owned(),
        _ => return false,
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).is_ok()
}
