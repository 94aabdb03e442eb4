//! Passkeys: a challenge for the script of the page, and the forms in which it sends what
//! an authenticator made of it. The challenge's name stays in a cookie that no script sees,
//! so it is good in this browser alone.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hyper::body::Incoming;
use hyper::header::{SET_COOKIE, USER_AGENT};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use maud::Markup;

use super::sessions::Session;
use crate::monitor::passkeys::check::relying_party;
use crate::web::attempt::Attempt;
use crate::web::http::body::Body;
use crate::web::http::cookies::Cookie;
use crate::web::http::form::Form;
use crate::web::http::{form_body, reply};
use crate::web::monitor_client::NoReply;
use crate::web::pages::Notice;
use crate::web::state::{AppState, RequestContext};
use crate::wire::{
    Agent, CHALLENGE_SECONDS, ChallengeReply, CredentialId, Gone, Origin, Proof, Secret, Token, ask,
};

/// Asks for a challenge to log in with.
const BEGIN_PATH: &str = "/_occ/passkey/begin";
/// The form of the login page.
const LOGIN_PATH: &str = "/_occ/passkey";
/// Asks for a challenge to add a passkey with.
const BEGIN_ADDING_PATH: &str = "/_occ/passkey/begin-adding";

/// Returns whether the path is one of these.
pub(super) fn has(path: &str) -> bool {
    matches!(path, BEGIN_PATH | LOGIN_PATH | BEGIN_ADDING_PATH)
}

pub(super) async fn answer(
    gate: &AppState,
    context: &RequestContext,
    session: Option<&Session>,
    request: Request<Incoming>,
) -> Response<Body> {
    let path = request.uri().path().to_owned();
    match (path.as_str(), request.method().clone(), session) {
        (LOGIN_PATH, Method::POST, _) => log_in(gate, context, session, request).await,
        (LOGIN_PATH, Method::GET | Method::HEAD, _) => reply::see_other("/_occ/login"),
        (LOGIN_PATH, ..) => reply::wrong_method("GET, HEAD, POST"),
        (BEGIN_PATH, Method::POST, _) => begin(gate, context).await,
        (_, Method::POST, Some(session)) => begin_adding(gate, context, session, request).await,
        (_, Method::POST, None) => reply::logged_out(),
        _ => reply::wrong_method("POST"),
    }
}

/// Returns whether passkeys are wanted, and browsers know any for the origin as asked.
pub(super) fn are_offered(gate: &AppState, context: &RequestContext) -> bool {
    gate.settings.passkeys && relying_party(&context.origin()).is_some()
}

/// A page that offers them runs our script, and any other none.
pub(super) fn page(status: StatusCode, markup: &Markup, is_offering: bool) -> Response<Body> {
    if is_offering {
        reply::page_with_script(status, markup)
    } else {
        reply::page(status, markup)
    }
}

/// POST /_occ/passkey/begin
async fn begin(gate: &AppState, context: &RequestContext) -> Response<Body> {
    let Some(origin) = Origin::new(&context.origin()) else {
        return off();
    };
    let address = context.address;
    match gate
        .monitor
        .ask(ask::BeginPasskeyLogin { origin, address })
        .await
    {
        Ok(answer) => challenge(gate, context, answer),
        Err(NoReply) => reply::unreached(),
    }
}

/// POST /_occ/passkey/begin-adding
async fn begin_adding(
    gate: &AppState,
    context: &RequestContext,
    session: &Session,
    request: Request<Incoming>,
) -> Response<Body> {
    let form = match form_body::read(request, gate.limits.form_time).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    let Some(origin) = Origin::new(&context.origin()) else {
        return off();
    };
    let field = |name| Secret::new(form.bytes(name).cloned().unwrap_or_default());
    let has_code = form.bytes("code").is_some_and(|code| !code.is_empty());
    let (Some(password), Some(code)) = (field("password"), field("code")) else {
        return wrong(has_code);
    };
    let ask = ask::BeginPasskey {
        token: session.token.clone(),
        origin,
        password,
        code: has_code.then_some(code),
    };
    match gate.monitor.ask(ask).await {
        Ok(Ok(ChallengeReply::Wrong)) => wrong(has_code),
        Ok(Ok(answer)) => challenge(gate, context, answer),
        Ok(Err(Gone)) => reply::logged_out(),
        Err(NoReply) => reply::unreached(),
    }
}

fn challenge(gate: &AppState, context: &RequestContext, answer: ChallengeReply) -> Response<Body> {
    let (challenge, options) = match answer {
        ChallengeReply::Ready { challenge, options } => (challenge, options),
        ChallengeReply::Full => {
            let line = "you have as many passkeys as a person may have\nhint: remove one\n";
            return reply::text(StatusCode::CONFLICT, line);
        }
        ChallengeReply::Off => return off(),
        ChallengeReply::Wrong => return wrong(false),
        ChallengeReply::SlowDown { seconds } => return reply::too_many_guesses(seconds),
        ChallengeReply::Unavailable => {
            let line = "passwords cannot be checked right now\nhint: try again in a moment\n";
            return reply::text(StatusCode::SERVICE_UNAVAILABLE, line);
        }
    };
    let options = serde_json::from_str(options.as_str()).unwrap_or_default();
    let mut answer = reply::json(&options);
    let (value, secure) = (challenge.expose(), context.secure);
    let line = (gate.cookies).set(Cookie::Passkey, &value, secure, CHALLENGE_SECONDS);
    if let Some(line) = line {
        answer.headers_mut().append(SET_COOKIE, line);
    }
    answer
}

fn wrong(has_code: bool) -> Response<Body> {
    let line = if has_code {
        "that password or the code is wrong, or the code was used before\n"
    } else {
        "that password is wrong\n"
    };
    reply::text(StatusCode::FORBIDDEN, line)
}

fn off() -> Response<Body> {
    let line = "there are no passkeys at this address\nhint: log in with your password\n";
    reply::text(StatusCode::NOT_FOUND, line)
}

/// POST /_occ/passkey
async fn log_in(
    gate: &AppState,
    context: &RequestContext,
    old: Option<&Session>,
    request: Request<Incoming>,
) -> Response<Body> {
    let mut attempt = match Attempt::read(gate, context, old, request).await {
        Ok(attempt) => attempt,
        Err(refused) => return refused,
    };
    attempt.refused = Notice::PasskeyRefused;
    let shown = Shown::of(gate, context, &attempt.headers, &attempt.form);
    let Some(shown) = shown else {
        return attempt.failed(Notice::PasskeyRefused);
    };
    let agent = attempt.headers.get(USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or("");
    let login = ask::PasskeyLogin {
        challenge: shown.challenge,
        credential: shown.credential,
        proof: shown.proof,
        address: context.address,
        agent: Agent::cut(agent),
        device: attempt.device(),
    };
    attempt.ask(login).await
}

/// The name of a browser's challenge, and what its authenticator made of it.
pub(super) struct Shown {
    pub(super) challenge: Token,
    pub(super) credential: CredentialId,
    pub(super) proof: Proof,
}

impl Shown {
    pub(super) fn of(
        gate: &AppState,
        context: &RequestContext,
        headers: &HeaderMap,
        form: &Form,
    ) -> Option<Self> {
        let cookie = (gate.cookies).get(headers, Cookie::Passkey, context.secure)?;
        let credential = form.text("credential")?;
        // In one spelling alone: the record is searched for it.
        let bytes = Base64UrlUnpadded::decode_vec(credential).ok()?;
        let credential = Base64UrlUnpadded::encode_string(&bytes);
        Some(Self {
            challenge: Token::parse(cookie)?,
            credential: CredentialId::new(&credential)?,
            proof: Proof::new(form.text("proof")?)?,
        })
    }
}
