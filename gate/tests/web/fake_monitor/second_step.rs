//! The second step of everybody's login.

use occ_gate::wire::{ConfirmSecondReply, SecondReply, SecondView, Secret, ask};

pub(crate) struct SecondStep {
    pub(crate) view: SecondView,
    /// Whether wrong passwords were too many.
    pub(crate) slow_down: Option<u32>,
}

impl Default for SecondStep {
    fn default() -> Self {
        Self {
            view: SecondView::Unavailable,
            slow_down: None,
        }
    }
}

impl SecondStep {
    pub(super) fn begin(&mut self, ask: &ask::BeginSecond) -> SecondReply {
        match self.slow_down {
            Some(seconds) => SecondReply::SlowDown { seconds },
            None if ask.password.expose() != b"secret" => SecondReply::Wrong,
            None => {
                self.view = SecondView::Begun;
                let key = Secret::from_text("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
                SecondReply::Begun { key }
            }
        }
    }

    pub(super) fn confirm(&mut self, ask: &ask::ConfirmSecond) -> ConfirmSecondReply {
        match (self.view, ask.code.expose()) {
            (SecondView::Begun, b"123456") => {
                self.view = SecondView::On;
                let codes = ["11111111", "22222222"];
                let scratch = codes.map(|code| Secret::from_text(code).unwrap());
                ConfirmSecondReply::On {
                    scratch: scratch.into(),
                }
            }
            (SecondView::Begun, _) => ConfirmSecondReply::Wrong,
            _ => ConfirmSecondReply::Over,
        }
    }

    pub(super) fn end(&mut self, ask: &ask::EndSecond) -> SecondReply {
        if ask.password.expose() != b"secret" || ask.code.expose() != b"11111111" {
            return SecondReply::Wrong;
        }
        self.view = SecondView::Off;
        SecondReply::Ended
    }
}
