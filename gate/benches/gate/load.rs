//! 200 requests a second for a while, each sent when it is its turn whether or
//! not those before it were answered, and what the gate's memory does meanwhile.

use crate::http::{Connection, failed, get, runtime};
use crate::memory::{Memory, cpu};
use crate::place::Place;
use bench::{Cost, Costs, Error};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::header::{ACCEPT_ENCODING, COOKIE};
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::interval;

const EVERY: Duration = Duration::from_millis(5);
const SECONDS: u32 = 20;
const COUNT: u32 = SECONDS * 200;
/// Before memory is looked at for the first time: connections and buffers are there.
const WARM: u32 = 5 * 200;
/// Later than this is as good as never.
const LATE: Duration = Duration::from_secs(1);

type Browser = Client<HttpConnector, Empty<Bytes>>;

/// What was measured.
pub(crate) struct Load {
    /// Of those that were answered, from their turn on.
    pub(crate) costs: Costs,
    pub(crate) failed: u32,
    pub(crate) before: Memory,
    pub(crate) after: Memory,
    bytes: u64,
    in_time: u32,
    cpu: Duration,
}

impl Load {
    pub(crate) fn answered_per_second(&self) -> f64 {
        f64::from(self.in_time) / f64::from(SECONDS)
    }

    pub(crate) fn bytes_per_second(&self) -> f64 {
        let kilobytes = u32::try_from(self.bytes / 1000).unwrap_or(u32::MAX);
        f64::from(kilobytes) * 1e3 / f64::from(SECONDS)
    }

    /// Of one core.
    pub(crate) fn cpu_share(&self) -> f64 {
        self.cpu.as_secs_f64() / f64::from(SECONDS)
    }
}

pub(crate) fn all(place: &Place, session: &str) -> Result<Vec<Load>, Error> {
    let health = vec![Request::get(format!(
        "http://{}/_occ/health",
        place.address
    ))];
    // What a browser does that has none of them yet.
    let asset = |path: String| {
        Request::get(format!("http://{}{path}", place.address))
            .header(COOKIE, session)
            .header(ACCEPT_ENCODING, "gzip, deflate, br")
    };
    let assets: Vec<_> = assets(place, session)?.into_iter().map(asset).collect();
    let finish = |builder: hyper::http::request::Builder| {
        builder.body(Empty::<Bytes>::new()).map_err(failed)
    };
    let requests = |all: Vec<_>| {
        all.into_iter()
            .map(finish)
            .collect::<Result<Vec<_>, Error>>()
    };
    Ok(vec![
        load(place, "/_occ/health", &requests(health)?)?,
        load(place, "the page's assets", &requests(assets)?)?,
    ])
}

/// Scripts and styles that opencode's page names.
fn assets(place: &Place, session: &str) -> Result<Vec<String>, Error> {
    let page = Connection::open(place.address)?.get(get("/").header(COOKIE, session))?;
    let page = String::from_utf8_lossy(&page).into_owned();
    let quoted = page.split('"').filter(|text| text.starts_with("/assets/"));
    let mut assets: Vec<String> = quoted.map(str::to_owned).collect();
    assets.sort();
    assets.dedup();
    if assets.is_empty() {
        return Err(Error::Other("opencode's page names no assets".into()));
    }
    Ok(assets)
}

fn load(place: &Place, name: &str, requests: &[Request<Empty<Bytes>>]) -> Result<Load, Error> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let browser = Client::builder(TokioExecutor::new()).build_http();
        paced(&browser, requests, WARM).await;
        let (before, cpu_before) = (Memory::of(place)?, cpu(place)?);
        let answers = paced(&browser, requests, COUNT).await;
        let cpu = cpu(place)?.saturating_sub(cpu_before);
        Ok(summary(name, &answers, cpu, before, Memory::of(place)?))
    })
}

/// How long one took and how many bytes it had; none if it failed.
type Answer = Option<(Duration, usize)>;

fn summary(name: &str, answers: &[Answer], cpu: Duration, before: Memory, after: Memory) -> Load {
    let answered = || answers.iter().flatten();
    let cost = |(wall, _): &(Duration, usize)| Cost {
        wall: *wall,
        ..Cost::default()
    };
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Load {
        costs: Costs::new(name, answered().map(cost).collect()),
        failed: count(answers.len() - answered().count()),
        in_time: count(answered().filter(|(wall, _)| *wall < LATE).count()),
        bytes: answered().map(|(_, bytes)| *bytes as u64).sum(),
        before,
        after,
        cpu,
    }
}

async fn paced(browser: &Browser, requests: &[Request<Empty<Bytes>>], count: u32) -> Vec<Answer> {
    let mut turns = interval(EVERY);
    let mut under_way = JoinSet::new();
    for request in requests.iter().cycle().take(count as usize) {
        let turn = turns.tick().await;
        let (browser, request) = (browser.clone(), request.clone());
        under_way.spawn(async move {
            let bytes = fetch(&browser, request).await?;
            Some((turn.elapsed(), bytes))
        });
    }
    let ended = under_way.join_all();
    ended.await
}

async fn fetch(browser: &Browser, request: Request<Empty<Bytes>>) -> Option<usize> {
    let answer = browser.request(request).await.ok()?;
    let is_there = answer.status() == StatusCode::OK;
    let body = answer.into_body().collect().await.ok()?;
    is_there.then(|| body.to_bytes().len())
}
