//! The state that all requests share, and the context of one.

use std::net::IpAddr;

use hyper::Request;
use tokio_util::sync::CancellationToken;

use crate::limits::Limits;
use crate::own_address::is_own_address;
use crate::settings::Settings;
use crate::web::account::issued::Issued;
use crate::web::http::cookies::Cookies;
use crate::web::http::csrf::{self, CrossOrigin, Proof};
use crate::web::http::forwarded::peer;
use crate::web::http::host::{Authority, BadHost};
use crate::web::monitor_client::Monitor;
use crate::web::opencode::Instances;
use crate::web::opencode::assets::Copies;
use crate::web::opencode::presence::Presence;
use crate::web::pages::SecondSecret;
use crate::web::programs::Programs;
use crate::web::sessions::Sessions;
use crate::wire::AccessToken;

/// The web half's whole state. All of it can be lost: nobody is logged out by that.
pub(crate) struct AppState {
    pub(crate) settings: Settings,
    pub(crate) limits: Limits,
    pub(crate) cookies: Cookies,
    pub(crate) monitor: Monitor,
    pub(crate) sessions: Sessions,
    pub(crate) programs: Programs,
    pub(crate) issued: Issued<AccessToken>,
    pub(crate) issued_second: Issued<SecondSecret>,
    pub(crate) instances: Instances,
    pub(crate) presence: Presence,
    pub(crate) copies: Copies,
    /// Cancelled when the gate is told to stop.
    pub(crate) stop: CancellationToken,
}

/// One request's circumstances.
#[derive(Debug, Clone)]
pub(crate) struct RequestContext {
    /// The browser's address.
    pub(crate) address: IpAddr,
    /// True for https.
    pub(crate) secure: bool,
    /// The host that it asked for: one of ours.
    pub(crate) authority: Authority,
}

/// Why a request is not even looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadRequest {
    Host(BadHost),
    /// A host that we don't answer to.
    Misdirected,
    CrossOrigin(CrossOrigin),
}

impl RequestContext {
    /// Host, then who asks.
    pub(crate) fn of<B>(
        request: &Request<B>,
        socket: IpAddr,
        settings: &Settings,
        proof: Proof,
    ) -> Result<Self, BadRequest> {
        let headers = request.headers();
        let authority = Authority::of(headers, request.uri()).map_err(BadRequest::Host)?;
        if !authority.is_ours(&settings.hosts) {
            return Err(BadRequest::Misdirected);
        }
        let peer = peer(socket, headers, &settings.trusted_proxies, is_own_address);
        let context = Self {
            address: peer.address,
            secure: peer.secure,
            authority,
        };
        csrf::check(request.method(), headers, &context.origin(), proof)
            .map_err(BadRequest::CrossOrigin)?;
        Ok(context)
    }

    /// Our own origin, as the browser sees it.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.authority.as_str())
    }
}
