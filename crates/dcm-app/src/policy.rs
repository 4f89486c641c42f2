//! What the operator of this installation decided.

use dcm_types::address::AddressPolicy;

/// Decisions of the operator that use cases obey.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Which addresses a registered cluster may have.
    pub addresses: AddressPolicy,
}
