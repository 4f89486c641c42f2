//! Leases by the clock of the server: one document each, decided on in the server, in the command that changes it.
//!
//! The rule is that of `crate::leases`, in the language of the server.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::options::ReturnDocument;

use super::Connection;
use super::document::{self, LEASE};
use super::fault::{code, code_of, fault, late};
use crate::store::{Error, Lease};

const DOING: &str = "take a lease";
/// Longer than anybody means, shorter than dates go.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);
/// Takers that make a new lease at the same time; all but one are told that it is there.
const ATTEMPTS: u32 = 5;

pub(super) async fn take(
    connection: &Connection,
    name: &str,
    holder: &str,
    ttl: Duration,
) -> Result<Option<Lease>, Error> {
    let allowed = connection.deadline;
    let taking = async {
        for _ in 1..ATTEMPTS {
            match change(connection, name, holder, ttl).await {
                Err(error) if code_of(&error) == Some(code::DUPLICATE_KEY) => {}
                outcome => return outcome,
            }
        }
        change(connection, name, holder, ttl).await
    };
    let outcome = tokio::time::timeout(allowed, Box::pin(taking)).await;
    let held = outcome
        .map_err(|_| late(DOING, allowed))?
        .map_err(|error| fault(DOING, &error))?;
    let Some(held) = held.filter(|held| document::says(held, "holder", holder)) else {
        return Ok(None);
    };
    Ok(Some(Lease {
        token: document::whole(&held, "token")?,
        remaining: ttl,
    }))
}

async fn change(
    connection: &Connection,
    name: &str,
    holder: &str,
    ttl: Duration,
) -> Result<Option<Document>, mongodb::error::Error> {
    connection
        .collection
        .find_one_and_update(
            doc! { "_id": format!("{LEASE}{name}") },
            rule(name, holder, ttl),
        )
        .upsert(true)
        .return_document(ReturnDocument::After)
        .write_concern(connection.majority())
        .await
}

/// Nobody has it: token 1. The holder asks again: the same token. It is over: the next token. Else nothing changes.
fn rule(name: &str, holder: &str, ttl: Duration) -> Vec<Document> {
    let milliseconds = i64::try_from(ttl.min(LONGEST).as_millis()).unwrap_or(i64::MAX);
    let me = || doc! { "$literal": holder };
    let new = doc! { "$eq": [{ "$type": "$holder" }, "missing"] };
    let mine = doc! { "$eq": ["$holder", me()] };
    // As numbers: not every server of this protocol compares a stored date with its own clock rightly.
    let over = doc! { "$lte": [{ "$toLong": "$until" }, { "$toLong": "$$NOW" }] };
    let next = doc! { "$add": ["$token", 1_i64] };
    vec![
        doc! { "$set": {
            "kind": LEASE.trim_end_matches('/'),
            "path": { "$literal": name },
            "was": { "$switch": {
                "branches": [
                    { "case": new, "then": "new" },
                    { "case": mine, "then": "mine" },
                    { "case": over, "then": "over" },
                ],
                "default": "taken",
            } },
        } },
        doc! { "$set": {
            "token": { "$switch": {
                "branches": [
                    { "case": { "$eq": ["$was", "new"] }, "then": 1_i64 },
                    { "case": { "$eq": ["$was", "over"] }, "then": next },
                ],
                "default": "$token",
            } },
            "holder": { "$cond": [{ "$eq": ["$was", "taken"] }, "$holder", me()] },
            "until": { "$cond": [
                { "$eq": ["$was", "taken"] },
                "$until",
                { "$add": ["$$NOW", milliseconds] },
            ] },
        } },
        doc! { "$unset": "was" },
    ]
}
