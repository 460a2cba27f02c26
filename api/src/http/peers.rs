//! Connections of each peer, counted so that none takes all places.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Bits of an IPv6 address that its owner does not choose.
const IPV6_NETWORK_BITS: u32 = 64;

/// How many connections each peer has, sockets among them. Peers without any are not kept.
#[derive(Debug, Clone)]
pub(super) struct Peers {
    connections: Arc<Mutex<HashMap<IpAddr, Count>>>,
    most: usize,
}

/// The connections of one peer.
#[derive(Debug, Default)]
struct Count {
    open: usize,
    /// Whether it was told of late that there are too many.
    is_told: bool,
}

/// A peer has too many connections.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany {
    /// Whether it is time to say so: once for each time that a peer, having had room, fills it up.
    pub(super) is_news: bool,
}

/// A connection that counts for its peer until this is dropped. What a connection becomes keeps it.
#[derive(Debug)]
pub(super) struct Peer {
    peers: Peers,
    from: IpAddr,
}

impl Peers {
    /// Nobody is connected; each peer may have so many.
    pub(super) fn new(most: usize) -> Self {
        Self { connections: Arc::default(), most }
    }

    /// Counts a connection, unless its peer has too many.
    pub(super) fn enter(&self, from: IpAddr) -> Result<Peer, TooMany> {
        let from = network(from);
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let count = connections.entry(from).or_default();
        if count.open >= self.most {
            return Err(TooMany { is_news: !std::mem::replace(&mut count.is_told, true) });
        }
        count.open += 1;
        Ok(Peer { peers: self.clone(), from })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut connections = self.peers.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = connections.get_mut(&self.from) {
            count.open -= 1;
            // Not at the first free place: where many want it, each would be another line.
            count.is_told &= count.open > self.peers.most / 2;
            if count.open == 0 {
                connections.remove(&self.from);
            }
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> (128 - IPV6_NETWORK_BITS) << (128 - IPV6_NETWORK_BITS)))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_peer_with_too_many_connections_keeps_nobody_else_out() {
        let peers = Peers::new(2);
        let held: Vec<_> = (0..2).map(|_| peers.enter(address("10.0.0.1")).expect("room")).collect();
        assert!(peers.enter(address("10.0.0.1")).is_err());
        assert!(peers.enter(address("::ffff:10.0.0.1")).is_err(), "the same written otherwise");
        assert!(peers.enter(address("10.0.0.2")).is_ok());
        drop(held);
        assert!(peers.enter(address("10.0.0.1")).is_ok());
        assert!(peers.connections.lock().expect("whole").is_empty(), "who is gone is forgotten");
    }

    #[test]
    fn a_peer_with_too_many_connections_is_told_of_once_each_time_it_fills_up() {
        let peers = Peers::new(4);
        let enter = || peers.enter(address("10.0.0.1"));
        let news = |entered: Result<Peer, TooMany>| entered.expect_err("no room").is_news;
        let mut held: Vec<_> = (0..4).map(|_| enter().expect("room")).collect();
        assert_eq!((news(enter()), news(enter())), (true, false));
        held.pop();
        held.push(enter().expect("one place"));
        assert!(!news(enter()), "it was full all the time");
        held.truncate(2);
        held.extend((0..2).map(|_| enter().expect("room")));
        assert!(news(enter()), "it had room");
    }

    #[test]
    fn all_addresses_of_a_network_are_one_peer() {
        let peers = Peers::new(1);
        let _held = peers.enter(address("2001:db8::1")).expect("room");
        assert!(peers.enter(address("2001:db8::2")).is_err());
        assert!(peers.enter(address("2001:db8:0:1::1")).is_ok());
    }
}
