//! One form of a login: read from the browser, asked of the monitor, and answered. The pages
//! that follow a form, and the cookies of a session, are given here alone.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, SET_COOKIE};
use hyper::{Request, Response, StatusCode};
use zeroize::Zeroizing;

use super::pages::{LoginForm, Notice, Outcome, PromptForm, RenewalForm};
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
use crate::wire::{Ask, Conversation, Login, LoginReply, Secret, User, ask};

/// A browser stays known for half a year after its last login.
const DEVICE_SECONDS: u64 = 180 * 24 * 60 * 60;

/// The pages that ask for more, and their forms.
pub(super) const QUESTION_PATH: &str = "/_occ/prompt";
pub(super) const RENEWAL_PATH: &str = "/_occ/renew";

/// The way to the login page, and from there on to `path`.
pub(super) fn path_for(path: &str) -> String {
    match redirect::local_path(path) {
        "/" => "/_occ/login".to_owned(),
        path => format!("/_occ/login?next={}", percent::encode(path)),
    }
}

/// The path to go to afterwards.
pub(super) fn next_of(form: &Form) -> &str {
    redirect::local_path(form.text("next").unwrap_or(""))
}

/// The fields of a request's query.
pub(super) fn query_of<B>(request: &Request<B>) -> Form {
    let query = request.uri().query().unwrap_or("");
    Form::parse(query.as_bytes()).unwrap_or_default()
}

/// GET /_occ/prompt and /_occ/renew: the page of a form's flash.
pub(super) fn page<B>(
    gate: &AppState,
    context: &RequestContext,
    request: &Request<B>,
) -> Response<Body> {
    let query = query_of(request);
    let next = next_of(&query);
    let flash = Flash::of(request.headers(), &gate.cookies, context.secure);
    let page = flash.and_then(|flash| page_of(&flash, next));
    page.unwrap_or_else(|| reply::see_other(&path_for(next)))
}

/// The page that asks for more: what PAM asks, or a new password.
fn page_of(flash: &Flash, next: &str) -> Option<Response<Body>> {
    let page = match flash {
        &Flash::Prompt {
            conversation,
            ref text,
            echo,
        } => pages::prompt(&PromptForm {
            conversation,
            next,
            text,
            echo,
        }),
        Flash::Renewal {
            conversation,
            user,
            text,
        } => pages::renewal(&RenewalForm {
            conversation: *conversation,
            next,
            user,
            text,
        }),
        _ => return None,
    };
    Some(reply::page(StatusCode::OK, &page))
}

pub(super) fn status_of(notice: Notice) -> StatusCode {
    match notice {
        Notice::Refused | Notice::NotRenewed | Notice::PasskeyRefused => StatusCode::FORBIDDEN,
        Notice::SlowDown(_) => StatusCode::TOO_MANY_REQUESTS,
        Notice::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Notice::LoggedOut => StatusCode::OK,
    }
}

/// A form of a login.
pub(super) struct Attempt<'a> {
    pub(super) gate: &'a AppState,
    pub(super) context: &'a RequestContext,
    /// The session that the browser had until now.
    old: Option<&'a Session>,
    pub(super) headers: HeaderMap,
    pub(super) form: Form,
    place: Option<Arc<Place>>,
    /// The words of a refusal.
    pub(super) refused: Notice,
    /// What the account page says after the login, which then leads there.
    pub(super) warning: Option<Outcome>,
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
            refused: Notice::Refused,
            warning: None,
        })
    }

    /// The user's name as typed.
    pub(super) fn typed(&self) -> &str {
        self.form.text("user").unwrap_or("").trim()
    }

    /// The same for the next page, which shows it; nobody has a longer name.
    pub(super) fn name(&self) -> String {
        let name = User::new(self.typed()).unwrap_or_default();
        name.as_str().to_owned()
    }

    /// The conversation that the form goes on with.
    pub(super) fn conversation(&self) -> Option<Conversation> {
        let number = self.form.text("conversation")?.parse().ok()?;
        Some(Conversation(number))
    }

    fn device_cookie(&self) -> Option<&str> {
        let (cookies, secure) = (&self.gate.cookies, self.context.secure);
        cookies.get(&self.headers, Cookie::Device, secure)
    }

    pub(super) fn device(&self) -> Option<Secret> {
        let decoded = Base64UrlUnpadded::decode_vec(self.device_cookie()?).ok()?;
        Secret::new(Zeroizing::new(decoded))
    }

    pub(super) async fn ask(&self, request: impl Ask<Reply = LoginReply>) -> Response<Body> {
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
            LoginReply::NewPasswordNeeded { conversation, text } => {
                self.needed(conversation, text.as_str())
            }
            LoginReply::Refused => self.failed(self.refused),
            LoginReply::Unavailable => self.failed(Notice::Unavailable),
        }
    }

    fn asked(
        &self,
        Conversation(conversation): Conversation,
        text: &str,
        echo: bool,
    ) -> Response<Body> {
        let flash = Flash::Prompt {
            conversation,
            text: text.to_owned(),
            echo,
        };
        self.go_on(QUESTION_PATH, &flash)
    }

    /// Asks for a new password.
    pub(super) fn needed(
        &self,
        Conversation(conversation): Conversation,
        text: &str,
    ) -> Response<Body> {
        let flash = Flash::Renewal {
            conversation,
            user: self.name(),
            text: text.to_owned(),
        };
        self.go_on(RENEWAL_PATH, &flash)
    }

    /// Leads a browser to a page that asks for more; a program gets that page at once.
    fn go_on(&self, path: &str, flash: &Flash) -> Response<Body> {
        let next = next_of(&self.form);
        let page = (!keeps_history(&self.headers)).then(|| page_of(flash, next));
        page.flatten().unwrap_or_else(|| {
            let path = format!("{path}?next={}", percent::encode(next));
            self.redirect_with(&path, flash)
        })
    }

    pub(super) fn failed(&self, notice: Notice) -> Response<Body> {
        let (next, user) = (next_of(&self.form), self.typed());
        if keeps_history(&self.headers) {
            let user = self.name();
            return self.redirect_with(&path_for(next), &Flash::Login { notice, user });
        }
        let form = LoginForm {
            host: self.context.authority.as_str(),
            next,
            user,
            notice: Some(notice),
            // Whoever gets a page here runs no script.
            passkeys: false,
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
        let (cookies, secure) = (&self.gate.cookies, self.context.secure);
        let mut reply = match &self.warning {
            Some(warning) => self.redirect_with("/_occ/account", &Flash::Account(warning.clone())),
            None => reply::see_other(next_of(&self.form)),
        };
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
