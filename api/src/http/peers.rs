//! Connections of each peer, counted so that none takes all places.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Bits of an IPv6 address that its owner does not choose.
const IPV6_NETWORK_BITS: u32 = 64;

/// How many connections each peer has. Peers without any are not kept.
#[derive(Debug, Clone)]
pub(super) struct Peers {
    connections: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: usize,
}

/// A connection that counts for its peer until this is dropped.
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

    /// Counts a connection; none when its peer has too many.
    pub(super) fn enter(&self, from: IpAddr) -> Option<Peer> {
        let from = network(from);
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let count = connections.entry(from).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Peer { peers: self.clone(), from })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut connections = self.peers.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = connections.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
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
        assert!(peers.enter(address("10.0.0.1")).is_none());
        assert!(peers.enter(address("::ffff:10.0.0.1")).is_none(), "the same written otherwise");
        assert!(peers.enter(address("10.0.0.2")).is_some());
        drop(held);
        assert!(peers.enter(address("10.0.0.1")).is_some());
        assert!(peers.connections.lock().expect("whole").is_empty(), "who is gone is forgotten");
    }

    #[test]
    fn all_addresses_of_a_network_are_one_peer() {
        let peers = Peers::new(1);
        let _held = peers.enter(address("2001:db8::1")).expect("room");
        assert!(peers.enter(address("2001:db8::2")).is_none());
        assert!(peers.enter(address("2001:db8:0:1::1")).is_some());
    }
}
