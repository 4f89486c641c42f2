//! The mesh of a cloud in its members: simulated ones in virtual time.

mod authorities;
mod bundle;
mod crashes;
mod golden;
mod leaving;
mod manifest;
mod prepared;
mod real;
mod trouble;
