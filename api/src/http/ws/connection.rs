//! One socket, from its upgrade to its end.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until, timeout};

use super::close::{self, Close};
use super::message::{self, Said};
use super::operations::{Operations, Told};
use crate::api::Api;
use crate::caller::{Asking, RequestId};
use crate::graphql::execute::{Answer, Parameters, Stage};
use crate::graphql::types::ErrorCode;
use crate::http::ask;
use crate::http::streams::{CallerPlace, StreamPlace, until};
use crate::limits::{
    KEEP_ALIVE_EVERY, SOCKET_INIT_TIMEOUT, SOCKET_OPERATIONS_MAX, SOCKET_SILENCE_MAX, STREAM_WRITE_TIMEOUT,
};

/// Further than anybody waits.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);
const REFUSED: &str = "Forbidden";
const EXPIRED: &str = "The token has expired: connect again with a new one";

/// A socket that speaks the protocol.
pub(super) struct Connection {
    socket: WebSocket,
    api: Api,
    headers: HeaderMap,
    /// Who asks; absent until the connection is acknowledged.
    asking: Option<Asking>,
    /// Counts it for its caller.
    counted: Option<CallerPlace>,
    operations: Operations,
    /// By when `connection_init` has to come; then when the token expires.
    deadline: Instant,
    heard_at: Instant,
    /// When the other side is asked whether it is there.
    ping_at: Instant,
}

/// How a conversation ended.
enum End {
    /// We close it.
    Close(Close),
    /// There is nobody any more, or somebody who does not read.
    Gone,
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

enum Event {
    Closing,
    Deadline,
    Frame(Option<Result<Message, axum::Error>>),
    Told(String, Told),
    KeepAlive,
}

impl Connection {
    pub(super) fn new(socket: WebSocket, api: Api, headers: HeaderMap) -> Self {
        let now = Instant::now();
        Self {
            socket,
            api,
            headers,
            asking: None,
            counted: None,
            operations: Operations::default(),
            deadline: now + SOCKET_INIT_TIMEOUT,
            heard_at: now,
            ping_at: now + KEEP_ALIVE_EVERY,
        }
    }

    /// Serves the socket until either side ends it.
    pub(super) async fn serve(mut self, mut place: StreamPlace) {
        let end = loop {
            if let Err(end) = self.turn(&mut place).await {
                break end;
            }
        };
        // Nothing is executed any more while the end is told.
        drop(self.operations);
        match end {
            End::Close(reason) => close::close(self.socket, reason).await,
            End::Gone => {}
        }
    }

    /// Waits for whatever comes first and deals with it. Neither messages nor answers come before the other: who says much still has to hear,
    /// and who hears much can still stop it.
    async fn turn(&mut self, place: &mut StreamPlace) -> Result<(), End> {
        // Messages that came together are read without waiting: the other tasks of the thread have their turn between them.
        tokio::task::coop::consume_budget().await;
        let Self { socket, operations, .. } = self;
        let exchanged = async {
            tokio::select! {
                frame = socket.recv() => Event::Frame(frame),
                (id, told) = operations.next() => Event::Told(id, told),
            }
        };
        let event = tokio::select! {
            biased;
            () = place.closing() => Event::Closing,
            () = sleep_until(self.deadline) => Event::Deadline,
            () = sleep_until(self.ping_at) => Event::KeepAlive,
            event = exchanged => event,
        };
        match event {
            Event::Closing => Err(Close::GoingAway.into()),
            Event::Deadline if self.asking.is_none() => Err(Close::InitTimeout.into()),
            Event::Deadline => Err(Close::Forbidden(EXPIRED).into()),
            Event::Frame(frame) => self.hear(frame, place).await,
            Event::Told(id, Told::Answer(answer)) => self.tell(&id, &answer).await,
            Event::Told(id, Told::Complete) => self.say(message::complete(&id)).await,
            Event::KeepAlive => self.keep_alive().await,
        }
    }

    /// Tells an answer. One that is too large ends its operation, and no other, with an error.
    async fn tell(&mut self, id: &str, answer: &Answer) -> Result<(), End> {
        if let Ok(message) = message::answer(id, answer) {
            return self.say(message).await;
        }
        self.operations.stop(id);
        let message = "The answer is too large for a socket: ask for less at once, with shorter pages.";
        self.refuse(id, ErrorCode::QueryTooComplex, message).await
    }

    /// Ends an operation with an error of ours.
    async fn refuse(&mut self, id: &str, code: ErrorCode, message: &str) -> Result<(), End> {
        let mut refused = Answer::of(Stage::Rejected, code, message);
        if let Some(RequestId(Some(name))) = self.asking.as_ref().map(|asking| &asking.request_id) {
            refused.bear(name);
        }
        match message::answer(id, &refused) {
            Ok(message) => self.say(message).await,
            // One sentence is never too large.
            Err(message::TooLarge) => Err(End::Gone),
        }
    }

    /// Writes a message. Whoever does not read is cut: nothing else is said or heard meanwhile, so nothing piles up.
    async fn say(&mut self, message: Message) -> Result<(), End> {
        match timeout(STREAM_WRITE_TIMEOUT, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }

    async fn keep_alive(&mut self) -> Result<(), End> {
        if self.heard_at.elapsed() > SOCKET_SILENCE_MAX {
            return Err(End::Gone);
        }
        self.ping_at = Instant::now() + KEEP_ALIVE_EVERY;
        self.say(Message::Ping(Bytes::new())).await
    }

    async fn hear(&mut self, frame: Option<Result<Message, axum::Error>>, place: &mut StreamPlace) -> Result<(), End> {
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Err(Close::of_error(error).map_or(End::Gone, End::Close)),
            None => return Err(End::Gone),
        };
        self.heard_at = Instant::now();
        match Said::read(frame)? {
            None | Some(Said::Pong) => Ok(()),
            Some(Said::Ping(payload)) => self.say(message::pong(payload)).await,
            Some(Said::Init(payload)) => self.init(&payload, place).await,
            Some(Said::Subscribe(id, parameters)) => self.subscribe(id, parameters).await,
            Some(Said::Complete(id)) => {
                self.operations.stop(&id);
                Ok(())
            }
        }
    }

    async fn init(&mut self, payload: &Map<String, Value>, place: &mut StreamPlace) -> Result<(), End> {
        if self.asking.is_some() {
            return Err(Close::TooManyInits.into());
        }
        let mut headers = self.headers.clone();
        if let Some(token) = token(payload)? {
            headers.insert(AUTHORIZATION, token);
        }
        let caller = self.api.identity.caller(&headers);
        let caller = match tokio::time::timeout_at(self.deadline, caller).await {
            Ok(Ok(caller)) => caller,
            Ok(Err(refusal)) if refusal.status.is_server_error() => return Err(Close::TryAgain.into()),
            Ok(Err(_)) => return Err(Close::Forbidden(REFUSED).into()),
            Err(_elapsed) => return Err(Close::InitTimeout.into()),
        };
        let Some(counted) = self.api.streams.enter_as(caller.owner()) else {
            return Err(Close::TooManyStreams.into());
        };
        self.counted = Some(counted);
        self.deadline = until(&caller).unwrap_or_else(|| Instant::now() + FOR_EVER);
        place.acknowledged();
        self.asking = Some(Asking::new(caller, &headers));
        self.say(message::ack()).await
    }

    async fn subscribe(&mut self, id: String, parameters: Parameters) -> Result<(), End> {
        let Some(asking) = self.asking.clone() else { return Err(Close::Unauthorized.into()) };
        if self.operations.has(&id) {
            return Err(Close::SubscriberExists(id).into());
        }
        if self.operations.len() >= SOCKET_OPERATIONS_MAX {
            let message = "Too many operations are under way on this connection: complete some first.";
            return self.refuse(&id, ErrorCode::Overloaded, message).await;
        }
        self.operations.begin(id, ask::follow(&self.api, parameters, asking));
        Ok(())
    }
}

/// The token in the payload of `connection_init`, as a header would have it. Browsers cannot send headers with a WebSocket.
fn token(payload: &Map<String, Value>) -> Result<Option<HeaderValue>, Close> {
    let given = |name: &str| payload.get(name).filter(|value| !value.is_null());
    let text = match (given("Authorization").or_else(|| given("authorization")), given("authToken")) {
        (Some(Value::String(header)), _) => header.clone(),
        (None, Some(Value::String(token))) => format!("Bearer {token}"),
        (None, None) => return Ok(None),
        _ => return Err(Close::Forbidden(REFUSED)),
    };
    HeaderValue::from_str(&text).map(Some).map_err(|_| Close::Forbidden(REFUSED))
}
