//! Real connections: time limits, bounds, and the end of the process.
