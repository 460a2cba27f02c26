//! Automatic persisted queries, as Apollo's clients speak them: a request names its document by hash (`extensions.persistedQuery`), and only
//! the first one that does has to bring it. The hash is checked against the document, so that nobody can put another one in its place;
//! who may do what is decided anew for each request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashlink::LruCache;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::execute::{Answer, Parameters, Stage};
use super::mutation::no_card;
use super::types::ErrorCode;
use crate::limits::{PERSISTED_BYTES_MAX, PERSISTED_DOCUMENT_BYTES_MAX, PERSISTED_DOCUMENTS_MAX};

/// The only version of the protocol.
const VERSION: u64 = 1;
/// What clients look for in the message, beside the code.
const NOT_FOUND: &str = "PersistedQueryNotFound";
const MISMATCH: &str = "The hash is not that of the query: send the SHA-256 of its text in UTF-8.";

/// The SHA-256 of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PersistedQuery([u8; 32]);

/// Why the extension is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`extensions.persistedQuery` must have `version` 1 and `sha256Hash`, 64 hexadecimal digits.")]
pub(crate) struct Malformed;

impl PersistedQuery {
    /// What the extensions of a request name, if they do.
    pub(crate) fn of(extensions: &Value) -> Result<Option<Self>, Malformed> {
        let Some(given) = extensions.get("persistedQuery").filter(|given| !given.is_null()) else {
            return Ok(None);
        };
        let hash = given["sha256Hash"].as_str().and_then(bytes_of).ok_or(Malformed)?;
        if given["version"].as_u64() == Some(VERSION) { Ok(Some(Self(hash))) } else { Err(Malformed) }
    }

    fn of_document(document: &str) -> Self {
        Self(Sha256::digest(document).into())
    }
}

fn bytes_of(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| digit.to_digit(16).map(|value| value as u8)).collect();
    let bytes: Vec<u8> = digits?.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    if text.len() == 64 { bytes.try_into().ok() } else { None }
}

/// The documents that this process has seen, the longest unused given up first.
#[derive(Debug)]
pub(crate) struct PersistedQueries {
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    documents: LruCache<PersistedQuery, Arc<str>>,
    bytes: usize,
}

/// A document that came with its hash for the first time: to be kept if it turns out well.
#[derive(Debug)]
pub(crate) struct Candidate(PersistedQuery, Arc<str>);

impl Default for PersistedQueries {
    fn default() -> Self {
        // The bound is kept by `keep`: the map itself must not forget without telling how many bytes.
        Self { kept: Mutex::new(Kept { documents: LruCache::new_unbounded(), bytes: 0 }) }
    }
}

impl PersistedQueries {
    /// Puts the document in the place of its hash. Gives what is worth keeping once it was executed, or the answer that asks for the document.
    pub(crate) fn resolve(&self, parameters: &mut Parameters) -> Result<Option<Candidate>, Box<Answer>> {
        let Some(asked) = parameters.persisted else {
            return Ok(None);
        };
        let known = self.kept().documents.get(&asked).cloned();
        match (parameters.query.is_empty(), known) {
            (true, Some(document)) => document.as_ref().clone_into(&mut parameters.query),
            (true, None) => {
                return Err(Box::new(Answer::of(Stage::Rejected, ErrorCode::PersistedQueryNotFound, NOT_FOUND)));
            }
            (false, Some(document)) if *document == *parameters.query => {}
            (false, _) if PersistedQuery::of_document(&parameters.query) != asked => {
                return Err(Box::new(Answer::of(Stage::Rejected, ErrorCode::InvalidInput, MISMATCH)));
            }
            (false, _) if parameters.query.len() > PERSISTED_DOCUMENT_BYTES_MAX => {}
            // It belongs into the variables, and nowhere for longer than its request.
            (false, _) if no_card(parameters.query.clone()).is_err() => {}
            (false, _) => return Ok(Some(Candidate(asked, parameters.query.as_str().into()))),
        }
        Ok(None)
    }

    /// Keeps a document whose request was executed: what GraphQL or a limit rejects takes no room.
    pub(crate) fn keep(&self, Candidate(hash, document): Candidate, stage: Stage) {
        if stage != Stage::Executed {
            return;
        }
        let mut kept = self.kept();
        kept.bytes += document.len();
        if let Some(former) = kept.documents.insert(hash, document) {
            kept.bytes -= former.len();
        }
        while kept.bytes > PERSISTED_BYTES_MAX || kept.documents.len() > PERSISTED_DOCUMENTS_MAX {
            let Some((_, oldest)) = kept.documents.remove_lru() else { break };
            kept.bytes -= oldest.len();
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hash(document: &str) -> String {
        format!("{:x}", Sha256::digest(document))
    }

    fn asking(query: &str, hash: &str) -> Parameters {
        let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        let persisted = PersistedQuery::of(&extensions).expect("an extension");
        Parameters { query: query.to_owned(), persisted, ..Parameters::default() }
    }

    /// What is executed for a request that brings no document; none when it is asked for.
    fn known(queries: &PersistedQueries, document: &str) -> Option<String> {
        let mut parameters = asking("", &hash(document));
        queries.resolve(&mut parameters).ok().map(|_| parameters.query)
    }

    fn keep(queries: &PersistedQueries, document: &str, stage: Stage) {
        let candidate = queries.resolve(&mut asking(document, &hash(document))).expect("its hash");
        if let Some(candidate) = candidate {
            queries.keep(candidate, stage);
        }
    }

    #[test]
    fn a_document_is_sent_once_and_named_by_its_hash_from_then_on() {
        let queries = PersistedQueries::default();
        assert_eq!(known(&queries, "{ a }"), None);
        keep(&queries, "{ a }", Stage::Executed);
        assert_eq!(known(&queries, "{ a }").as_deref(), Some("{ a }"));
        keep(&queries, "{ a }", Stage::Executed);
        assert_eq!(queries.kept().bytes, "{ a }".len());
    }

    #[test]
    fn nobody_puts_another_document_in_the_place_of_a_hash() {
        let queries = PersistedQueries::default();
        for _ in 0..2 {
            let answer = queries.resolve(&mut asking("{ evil }", &hash("{ good }"))).expect_err("another document");
            assert_eq!(answer.stage, Stage::Rejected);
            keep(&queries, "{ good }", Stage::Executed);
        }
        assert_eq!(known(&queries, "{ good }").as_deref(), Some("{ good }"));
        assert_eq!(known(&queries, "{ evil }"), None);
    }

    #[test]
    fn what_was_not_executed_takes_no_room() {
        let queries = PersistedQueries::default();
        for stage in [Stage::Rejected, Stage::Forbidden, Stage::NotAllowed, Stage::TimedOut, Stage::Broken] {
            keep(&queries, "{ a }", stage);
        }
        keep(&queries, &"x".repeat(PERSISTED_DOCUMENT_BYTES_MAX + 1), Stage::Executed);
        keep(&queries, "{ pay(card: \"4242 4242 4242 4242\") }", Stage::Executed);
        let kept = queries.kept();
        assert_eq!((kept.documents.len(), kept.bytes), (0, 0));
    }

    #[test]
    fn many_documents_and_large_ones_stay_within_their_bounds() {
        let queries = PersistedQueries::default();
        keep(&queries, "first", Stage::Executed);
        for n in 0..2 * PERSISTED_DOCUMENTS_MAX {
            assert!(known(&queries, "first").is_some(), "what is used is not given up: {n}");
            keep(&queries, &format!("{n}"), Stage::Executed);
        }
        assert_eq!(queries.kept().documents.len(), PERSISTED_DOCUMENTS_MAX);
        for n in 0..2 * PERSISTED_BYTES_MAX / PERSISTED_DOCUMENT_BYTES_MAX {
            keep(&queries, &format!("{n:04}").repeat(PERSISTED_DOCUMENT_BYTES_MAX / 4), Stage::Executed);
        }
        let kept = queries.kept();
        assert!(kept.bytes <= PERSISTED_BYTES_MAX && kept.bytes > PERSISTED_BYTES_MAX / 2, "{}", kept.bytes);
        assert_eq!(kept.bytes, kept.documents.iter().map(|(_, document)| document.len()).sum::<usize>());
    }

    #[test]
    fn only_the_protocol_of_today_is_read() {
        let of = |extension: Value| PersistedQuery::of(&json!({ "persistedQuery": extension }));
        let good = hash("{ a }");
        assert_eq!(of(json!({ "version": 1, "sha256Hash": good })), Ok(Some(PersistedQuery::of_document("{ a }"))));
        assert_eq!(PersistedQuery::of(&Value::Null), Ok(None));
        assert_eq!(of(Value::Null), Ok(None));
        for bad in [
            json!(1),
            json!({}),
            json!({ "version": 2, "sha256Hash": good }),
            json!({ "version": 1, "sha256Hash": &good[1..] }),
            json!({ "version": 1, "sha256Hash": format!("{}é", &good[2..]) }),
            json!({ "version": 1, "sha256Hash": "z".repeat(64) }),
            json!({ "sha256Hash": good }),
        ] {
            assert_eq!(of(bad.clone()), Err(Malformed), "{bad}");
        }
    }
}
