//! The attempts of one start: another port, or no login shell, each once. Pure, but for
//! finding a port.

use std::net::{Ipv4Addr, TcpListener};

use crate::wire::Failure;

/// How opencode is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempt {
    /// 0: any.
    pub(super) port: u16,
    /// Through the person's login shell.
    pub(super) login_shell: bool,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AttemptEnd {
    Failed(Failure),
    /// The login shell ended or hung before it started opencode.
    InLoginShell,
}

impl Attempt {
    pub(super) const FIRST: Self = Self {
        port: 0,
        login_shell: true,
    };

    /// The next attempt, if there is another way.
    pub(super) fn after(
        self,
        end: AttemptEnd,
        free_port: impl FnOnce() -> u16,
    ) -> Result<Self, Failure> {
        match end {
            AttemptEnd::InLoginShell if self.login_shell => Ok(Self {
                login_shell: false,
                ..self
            }),
            AttemptEnd::InLoginShell => Err(Failure::Ended),
            // Another process has that port.
            AttemptEnd::Failed(Failure::Port) if self.port == 0 => Ok(Self {
                port: free_port(),
                ..self
            }),
            AttemptEnd::Failed(failure) => Err(failure),
        }
    }
}

/// A port at which nobody listens.
pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map_or(0, |address| address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_other_way_is_tried_once() {
        let after = |attempt: Attempt, end| attempt.after(end, || 4097);
        let port = AttemptEnd::Failed(Failure::Port);
        let first = Attempt::FIRST;
        let second = after(first, port).unwrap();
        assert_eq!((second.port, second.login_shell), (4097, true));
        assert_eq!(after(second, port), Err(Failure::Port));
        let third = after(second, AttemptEnd::InLoginShell).unwrap();
        assert_eq!((third.port, third.login_shell), (4097, false));
        let again = after(third, AttemptEnd::InLoginShell);
        assert_eq!(again, Err(Failure::Ended));
        let timed_out = AttemptEnd::Failed(Failure::TimedOut);
        assert_eq!(after(first, timed_out), Err(Failure::TimedOut));
    }
}
