//! The packages of a release, installed on clean machines.

mod debian;
mod inputs;
