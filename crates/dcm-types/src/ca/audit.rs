//! What the verification of the record of key events found.

use serde::{Deserialize, Serialize};

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaAuditReport {
    /// Chains of events: one of every authority and of every edge.
    pub chains: u64,
    /// Events that were found to be right.
    pub verified: u64,
    /// The first event of each chain that is not right; what follows it in its chain was not looked at.
    pub bad: Vec<BadEvent>,
}

/// An event that is not right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadEvent {
    /// Which chain: the path of what it tells of.
    pub chain: String,
    /// Position in its chain, from 1.
    pub sequence: u64,
    /// What is wrong.
    pub why: String,
}
