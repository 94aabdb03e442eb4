//! The processes that the monitor starts of this program, each with what it
//! needs and nothing else. They decide nothing: options and stdin say what to do.

pub mod become_person;
pub mod check_passkey;
pub mod home_probe;
pub mod kill_user;
pub mod login_shell;
pub mod pam;
pub mod pam_session;
pub mod start_shell;
pub mod tmpdir;
pub mod web;

pub(crate) mod own_limits;
pub(crate) mod password;
pub(crate) mod privilege;
pub(crate) mod session_child;

mod pam_conversation;
mod pipe;
