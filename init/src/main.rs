//! `occ-init`.
fn main() {}
