//! Logging in: the form, PAM's further questions, and the cookies that follow.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue, RETRY_AFTER, SET_COOKIE, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use zeroize::Zeroizing;

use super::pages::{LoginForm, Notice, PromptForm};
use super::sessions::Session;
use crate::clock;
use crate::web::http::body::Body;
use crate::web::http::cookies::Cookie;
use crate::web::http::form::Form;
use crate::web::http::{form_body, percent, redirect, reply};
use crate::web::pages;
use crate::web::state::{Gate, Visit};
use crate::wire::{Agent, Conversation, Login, LoginReply, Secret, User, ask};

/// A browser stays known for half a year after its last login.
const DEVICE_SECONDS: u64 = 180 * 24 * 60 * 60;

/// The way to the login page, and from there on to `path`.
pub(super) fn path_for(path: &str) -> String {
    match redirect::local_path(path) {
        "/" => "/_occ/login".to_owned(),
        path => format!("/_occ/login?next={}", percent::encode(path)),
    }
}

/// GET /_occ/login
pub(super) fn page<B>(
    visit: &Visit,
    session: Option<&Session>,
    request: &Request<B>,
) -> Response<Body> {
    let query = request
        .uri()
        .query()
        .and_then(|query| Form::parse(query.as_bytes()));
    let wanted = |name| {
        query
            .as_ref()
            .and_then(|query| query.text(name))
            .unwrap_or("")
    };
    let next = redirect::local_path(wanted("next"));
    if session.is_some() {
        return reply::see_other(next);
    }
    let notice = (wanted("notice") == "logged-out").then_some(Notice::LoggedOut);
    let form = LoginForm {
        host: visit.authority.as_str(),
        next,
        user: "",
        notice,
    };
    reply::page(StatusCode::OK, &pages::login(&form))
}

/// POST /_occ/login
pub(super) async fn submit(
    gate: &Gate,
    visit: &Visit,
    old: Option<&Session>,
    request: Request<Incoming>,
) -> Response<Body> {
    let headers = request.headers().clone();
    let form = match form_body::read(request, gate.limits.form_time).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    let typed = form.text("user").unwrap_or("").trim();
    // What can't be anybody's still goes to the monitor: every failure takes
    // the same time there.
    let (user, password) = credentials(typed, form.bytes("password"));
    let request = ask::Authenticate {
        user,
        password,
        address: visit.address,
        agent: Agent::cut(
            headers
                .get(USER_AGENT)
                .and_then(|agent| agent.to_str().ok())
                .unwrap_or(""),
        ),
        device: device(gate, visit, &headers),
    };
    let next = redirect::local_path(form.text("next").unwrap_or(""));
    let attempt = Attempt {
        gate,
        visit,
        headers: &headers,
        old,
        next,
        typed,
    };
    attempt
        .finish(
            gate.monitor
                .ask(request)
                .await
                .unwrap_or(LoginReply::Unavailable),
        )
        .await
}

/// POST /_occ/prompt
pub(super) async fn answer(
    gate: &Gate,
    visit: &Visit,
    old: Option<&Session>,
    request: Request<Incoming>,
) -> Response<Body> {
    let headers = request.headers().clone();
    let form = match form_body::read(request, gate.limits.form_time).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    let conversation = form
        .text("conversation")
        .and_then(|number| number.parse().ok());
    let text = form.bytes("answer").cloned().and_then(Secret::new);
    let next = redirect::local_path(form.text("next").unwrap_or(""));
    let attempt = Attempt {
        gate,
        visit,
        headers: &headers,
        old,
        next,
        typed: "",
    };
    let (Some(conversation), Some(text)) = (conversation, text) else {
        return attempt.failed(StatusCode::FORBIDDEN, Notice::Refused);
    };
    let request = ask::Answer {
        conversation: Conversation(conversation),
        text,
    };
    attempt
        .finish(
            gate.monitor
                .ask(request)
                .await
                .unwrap_or(LoginReply::Unavailable),
        )
        .await
}

/// A login on its way.
struct Attempt<'a> {
    gate: &'a Gate,
    visit: &'a Visit,
    headers: &'a HeaderMap,
    /// The session that the browser had until now.
    old: Option<&'a Session>,
    next: &'a str,
    typed: &'a str,
}

impl Attempt<'_> {
    async fn finish(&self, reply: LoginReply) -> Response<Body> {
        match reply {
            LoginReply::Token(login) => self.succeeded(&login).await,
            LoginReply::Prompt {
                conversation,
                text,
                echo,
            } => {
                let form = PromptForm {
                    conversation: conversation.0,
                    next: self.next,
                    text: text.as_str(),
                    echo,
                };
                reply::page(StatusCode::OK, &pages::prompt(&form))
            }
            LoginReply::SlowDown { seconds } => {
                let mut reply =
                    self.failed(StatusCode::TOO_MANY_REQUESTS, Notice::SlowDown(seconds));
                reply
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from(seconds));
                reply
            }
            LoginReply::Refused => self.failed(StatusCode::FORBIDDEN, Notice::Refused),
            LoginReply::Unavailable => {
                self.failed(StatusCode::SERVICE_UNAVAILABLE, Notice::Unavailable)
            }
        }
    }

    fn failed(&self, status: StatusCode, notice: Notice) -> Response<Body> {
        let form = LoginForm {
            host: self.visit.authority.as_str(),
            next: self.next,
            user: self.typed,
            notice: Some(notice),
        };
        reply::page(status, &pages::login(&form))
    }

    /// A new id; the old one ends, so nobody who planted it has a session.
    async fn succeeded(&self, login: &Login) -> Response<Body> {
        if let Some(old) = self.old {
            let _ = self
                .gate
                .monitor
                .ask(ask::End {
                    token: old.token.clone(),
                })
                .await;
            self.gate.sessions.gone(old.token.hash());
        }
        let mut reply = reply::see_other(self.next);
        let headers = reply.headers_mut();
        let (cookies, secure) = (&self.gate.cookies, self.visit.secure);
        let device = Zeroizing::new(Base64UrlUnpadded::encode_string(login.device.expose()));
        let seconds = login.expires.saturating_sub(clock::now());
        let lines = [
            cookies.set(Cookie::Session, &login.token.expose(), secure, seconds),
            cookies.set(Cookie::Device, &device, secure, DEVICE_SECONDS),
        ];
        for line in lines.into_iter().flatten() {
            headers.append(SET_COOKIE, line);
        }
        // Somebody else may have used this browser, and their opencode, which is
        // under their own control, may have left scripts in its cache.
        if cookies.get(self.headers, Cookie::Device, secure) != Some(device.as_str()) {
            headers.insert(reply::CLEAR.0, reply::CLEAR.1);
        }
        reply
    }
}

/// Name and password for the monitor; none at all if either can't be.
fn credentials(user: &str, password: Option<&Zeroizing<Vec<u8>>>) -> (User, Secret) {
    match (User::new(user), password.cloned().and_then(Secret::new)) {
        (Some(user), Some(password)) => (user, password),
        _ => <(User, Secret)>::default(),
    }
}

fn device(gate: &Gate, visit: &Visit, headers: &HeaderMap) -> Option<Secret> {
    let value = gate.cookies.get(headers, Cookie::Device, visit.secure)?;
    Base64UrlUnpadded::decode_vec(value)
        .ok()
        .map(Zeroizing::new)
        .and_then(Secret::new)
}
