//! Leases, and the id of the key that seals this store's secrets: rows of the store itself.

use std::time::Duration;

use dcm_types::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Refusal;
use super::apply::Failure;
use crate::leases::{self, Held};
use crate::store::Lease;

/// Takes or renews a lease inside the writer's transaction; the last argument is now and the ttl.
pub(super) fn take(
    connection: &Connection,
    name: &str,
    holder: &str,
    (now, ttl): (Timestamp, Duration),
) -> rusqlite::Result<Option<Lease>> {
    let current = connection
        .prepare_cached("SELECT holder, token, expires_at FROM leases WHERE name = ?1")?
        .query_row([name], held)
        .optional()?;
    let Some(granted) = leases::decide(current.as_ref(), holder, now, ttl) else {
        return Ok(None);
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO leases (name, holder, token, expires_at)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            name,
            granted.holder,
            granted.token,
            granted.expires_at.as_microsecond()
        ])?;
    Ok(Some(granted.granted(ttl)))
}

fn held(row: &Row<'_>) -> rusqlite::Result<Held> {
    let column = 2;
    let expires_at = Timestamp::from_microsecond(row.get(column)?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error))
    })?;
    Ok(Held {
        holder: row.get(0)?,
        token: row.get(1)?,
        expires_at,
    })
}

/// The id that the store is bound to.
pub(super) fn key_id(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT key_id FROM store", [], |row| row.get(0))
}

/// Binds the store to a key; refuses another one than before.
pub(super) fn bind_key_id(connection: &Connection, id: &str) -> Result<(), Failure> {
    match key_id(connection)? {
        Some(bound) if bound == id => Ok(()),
        Some(bound) => {
            let given = id.to_owned();
            let refusal = Refusal::OtherKey { bound, given };
            Err(Failure::Refused(refusal.while_doing("bind its key id")))
        }
        None => {
            connection.execute("UPDATE store SET key_id = ?1", [id])?;
            Ok(())
        }
    }
}
