//! The login in front of opencode, and opencode behind it.

mod browser;
mod page;
mod tokens;
mod without_login;
