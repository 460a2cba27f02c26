//! Messages of Postgres's protocol, as far as a proxy must tell them apart.

use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of a length.
const LENGTH_BYTES: usize = 4;

/// A whole message with its head.
pub(super) struct Frame {
    /// What it is; 0 of a client's first message, which has none.
    pub(super) tag: u8,
    pub(super) bytes: Vec<u8>,
}

impl Frame {
    /// The n-th of the zero-ended texts with which the message begins.
    pub(super) fn text(&self, place: usize) -> &[u8] {
        self.bytes[1 + LENGTH_BYTES..].split(|byte| *byte == 0).nth(place).unwrap_or_default()
    }

    /// The first number in the message.
    pub(super) fn number(&self) -> u32 {
        let body = self.bytes.get(1 + LENGTH_BYTES..1 + 2 * LENGTH_BYTES);
        body.and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes).unwrap_or_default()
    }
}

/// Cuts what one side says into messages.
pub(super) struct Frames {
    read: Vec<u8>,
    tagged: bool,
}

impl Frames {
    pub(super) const fn of_client() -> Self {
        Self { read: Vec::new(), tagged: false }
    }

    pub(super) const fn of_server() -> Self {
        Self { read: Vec::new(), tagged: true }
    }

    /// The next message; none at the end. May be dropped and called again: nothing that was read is lost.
    pub(super) async fn next(&mut self, side: &mut (impl AsyncRead + Unpin)) -> Option<Frame> {
        loop {
            if let Some(frame) = self.take() {
                return Some(frame);
            }
            if side.read_buf(&mut self.read).await.ok()? == 0 {
                return None;
            }
        }
    }

    fn take(&mut self) -> Option<Frame> {
        let head = usize::from(self.tagged);
        let length = self.read.get(head..head + LENGTH_BYTES)?;
        let whole = head + u32::from_be_bytes(length.try_into().ok()?) as usize;
        if self.read.len() < whole {
            return None;
        }
        let rest = self.read.split_off(whole);
        let bytes = std::mem::replace(&mut self.read, rest);
        let tag = if self.tagged { bytes[0] } else { 0 };
        self.tagged = true;
        Some(Frame { tag, bytes })
    }
}
