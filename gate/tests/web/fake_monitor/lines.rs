//! Requests as lines, with the parts that tests look at.

use occ_gate::wire::{Request, ask};

/// A request as a line.
pub(super) fn line(request: &Request) -> String {
    match request {
        Request::Authenticate(ask::Authenticate {
            user,
            password,
            address,
            agent,
            device,
        }) => format!(
            "authenticate user='{user}' password={} address={address} agent='{agent}' device={}",
            password.expose().len(),
            device
                .as_ref()
                .map_or("none".to_owned(), |device| String::from_utf8_lossy(
                    device.expose()
                )
                .into_owned()),
        ),
        Request::Revoke(ask::Revoke { handle, .. }) => format!("revoke {}", handle.0),
        Request::Ping(ask::Ping {}) => "ping".to_owned(),
        Request::IsFirst(ask::IsFirst {}) => "is-first".to_owned(),
        Request::MakeFirst(ask::MakeFirst { user, address, .. }) => {
            format!("make-first user='{user}' address={address}")
        }
        Request::RenewPassword(ask::RenewPassword { .. }) => "renew".to_owned(),
        Request::Forget(ask::Forget { call }) => format!("forget {call}"),
        Request::Answer(ask::Answer { .. }) => "answer".to_owned(),
        Request::GetSession(ask::GetSession { .. }) => "session".to_owned(),
        Request::ListSessions(ask::ListSessions { .. }) => "list".to_owned(),
        Request::Touch(ask::Touch { .. }) => "touch".to_owned(),
        Request::End(ask::End { .. }) => "end-one".to_owned(),
        Request::EndAll(ask::EndAll { .. }) => "end-all".to_owned(),
        Request::Terminal(ask::Terminal { size, .. }) => {
            format!("terminal {}x{}", size.cols(), size.rows())
        }
        Request::CloseTerminal(ask::CloseTerminal { terminal, .. }) => {
            format!("close-terminal {}", terminal.0)
        }
        Request::Ensure(ask::Ensure { .. }) => "ensure".to_owned(),
        Request::Idle(ask::Idle { .. }) => "idle".to_owned(),
        Request::Restart(ask::Restart { .. }) => "restart".to_owned(),
        Request::GetOpencode(ask::GetOpencode { .. }) => "opencode".to_owned(),
        Request::Works(ask::Works { secret }) => {
            format!("works {}", String::from_utf8_lossy(secret.expose()))
        }
        Request::UseAccess(ask::UseAccess { address, .. }) => format!("use-access {address}"),
        Request::ListAccess(ask::ListAccess { .. }) => "access-list".to_owned(),
        Request::MakeAccess(ask::MakeAccess { name, lifetime, .. }) => {
            format!("make-access {} {}", name.as_str(), lifetime.seconds())
        }
        Request::RevokeAccess(ask::RevokeAccess { handle, .. }) => {
            format!("revoke-access {}", handle.0)
        }
        Request::ChangePassword(ask::ChangePassword { .. }) => "change-password".to_owned(),
        Request::GetSecond(ask::GetSecond { .. }) => "second".to_owned(),
        Request::BeginSecond(ask::BeginSecond { .. }) => "begin-second".to_owned(),
        Request::ConfirmSecond(ask::ConfirmSecond { .. }) => "confirm-second".to_owned(),
        Request::EndSecond(ask::EndSecond { .. }) => "stop-second".to_owned(),
        other => passkey_line(other),
    }
}

fn passkey_line(request: &Request) -> String {
    match request {
        Request::BeginPasskeyLogin(ask::BeginPasskeyLogin { origin, address }) => {
            format!("begin-login {origin} {address}")
        }
        Request::PasskeyLogin(ask::PasskeyLogin {
            credential,
            address,
            ..
        }) => format!("passkey-login {credential} {address}"),
        Request::BeginPasskey(ask::BeginPasskey { origin, .. }) => {
            format!("begin-passkey {origin}")
        }
        Request::AddPasskey(ask::AddPasskey { name, .. }) => {
            format!("add-passkey {}", name.as_str())
        }
        Request::ListPasskeys(ask::ListPasskeys { .. }) => "passkeys".to_owned(),
        Request::RemovePasskey(ask::RemovePasskey { handle, .. }) => {
            format!("remove-passkey {}", handle.0)
        }
        _ => "another request".to_owned(),
    }
}
