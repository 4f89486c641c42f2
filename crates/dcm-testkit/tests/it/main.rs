//! Tests of the testkit against real control planes: one binary, one file per topic.

mod lifetime;
mod operation;
mod processes;
