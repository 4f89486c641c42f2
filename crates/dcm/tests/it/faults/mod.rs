//! The real process against faults: killed, frozen, cut off, without space; and what EMCO gets wrong.

mod disk;
mod emco;
mod frozen;
mod killed;
mod mongodb;
mod network;
mod site;
mod trap;
