//! People and their accounts, by `occ`. Runs on any engine.

mod backup;
mod defects;
mod first_login;
mod listing;
mod passwords;
mod refusals;
mod removal;
mod secrets;
mod store;
mod takeover;
