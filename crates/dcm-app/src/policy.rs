//! What the operator of this installation decided.

use dcm_types::address::AddressPolicy;

/// Decisions of the operator that use cases obey.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Which addresses a registered cluster may have.
    pub addresses: AddressPolicy,
    /// How many answers to requests with an `Idempotency-Key` are kept for one principal.
    pub kept_answers: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            addresses: AddressPolicy::default(),
            kept_answers: 10_000,
        }
    }
}
