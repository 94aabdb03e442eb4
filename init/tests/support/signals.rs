//! The numbers of signals that the tests send, signal(7).

pub(crate) const HUP: i32 = 1;
pub(crate) const INT: i32 = 2;
pub(crate) const QUIT: i32 = 3;
pub(crate) const KILL: i32 = 9;
pub(crate) const USR1: i32 = 10;
pub(crate) const SEGV: i32 = 11;
pub(crate) const USR2: i32 = 12;
pub(crate) const TERM: i32 = 15;
pub(crate) const CHLD: i32 = 17;
pub(crate) const CONT: i32 = 18;
pub(crate) const STOP: i32 = 19;
