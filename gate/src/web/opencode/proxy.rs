//! Passes a person's requests on to their opencode, and its answers back.
//!
//! Who asks was settled before. Nothing is buffered but assets; everything ends
//! when the session does.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::time::{Instant, timeout};

use crate::log;
use crate::web::bar;
use crate::web::connections::Place;
use crate::web::http::body::{self, Body};
use crate::web::http::csrf::wants_page;
use crate::web::http::headers;
use crate::web::http::reply;
use crate::web::opencode::assets;
use crate::web::opencode::body::SessionBody;
use crate::web::opencode::directories;
use crate::web::opencode::upload::UploadError;
use crate::web::opencode::{Ensured, Instance, Unreached};
use crate::web::pages;
use crate::web::sessions::Session;
use crate::web::state::{AppState, RequestContext};

/// How long a page waits before it says that opencode is starting.
const PAGE_WAIT: Duration = Duration::from_millis(700);
/// How long a page waits for its answer.
const PAGE_ANSWER: Duration = Duration::from_secs(30);
/// How long anything else waits for opencode to start: many may come up before.
const START_WAIT: Duration = Duration::from_secs(120);

/// One person's request on its way.
pub(crate) struct ProxyRequest {
    pub(crate) gate: Arc<AppState>,
    pub(crate) context: RequestContext,
    session: Arc<Session>,
    fault: UploadError,
}

/// Answers a request of somebody who is logged in.
pub(crate) async fn forward(
    gate: Arc<AppState>,
    context: RequestContext,
    session: Arc<Session>,
    request: Request<Incoming>,
) -> Response<Body> {
    let Some(present) = gate.presence.enter(&session.user) else {
        return reply::too_many();
    };
    let proxied = ProxyRequest {
        gate,
        context,
        session,
        fault: UploadError::default(),
    };
    let gone = proxied.session.gone.clone();
    let answer = tokio::select! {
        answer = proxied.answer(request) => answer,
        () = gone.cancelled() => return reply::logged_out(),
    };
    let stop = is_endless(&answer).then(|| proxied.gate.stop.clone());
    answer.map(|body| SessionBody::new(body, proxied.session, present, stop).boxed_unsync())
}

/// Events go on for ever: nothing is lost when they end with the gate.
fn is_endless(answer: &Response<Body>) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

impl ProxyRequest {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        self.fault
            .announced(&hyper::body::Body::size_hint(request.body()));
        if let Some(refused) = self.fault.answer() {
            return refused;
        }
        // What changes nothing and has no body can be sent again.
        let may_again = request.method().is_safe()
            && hyper::body::Body::is_end_stream(request.body())
            && !headers::is_websocket(request.headers());
        let is_page = wants_page(request.method(), request.headers());
        let (head, body) = request.into_parts();
        let again = may_again.then(|| Request::from_parts(head.clone(), body::empty()));
        let upload = self.fault.watch(body);
        let attempts = async {
            let first = self.attempt(Request::from_parts(head, upload)).await;
            match (first, again) {
                (Err(Unreached), Some(request)) => self.attempt(request).await,
                (answer, _) => answer,
            }
        };
        let answer = if is_page {
            // Events and questions to a model take their time; a page does not.
            let answer = timeout(PAGE_ANSWER, attempts).await;
            answer.unwrap_or(Err(Unreached))
        } else {
            attempts.await
        };
        answer.unwrap_or_else(|Unreached| self.fault.answer().unwrap_or_else(reply::unreached))
    }

    async fn attempt(&self, request: Request<Body>) -> Result<Response<Body>, Unreached> {
        let page = wants_page(request.method(), request.headers());
        let deadline = Instant::now() + if page { PAGE_WAIT } else { START_WAIT };
        let AppState {
            instances, monitor, ..
        } = &*self.gate;
        let instance = match instances.ensure(monitor, &self.session, deadline).await {
            Ok(Ensured::Ready(instance)) => instance,
            Ok(Ensured::Gone) => return Ok(reply::logged_out()),
            Ok(Ensured::Starting(ahead)) if page => {
                return Ok(reply::page(StatusCode::OK, &pages::starting(ahead)));
            }
            Ok(Ensured::Failed(why)) if page => {
                let path = request.uri().path_and_query();
                let path = path.map_or("/", |path| path.as_str());
                let page = pages::not_started(why.reason, &why.output, path);
                return Ok(reply::page(StatusCode::SERVICE_UNAVAILABLE, &page));
            }
            Ok(Ensured::Failed(why)) => {
                return Ok(reply::again_in(why.retry_seconds, reply::not_yet()));
            }
            Ok(Ensured::Starting(_)) => return Ok(reply::not_yet()),
            Err(_) => return Ok(reply::unreached()),
        };
        if let Some(directory) = directories::named(request.uri().query(), request.headers()) {
            instance.used_directory(directory);
        }
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if headers::is_websocket(request.headers()) && request.method() == Method::GET {
            self.websocket(&instance, request).await
        } else if is_read && assets::is_asset(request.uri().path()) {
            self.asset(&instance, request).await
        } else if is_read && self.gate.settings.bar && bar::is_for_document(&request) {
            self.document(&instance, request).await
        } else {
            self.plain(&instance, request).await
        }
    }

    async fn plain(
        &self,
        instance: &Arc<Instance>,
        request: Request<Body>,
    ) -> Result<Response<Body>, Unreached> {
        let answer = self.send(instance, instance.adapt(request)?).await?;
        Ok(self.to_browser(answer))
    }

    pub(crate) async fn send(
        &self,
        instance: &Arc<Instance>,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, Unreached> {
        let answer = instance.client.request(request).await;
        let refused = match &answer {
            Ok(answer) => answer.status() == StatusCode::UNAUTHORIZED,
            Err(_) => true,
        };
        if refused && !self.fault.is_there() {
            self.gate.instances.forget(&self.session.user, instance);
        }
        answer.map_err(|_| Unreached)
    }

    pub(crate) fn to_browser(&self, answer: Response<Incoming>) -> Response<Body> {
        let (mut head, body) = answer.into_parts();
        head.headers = headers::to_browser(&head.headers, self.context.secure);
        head.extensions.clear();
        head.version = Version::HTTP_11;
        Response::from_parts(head, body.map_err(Into::into).boxed_unsync())
    }

    async fn websocket(
        &self,
        instance: &Arc<Instance>,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Unreached> {
        let place = request.extensions().get::<Arc<Place>>().map(Place::busy);
        let browser = hyper::upgrade::on(&mut request);
        let mut request = instance.adapt(request)?;
        headers::ask_for_websocket(request.headers_mut());
        let mut answer = self.send(instance, request).await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS
            || !headers::is_websocket(answer.headers())
        {
            return Ok(self.to_browser(answer));
        }
        let opencode = hyper::upgrade::on(&mut answer);
        let session = Arc::clone(&self.session);
        let Some(present) = self.gate.presence.enter(&session.user) else {
            return Ok(reply::too_many());
        };
        let stop = self.gate.stop.clone();
        log::debug(|| format!("websocket of {} opened", session.title()));
        tokio::spawn(async move {
            // It holds its place as any connection does.
            let _held = (present, place);
            let copy = async {
                let (Ok(browser), Ok(opencode)) = (browser.await, opencode.await) else {
                    return;
                };
                let (mut browser, mut opencode) = (TokioIo::new(browser), TokioIo::new(opencode));
                let _ = copy_bidirectional(&mut browser, &mut opencode).await;
            };
            tokio::select! {
                () = copy => {}
                () = session.gone.cancelled() => {}
                () = stop.cancelled() => {}
            }
            log::debug(|| format!("websocket of {} closed", session.title()));
        });
        let mut answer = self.to_browser(answer).map(|_| body::empty());
        headers::ask_for_websocket(answer.headers_mut());
        Ok(answer)
    }
}
