//! What all requests share, and what is known of one before it is answered.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use hyper::Request;
use tokio_util::sync::CancellationToken;

use super::assets::Copies;
use super::authority::{Authority, BadHost};
use super::cookies::Cookies;
use super::instances::Instances;
use super::monitor::Monitor;
use super::origin::{self, Foreign};
use super::peer::peer;
use super::presence::Presence;
use super::sessions::Sessions;
use super::settings::Settings;
use crate::wire::Time;

/// The web half's whole state. All of it can be lost: nobody is logged out by that.
pub(super) struct Gate {
    pub(super) settings: Settings,
    pub(super) cookies: Cookies,
    pub(super) monitor: Monitor,
    pub(super) sessions: Sessions,
    pub(super) instances: Instances,
    pub(super) presence: Presence,
    pub(super) copies: Copies,
    /// Cancelled when the gate is told to stop.
    pub(super) stop: CancellationToken,
}

/// One request's circumstances.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    /// Where the browser is.
    pub(super) address: IpAddr,
    /// Whether it speaks https.
    pub(super) secure: bool,
    /// The host that it asked for: one of ours.
    pub(super) authority: Authority,
}

/// Why a request is not even looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    Host(BadHost),
    /// A host that we don't answer to.
    Misdirected,
    Foreign(Foreign),
}

impl Visit {
    /// Host, then who asks. Pure.
    pub(super) fn of<B>(
        request: &Request<B>,
        socket: IpAddr,
        settings: &Settings,
    ) -> Result<Self, Unfit> {
        let headers = request.headers();
        let authority = Authority::of(headers, request.uri()).map_err(Unfit::Host)?;
        if !authority.is_ours(&settings.hosts) {
            return Err(Unfit::Misdirected);
        }
        let peer = peer(socket, headers, &settings.trusted_proxies);
        let scheme = if peer.secure { "https" } else { "http" };
        let own = format!("{scheme}://{}", authority.as_str());
        origin::check(request.method(), headers, &own).map_err(Unfit::Foreign)?;
        Ok(Self {
            address: peer.address,
            secure: peer.secure,
            authority,
        })
    }
}

/// The clock, as the wire counts.
pub(super) fn now() -> Time {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}
