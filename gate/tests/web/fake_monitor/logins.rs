//! Logins, passwords and the first account.

use occ_gate::wire::{
    ChangePasswordReply, Conversation, Login, LoginReply, MakeFirstReply, PamText, Rejection,
    Secret, User, ask,
};

use super::sessions::{LATER, Sessions};

/// The conversations in which a code and a new password are asked for.
const CODE: Conversation = Conversation(77);
const RENEWAL: Conversation = Conversation(88);

#[derive(Default)]
pub(crate) struct Logins {
    /// Whether a code is asked for after a right password.
    pub(crate) asks_for_code: bool,
    /// Whether a new one is needed after a right password.
    pub(crate) needs_new_password: bool,
    pub(crate) slow_down: Option<u32>,
    /// The code for the first account, while there is none.
    pub(crate) first_code: Option<&'static str>,
}

/// Everybody has both.
const PASSWORDS: [&[u8]; 2] = [b"secret", b"a long password"];

impl Logins {
    pub(super) fn authenticate(
        &self,
        sessions: &mut Sessions,
        ask: ask::Authenticate,
    ) -> LoginReply {
        if let Some(seconds) = self.slow_down {
            return LoginReply::SlowDown { seconds };
        }
        let user = ask.user.as_str();
        if !matches!(user, "alice" | "bob") || !PASSWORDS.contains(&ask.password.expose()) {
            return LoginReply::Refused;
        }
        if self.needs_new_password {
            return new_password_needed("");
        }
        if self.asks_for_code {
            let text = PamText::cut("Verification code: ");
            return LoginReply::Prompt {
                conversation: CODE,
                text,
                echo: false,
            };
        }
        log_in(sessions, user, ask.device)
    }

    pub(super) fn make_first(&mut self, ask: &ask::MakeFirst) -> MakeFirstReply {
        match self.first_code {
            None => MakeFirstReply::Closed,
            Some(_) if self.slow_down.is_some() => MakeFirstReply::SlowDown { seconds: 9 },
            Some(code) if ask.code.expose() != code.as_bytes() => MakeFirstReply::WrongCode,
            Some(_) if ask.user.as_str() == "root" => MakeFirstReply::Rejected {
                text: PamText::cut("the name 'root' is <taken>"),
            },
            Some(_) => {
                self.first_code = None;
                MakeFirstReply::Made
            }
        }
    }
}

pub(super) fn answer(sessions: &mut Sessions, ask: &ask::Answer) -> LoginReply {
    if ask.conversation != CODE || ask.text.expose() != b"123456" {
        return LoginReply::Refused;
    }
    log_in(sessions, "alice", None)
}

/// Takes anything but `short`, in the conversation of the last that was needed.
pub(super) fn renew(sessions: &mut Sessions, ask: &ask::RenewPassword) -> LoginReply {
    if ask.conversation != RENEWAL {
        return LoginReply::Refused;
    }
    if ask.new.expose() == b"short" {
        return new_password_needed("too <short>");
    }
    log_in(sessions, "alice", None)
}

pub(super) fn log_in(sessions: &mut Sessions, user: &str, device: Option<Secret>) -> LoginReply {
    let own = format!("device-of-{user}");
    let shown = device.filter(|device| device.expose() == own.as_bytes());
    LoginReply::Token(Login {
        token: sessions.begin(user),
        user: User::cut(user),
        expires: LATER,
        device: shown.unwrap_or_else(|| Secret::from_text(&own).unwrap()),
    })
}

fn new_password_needed(text: &str) -> LoginReply {
    LoginReply::NewPasswordNeeded {
        conversation: RENEWAL,
        text: PamText::cut(text),
    }
}

pub(super) fn change(ask: &ask::ChangePassword) -> ChangePasswordReply {
    match (ask.old.expose(), ask.new.expose()) {
        (b"secret", b"short") => ChangePasswordReply::Rejected {
            why: Rejection::New,
            text: PamText::cut("too <short>"),
        },
        (b"secret", _) => ChangePasswordReply::Changed,
        _ => ChangePasswordReply::Rejected {
            why: Rejection::Old,
            text: PamText::default(),
        },
    }
}
