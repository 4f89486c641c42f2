//! The mesh of a cloud in its members: on simulated ones in virtual time, and what the real `istioctl` renders on
//! real ones.

mod authorities;
mod bundle;
mod crashes;
mod golden;
mod leaving;
mod manifest;
mod prepared;
mod real;
mod trouble;
