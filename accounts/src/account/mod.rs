//! One account and its parts, each of a type that only holds valid values.

pub mod id;
pub mod name;
pub mod password;
pub mod text;
