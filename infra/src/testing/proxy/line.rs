//! One connection through the proxy.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use super::fault::{Armed, Fate, Step, Strike};
use super::frames::{Frame, Frames};
use super::{Door, Shared};

/// Message of the client: prepare a statement.
const PARSE: u8 = b'P';
/// Message of the client: run a prepared statement with these values.
const BIND: u8 = b'B';
/// Message of the client: carry out what was bound.
const EXECUTE: u8 = b'E';
/// Message of the client: statements as text.
const QUERY: u8 = b'Q';
/// Message of the client: the request is whole.
const SYNC: u8 = b'S';
/// Message of the server: number and secret of its process.
const BACKEND_KEY_DATA: u8 = b'K';
/// Message of the server: the answer is whole.
const READY_FOR_QUERY: u8 = b'Z';

/// A connection to a server, over whatever.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Both sides of one connection.
pub(super) struct Line {
    client: UnixStream,
    server: Box<dyn Wire>,
    from_client: Frames,
    from_server: Frames,
    shared: Arc<Shared>,
    server_pid: u32,
    /// Names of the statements that bear the mark.
    marked: HashSet<Vec<u8>>,
    /// Messages of a marked request that is not whole yet.
    request: Vec<Frame>,
}

/// What comes next on a line.
enum Turn {
    On,
    Over,
    /// A fault strikes, with what is left of the request.
    Strikes(Armed, Vec<u8>),
}

impl Line {
    pub(super) fn new(client: UnixStream, server: Box<dyn Wire>, shared: Arc<Shared>) -> Self {
        Self {
            client,
            server,
            from_client: Frames::of_client(),
            from_server: Frames::of_server(),
            shared,
            server_pid: 0,
            marked: HashSet::new(),
            request: Vec::new(),
        }
    }

    /// Passes messages on until one side ends or a fault strikes.
    pub(super) async fn run(mut self) {
        let mut door = self.shared.door.subscribe();
        loop {
            let turn = tokio::select! {
                turn = self.turn() => turn,
                _ = door.wait_for(|door| *door == Door::Shut) => return,
            };
            match turn {
                Ok(Turn::On) => {}
                Ok(Turn::Strikes(armed, rest)) => return self.strike(armed, &rest).await,
                Ok(Turn::Over) | Err(_) => return,
            }
        }
    }

    async fn turn(&mut self) -> std::io::Result<Turn> {
        tokio::select! {
            asked = self.from_client.next(&mut self.client) => match asked {
                Some(frame) => self.asked(frame).await,
                None => Ok(Turn::Over),
            },
            answered = self.from_server.next(&mut self.server) => {
                let Some(frame) = answered else { return Ok(Turn::Over) };
                if frame.tag == BACKEND_KEY_DATA {
                    self.server_pid = frame.number();
                }
                self.client.write_all(&frame.bytes).await?;
                Ok(Turn::On)
            }
        }
    }

    async fn asked(&mut self, frame: Frame) -> std::io::Result<Turn> {
        if matches!(frame.tag, EXECUTE | QUERY) {
            self.shared.statements.fetch_add(1, Ordering::Relaxed);
        }
        if frame.tag == PARSE && String::from_utf8_lossy(frame.text(1)).contains(self.shared.mark) {
            self.marked.insert(frame.text(0).to_vec());
            if let Some(armed) = self.shared.next(|step| step == Step::Preparing) {
                return Ok(Turn::Strikes(armed, frame.bytes));
            }
        }
        let begins = frame.tag == BIND && self.marked.contains(frame.text(1));
        if !begins && self.request.is_empty() {
            self.server.write_all(&frame.bytes).await?;
            return Ok(Turn::On);
        }
        let whole = frame.tag == SYNC;
        self.request.push(frame);
        if whole { self.requested().await } else { Ok(Turn::On) }
    }

    /// A marked request is whole: it meets its fault, if one is armed.
    async fn requested(&mut self) -> std::io::Result<Turn> {
        let frames = std::mem::take(&mut self.request);
        let last_bytes = frames.last().map_or(0, |frame| frame.bytes.len());
        let request: Vec<u8> = frames.into_iter().flat_map(|frame| frame.bytes).collect();
        let Some(armed) = self.shared.next(|step| step != Step::Preparing) else {
            self.server.write_all(&request).await?;
            return Ok(Turn::On);
        };
        let sent = match armed.fault.step {
            Step::Preparing | Step::RequestUnsent => 0,
            Step::RequestHalf => request.len() / 2,
            Step::RequestUnfinished => request.len() - last_bytes,
            _ => request.len(),
        };
        self.server.write_all(&request[..sent]).await?;
        if matches!(armed.fault.step, Step::AnswerUnsent | Step::AnswerHalf | Step::AnswerUnfinished) {
            self.answer(armed.fault.step).await?;
        }
        Ok(Turn::Strikes(armed, request[sent..].to_vec()))
    }

    /// Waits for the server's whole answer, and gives the client as much of it as it shall have.
    async fn answer(&mut self, step: Step) -> std::io::Result<()> {
        let mut answer = Vec::new();
        let mut last_bytes = 0;
        while let Some(frame) = self.from_server.next(&mut self.server).await {
            last_bytes = frame.bytes.len();
            answer.extend(frame.bytes);
            if frame.tag == READY_FOR_QUERY {
                break;
            }
        }
        let given = match step {
            Step::AnswerHalf => answer.len() / 2,
            Step::AnswerUnfinished => answer.len() - last_bytes,
            _ => 0,
        };
        self.client.write_all(&answer[..given]).await
    }

    async fn strike(mut self, armed: Armed, rest: &[u8]) {
        if armed.fault.shuts {
            self.shared.door.send_replace(Door::Shut);
        }
        let (deliver, delivery) = oneshot::channel();
        let strike = Strike { server_pid: self.server_pid, deliver };
        match armed.fault.fate {
            Fate::Closed => {
                drop((self.client, self.server));
                armed.struck.send(strike).ok();
            }
            Fate::Silent => {
                armed.struck.send(strike).ok();
                std::future::pending::<()>().await;
            }
            Fate::UntilServerEnds => {
                armed.struck.send(strike).ok();
                while self.server.read_u8().await.is_ok() {}
            }
            Fate::Late => {
                drop(self.client);
                armed.struck.send(strike).ok();
                let Ok(done) = delivery.await else { return };
                if self.server.write_all(rest).await.is_err() {
                    return;
                }
                while let Some(frame) = self.from_server.next(&mut self.server).await {
                    if frame.tag == READY_FOR_QUERY {
                        done.send(()).ok();
                        return;
                    }
                }
            }
        }
    }
}
