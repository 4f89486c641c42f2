//! Part of the Distributed Cloud Manager.
