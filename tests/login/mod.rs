//! The login in front of opencode, and opencode behind it.

mod audit;
mod browser;
mod login_shell;
mod page;
mod passkeys;
mod person;
mod second_step;
mod side_by_side;
mod terminal;
mod tokens;
mod without_login;
