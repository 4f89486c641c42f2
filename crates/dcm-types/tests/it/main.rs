//! Tables of inputs, one data file per kind of value, against the validators.

mod permissions;
mod quantities;
