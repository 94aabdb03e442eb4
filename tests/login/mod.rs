//! The login in front of opencode, and opencode behind it.

mod browser;
mod login_shell;
mod page;
mod without_login;
