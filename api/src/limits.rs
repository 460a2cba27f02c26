//! Every bound of the edge, by name.

use std::num::NonZeroU32;
use std::time::Duration;

/// Largest request body, in bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How much of a body that is too large, or refused unread, is still read and thrown away, in bytes, so that its sender hears the answer
/// instead of a reset.
pub const BODY_DRAINED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a caller may take to send the headers of a request.
pub const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller may take to send the body of a request.
pub const BODY_READ_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a GraphQL request may take, from the body's end to its answer. Longer than [`FINISHED_WAIT`] and a read after it.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(40);
/// How long requests under way may still take once the server was told to stop.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
/// Connections served at once; further ones wait to be accepted.
pub const CONNECTIONS_MAX: usize = 4096;
/// Pause before the next accept when the machine has no more sockets to give.
pub const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(100);

/// Connections of one peer, sockets and event streams among them; further ones are closed at once, so that nobody alone takes all of
/// [`CONNECTIONS_MAX`] or [`STREAMS_MAX`]. All callers may come through one proxy.
pub const CONNECTIONS_PER_PEER_MAX: usize = 1500;
/// Largest head of a request, in bytes: room for a token and a query of some size in the address.
pub const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Most headers of a request.
pub const HEADERS_MAX: usize = 64;
/// Requests under execution at once; further ones are refused as OVERLOADED.
pub const EXECUTIONS_MAX: usize = 1024;
/// After which time whoever was refused as OVERLOADED may try again.
pub const OVERLOADED_RETRY_AFTER: Duration = Duration::from_secs(1);

/// What a caller's operations of one minute may cost together unless the settings say otherwise.
pub const COST_PER_MINUTE: NonZeroU32 = NonZeroU32::new(1_000_000).expect("more than none");
/// The same for everybody together while there is no identity provider: more than a machine can answer.
pub const DEVELOPMENT_COST_PER_MINUTE: NonZeroU32 = NonZeroU32::new(1_000_000_000).expect("more than none");
/// Callers whose spending is known to a process; beyond them several share an account.
pub const RATE_KEYS_MAX: usize = 100_000;
/// Accounts that callers beyond [`RATE_KEYS_MAX`] share.
pub const RATE_KEYS_SHARED: u64 = 1024;
/// How often at most callers who have spent nothing of late are looked for, to be forgotten.
pub const RATE_TIDY_EVERY: Duration = Duration::from_secs(1);
/// How long a request waits for the count that several processes share; then its process counts alone.
pub const SHARED_RATE_WAIT: Duration = Duration::from_millis(250);

/// Longest token, in bytes: room for a person's groups and roles, as issuers put them in.
pub const TOKEN_BYTES_MAX: usize = 6 * 1024;
/// How far the issuer's clock and ours may be apart.
pub const TOKEN_LEEWAY: Duration = Duration::from_secs(30);
/// Longest subject of a token, in bytes (`OpenID` Connect Core, 2).
pub const SUBJECT_BYTES_MAX: usize = 255;
/// Longest subject that is kept as it is, in bytes. Longer ones are kept as a number, so that owners stay short in every key they are in.
pub const SUBJECT_KEPT_BYTES_MAX: usize = 128;
/// For how long the issuer's keys are taken without asking again: so long a key that was withdrawn is still good.
pub const KEYS_FRESH: Duration = Duration::from_mins(5);
/// For how long they are taken when the issuer does not answer: about as long as access tokens live.
pub const KEYS_STALE_MAX: Duration = Duration::from_hours(1);
/// Shortest time between two attempts to fetch them, whatever unknown keys tokens name.
pub const KEYS_PAUSE: Duration = Duration::from_secs(5);
/// Most keys of an issuer that are looked at.
pub const KEYS_MAX: usize = 64;

/// How long `wait: FINISHED` waits for the saga's end; then the booking is answered as it stands.
pub const FINISHED_WAIT: Duration = Duration::from_secs(30);
/// How long a read waits for a projection to reach a position; then UNAVAILABLE.
pub const READ_WAIT: Duration = Duration::from_secs(5);

/// Longest document, in bytes.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;
/// Most tokens of a document: introspection by the usual tools takes some four hundred.
pub const QUERY_TOKENS_MAX: usize = 5_000;
/// Deepest nesting of brackets in a document, of whatever kind.
pub const QUERY_NESTING_MAX: usize = 50;
/// Most operations of a document.
pub const OPERATIONS_MAX: usize = 50;
/// Deepest nesting of fields in a query: introspection by the usual tools takes 15.
pub const QUERY_DEPTH_MAX: usize = 15;
/// Deepest nesting of selections in a query, fragments included. The library has the same bound.
pub const SELECTION_NESTING_MAX: usize = 32;
/// Most selections of a document once its fragments are written out.
pub const QUERY_SELECTIONS_MAX: usize = 5_000;
/// Most fields at the root of an operation.
pub const ROOT_FIELDS_MAX: usize = 50;
/// Most fields of a document that answer under another name, its fragments written out.
pub const QUERY_ALIASES_MAX: usize = 200;
/// Most directives on one field, fragment or operation.
pub const FIELD_DIRECTIVES_MAX: usize = 8;
/// Most directives of a document, its fragments written out.
pub const DOCUMENT_DIRECTIVES_MAX: usize = 200;
/// Most lists of fields or types within each other in introspection: each multiplies the answer.
pub const INTROSPECTION_LISTS_MAX: usize = 2;
/// Most values in a request's body, variables and what stands in them included.
pub const BODY_VALUES_MAX: usize = 20_000;
/// Deepest nesting of values in a request's body.
pub const BODY_NESTING_MAX: usize = 32;

/// Greatest cost of a query: one for each field, a page's fields times its length, and the price of a write or a search.
pub const QUERY_COMPLEXITY_MAX: usize = 20_000;
/// Cost of a mutation beside its selection.
pub const MUTATION_COMPLEXITY: usize = 500;
/// Cost of a search beside its page.
pub const SEARCH_COMPLEXITY: usize = 50;
/// Fields of introspection that cost as much as one other field: they are in memory.
pub const INTROSPECTION_FIELDS_PER_COST: usize = 10;
/// Most documents that are kept to be asked for by their hash.
pub const PERSISTED_DOCUMENTS_MAX: usize = 1_000;
/// Most bytes of all of them.
pub const PERSISTED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Largest document that is kept, in bytes; a larger one is executed and has to be sent each time.
pub const PERSISTED_DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// Most errors told in one answer.
pub const ERRORS_MAX: usize = 20;

/// Entries of a page when the caller names no number.
pub const PAGE_DEFAULT: i64 = 20;
/// Most entries of a page.
pub const PAGE_MAX: i64 = 100;
/// Most things that are found by their ids at once.
pub const NODES_MAX: usize = 100;
/// Longest cursor, in bytes.
pub const CURSOR_BYTES_MAX: usize = 1024;

/// Longest idempotency key, in characters.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;
/// Longest e-mail address, in characters (RFC 5321).
pub const EMAIL_CHARS_MAX: usize = 254;
/// Longest name of a traveller, in characters.
pub const TRAVELLER_NAME_CHARS_MAX: usize = 200;
/// Longest telephone number, in characters.
pub const PHONE_CHARS_MAX: usize = 32;
/// Longest text handed to the payment gateway as a card number, in characters.
pub const CARD_NUMBER_CHARS_MAX: usize = 64;
/// Longest reference of a charge, in characters.
pub const REFERENCE_CHARS_MAX: usize = 255;
/// Most sagas that one request resolves together.
pub const RESOLVE_SAGAS_MAX: i64 = 100;
/// How many of them are handed to the engine at once: few enough that travellers find room beside them.
pub const RESOLVE_SAGAS_AT_ONCE: usize = 16;
/// Complexity of each saga that is resolved together with others, beside its selection.
pub const RESOLVE_SAGAS_COMPLEXITY: usize = 100;
/// Longest text of a search filter, in characters.
pub const FILTER_CHARS_MAX: usize = 200;

/// Complexity of a subscription beside its selection.
pub const SUBSCRIPTION_COMPLEXITY: usize = 50;
/// Lines of a trip's timeline that are read at once for one who follows it, and so what is held for a slow one.
pub const PROGRESS_PAGE: usize = 50;
/// Sockets and event streams served at once, each beside the connections that only ask.
pub const STREAMS_MAX: usize = 2_000;
/// Those of one caller; a gateway that follows trips for many travellers shares one socket among them.
pub const STREAMS_PER_CALLER_MAX: usize = 250;
/// Sockets among them that have not been acknowledged yet: who says nothing must not keep out who has something to say.
pub const SOCKETS_ARRIVING_MAX: usize = 400;
/// Operations under way at once on one WebSocket.
pub const SOCKET_OPERATIONS_MAX: usize = 100;
/// Largest message that is read from a WebSocket, in bytes, and largest frame of it.
pub const SOCKET_MESSAGE_BYTES_MAX: usize = BODY_BYTES_MAX;
/// Largest message that is written to a WebSocket, in bytes; a larger answer is an error of its operation.
pub const SOCKET_ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes that may wait to be written to one WebSocket beside the message that is being written.
pub const SOCKET_WRITE_BUFFER_BYTES: usize = 16 * 1024;
/// Longest id of an operation on a WebSocket, in bytes.
pub const OPERATION_ID_BYTES_MAX: usize = 256;
/// How long a WebSocket may stay without `connection_init`.
pub const SOCKET_INIT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often the other side of a WebSocket or an event stream is shown that we are there, and of a socket asked whether it is.
pub const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
/// How long nothing may be heard from the other side of a WebSocket. Longer than two of [`KEEP_ALIVE_EVERY`].
pub const SOCKET_SILENCE_MAX: Duration = Duration::from_secs(40);
/// How long the other side may take to read what waits to be written; then it is cut.
pub const STREAM_WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the other side may take to answer that a WebSocket is closed.
pub const SOCKET_CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
