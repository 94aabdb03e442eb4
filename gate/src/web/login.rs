//! Logging in: the form, PAM's further questions, and the cookies that follow.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, SET_COOKIE, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use zeroize::Zeroizing;

use super::pages::{LoginForm, Notice, PromptForm};
use super::sessions::Session;
use crate::clock;
use crate::web::connections::Place;
use crate::web::http::body::Body;
use crate::web::http::cookies::Cookie;
use crate::web::http::csrf::keeps_history;
use crate::web::http::flash::Flash;
use crate::web::http::form::Form;
use crate::web::http::{form_body, percent, redirect, reply};
use crate::web::pages;
use crate::web::state::{AppState, RequestContext};
use crate::wire::{Agent, Ask, Conversation, Login, LoginReply, Secret, User, ask};

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
    gate: &AppState,
    context: &RequestContext,
    session: Option<&Session>,
    request: &Request<B>,
) -> Response<Body> {
    let query = request.uri().query().unwrap_or("");
    let query = Form::parse(query.as_bytes()).unwrap_or_default();
    let next = next_of(&query);
    if session.is_some() {
        return reply::see_other(next);
    }
    let is_logged_out = query.text("notice") == Some("logged-out");
    let logged_out = is_logged_out.then_some(Notice::LoggedOut);
    let (status, notice, user) = match Flash::of(request.headers(), &gate.cookies, context.secure) {
        Some(Flash::Login { notice, user }) => (status_of(notice), Some(notice), user),
        _ => (StatusCode::OK, logged_out, String::new()),
    };
    let form = LoginForm {
        host: context.authority.as_str(),
        next,
        user: &user,
        notice,
    };
    let page = reply::page(status, &pages::login(&form));
    if user.is_empty() && status == StatusCode::OK {
        return page;
    }
    Flash::taken(page, &gate.cookies, context.secure)
}

/// GET /_occ/prompt
pub(super) fn question<B>(
    gate: &AppState,
    context: &RequestContext,
    request: &Request<B>,
) -> Response<Body> {
    let query = request.uri().query().unwrap_or("");
    let query = Form::parse(query.as_bytes()).unwrap_or_default();
    match Flash::of(request.headers(), &gate.cookies, context.secure) {
        Some(Flash::Prompt {
            conversation,
            text,
            echo,
        }) => {
            let form = PromptForm {
                conversation,
                next: next_of(&query),
                text: &text,
                echo,
            };
            reply::page(StatusCode::OK, &pages::prompt(&form))
        }
        _ => reply::see_other(&path_for(next_of(&query))),
    }
}

fn status_of(notice: Notice) -> StatusCode {
    match notice {
        Notice::Refused => StatusCode::FORBIDDEN,
        Notice::SlowDown(_) => StatusCode::TOO_MANY_REQUESTS,
        Notice::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Notice::LoggedOut => StatusCode::OK,
    }
}

/// The path to go to afterwards.
fn next_of(form: &Form) -> &str {
    redirect::local_path(form.text("next").unwrap_or(""))
}

/// POST /_occ/login
pub(super) async fn submit(
    gate: &AppState,
    context: &RequestContext,
    old: Option<&Session>,
    request: Request<Incoming>,
) -> Response<Body> {
    match Attempt::read(gate, context, old, request).await {
        Ok(attempt) => with_password(&attempt).await,
        Err(refused) => refused,
    }
}

/// Logs in with the name and password of a form.
pub(super) async fn with_password(attempt: &Attempt<'_>) -> Response<Body> {
    // What can't be anybody's still goes to the monitor: every failure takes
    // the same time there.
    let (user, password) = credentials(attempt.typed(), attempt.form.bytes("password"));
    let agent = attempt.headers.get(USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or("");
    let request = ask::Authenticate {
        user,
        password,
        address: attempt.context.address,
        agent: Agent::cut(agent),
        device: attempt.device(),
    };
    attempt.ask(request).await
}

/// POST /_occ/prompt
pub(super) async fn answer(
    gate: &AppState,
    context: &RequestContext,
    old: Option<&Session>,
    request: Request<Incoming>,
) -> Response<Body> {
    let attempt = match Attempt::read(gate, context, old, request).await {
        Ok(attempt) => attempt,
        Err(refused) => return refused,
    };
    let conversation = attempt.form.text("conversation");
    let conversation = conversation.and_then(|number| number.parse().ok().map(Conversation));
    let text = attempt.form.bytes("answer").cloned().and_then(Secret::new);
    let (Some(conversation), Some(text)) = (conversation, text) else {
        return attempt.failed(Notice::Refused);
    };
    attempt.ask(ask::Answer { conversation, text }).await
}

/// A form of a login.
pub(super) struct Attempt<'a> {
    gate: &'a AppState,
    pub(super) context: &'a RequestContext,
    /// The session that the browser had until now.
    old: Option<&'a Session>,
    pub(super) headers: HeaderMap,
    pub(super) form: Form,
    place: Option<Arc<Place>>,
}

impl<'a> Attempt<'a> {
    pub(super) async fn read(
        gate: &'a AppState,
        context: &'a RequestContext,
        old: Option<&'a Session>,
        request: Request<Incoming>,
    ) -> Result<Self, Response<Body>> {
        let headers = request.headers().clone();
        let place = request.extensions().get::<Arc<Place>>().cloned();
        let form = form_body::read(request, gate.limits.form_time).await?;
        Ok(Self {
            gate,
            context,
            old,
            headers,
            form,
            place,
        })
    }

    /// The user's name as typed.
    pub(super) fn typed(&self) -> &str {
        self.form.text("user").unwrap_or("").trim()
    }

    fn device_cookie(&self) -> Option<&str> {
        let (cookies, secure) = (&self.gate.cookies, self.context.secure);
        cookies.get(&self.headers, Cookie::Device, secure)
    }

    fn device(&self) -> Option<Secret> {
        let decoded = Base64UrlUnpadded::decode_vec(self.device_cookie()?).ok()?;
        Secret::new(Zeroizing::new(decoded))
    }

    async fn ask(&self, request: impl Ask<Reply = LoginReply>) -> Response<Body> {
        let reply = {
            // The browser is a stranger's so far: its connection is cut before others.
            let _unfinished = self.place.as_ref().map(Place::unfinished);
            self.gate.monitor.ask_for_browser(request).await
        };
        match reply.unwrap_or(LoginReply::Unavailable) {
            LoginReply::Token(login) => self.succeeded(&login).await,
            LoginReply::Prompt {
                conversation,
                text,
                echo,
            } => self.asked(conversation, text.as_str(), echo),
            LoginReply::SlowDown { seconds } => {
                reply::again_in(seconds, self.failed(Notice::SlowDown(seconds)))
            }
            LoginReply::Refused => self.failed(Notice::Refused),
            LoginReply::Unavailable => self.failed(Notice::Unavailable),
        }
    }

    fn asked(&self, conversation: Conversation, text: &str, echo: bool) -> Response<Body> {
        let (conversation, next) = (conversation.0, next_of(&self.form));
        if keeps_history(&self.headers) {
            let flash = Flash::Prompt {
                conversation,
                text: text.to_owned(),
                echo,
            };
            let path = format!("/_occ/prompt?next={}", percent::encode(next));
            return self.redirect_with(&path, &flash);
        }
        let form = PromptForm {
            conversation,
            next,
            text,
            echo,
        };
        reply::page(StatusCode::OK, &pages::prompt(&form))
    }

    fn failed(&self, notice: Notice) -> Response<Body> {
        let (next, user) = (next_of(&self.form), self.typed());
        if keeps_history(&self.headers) {
            // Nobody has a longer name.
            let user = User::new(user).unwrap_or_default().as_str().to_owned();
            return self.redirect_with(&path_for(next), &Flash::Login { notice, user });
        }
        let form = LoginForm {
            host: self.context.authority.as_str(),
            next,
            user,
            notice: Some(notice),
        };
        reply::page(status_of(notice), &pages::login(&form))
    }

    pub(super) fn redirect_with(&self, path: &str, flash: &Flash) -> Response<Body> {
        flash.give(
            reply::see_other(path),
            &self.gate.cookies,
            self.context.secure,
        )
    }

    /// A new id; the old one ends, so nobody who planted it has a session.
    async fn succeeded(&self, login: &Login) -> Response<Body> {
        if let Some(old) = self.old {
            let token = old.token.clone();
            let _ = self.gate.monitor.ask(ask::End { token }).await;
            self.gate.sessions.gone(old.token.hash());
        }
        let mut reply = reply::see_other(next_of(&self.form));
        let (cookies, secure) = (&self.gate.cookies, self.context.secure);
        let device = Zeroizing::new(Base64UrlUnpadded::encode_string(login.device.expose()));
        let seconds = login.expires.saturating_sub(clock::now());
        let lines = [
            cookies.set(Cookie::Session, &login.token.expose(), secure, seconds),
            cookies.set(Cookie::Device, &device, secure, DEVICE_SECONDS),
        ];
        for line in lines.into_iter().flatten() {
            reply.headers_mut().append(SET_COOKIE, line);
        }
        // Somebody else may have used this browser, and their opencode, which is
        // under their own control, may have left scripts in its cache.
        if self.device_cookie() != Some(device.as_str()) {
            reply = reply::clearing(reply);
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
