//! The second step of a login: a one-time code from a person's phone.

use serde::{Deserialize, Serialize};

use super::Secret;

/// Scratch codes of a person.
pub const SCRATCH_CODES: usize = 5;

/// How it stands with a person's second step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondView {
    /// It cannot be turned on here.
    Unavailable,
    /// A password is enough.
    Off,
    /// This session began to turn it on, and has to show a code.
    Begun,
    /// Each login needs a code.
    On,
}

/// The reply to [`super::ask::BeginSecond`] and [`super::ask::EndSecond`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SecondReply {
    /// It counts from the first code on: see [`super::ask::ConfirmSecond`].
    Begun {
        /// The key for the phone, in base32. Told once.
        key: Secret,
    },
    /// A password is enough from now on.
    Ended,
    /// The password or the code is wrong.
    Wrong,
    /// Too many failures: nothing was checked; try again after that time.
    SlowDown {
        /// At least 1.
        seconds: u32,
    },
    /// Nothing was changed: it is on already, there is none here, or PAM or the disk fails.
    Unavailable,
}

/// The reply to [`super::ask::ConfirmSecond`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ConfirmSecondReply {
    /// Each login needs a code from now on.
    On {
        /// At most [`SCRATCH_CODES`], each good for one login. Told once.
        scratch: Vec<Secret>,
    },
    /// The code is wrong; the next may be right.
    Wrong,
    /// This session began nothing, or too long ago, or showed too many wrong codes, or
    /// another session began after it.
    Over,
    /// The disk does not take it: nothing was changed.
    Unavailable,
}
