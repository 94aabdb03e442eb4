//! Programs and people's processes killed in the middle of something.

mod commands;
mod disable;
mod swap;
