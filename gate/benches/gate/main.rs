//! `just bench gate`: what the login adds to opencode. Requests through it beside
//! the same ones to the same opencode directly, 200 requests a second, a login
//! beside one check of PAM, and its memory with 50 people logged in.
//!
//! The occ-gate that is shipped, the real opencode and this machine's PAM, in a
//! place of their own ([`place`]). Run as root.

mod check;
mod http;
mod latency;
mod load;
mod logins;
mod memory;
mod opencode;
mod page;
mod place;

use bench::plot::{Bar, Titles, bars as plot_bars};
use bench::{Costs, Error, Report, Table, say};
use latency::Beside;
use load::Load;
use memory::Memory;
use place::{PEOPLE, Place};
use std::process::ExitCode;
use std::time::Duration;

/// The bars.
const ADDED_MS: f64 = 1.0;
const PAGE: f64 = 1.05;
const PER_SECOND: f64 = 200.0;
const MEMORY_MB: f64 = 15.0;
/// Memory is flat when it grows by no more than this meanwhile: 4,000 requests
/// that each left 100 bytes behind would be above it.
const GROWTH_MB: f64 = 0.4;
/// A login is one check when it costs no more CPU than this many; two would be 2.
const CHECKS: f64 = 1.15;

fn main() -> ExitCode {
    match check::asked() {
        Some(order) => check::main(&order),
        None => bench::main("gate", measure),
    }
}

/// Everything that was measured.
struct Found {
    logins: Vec<Costs>,
    beside: Vec<Beside>,
    page: Vec<Costs>,
    loads: Vec<Load>,
    memory: Vec<(String, Memory)>,
}

fn measure(report: &mut Report) -> Result<(), Error> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::Other("people are logged in: run as root".into()));
    }
    report.version("opencode", &place::opencode_version()?);
    report.packages(&["chromium", "libpam-modules"])?;
    let place = Place::start()?;
    let found = all(&place).map_err(|error| place.explain(&error))?;
    draw(report, &found.beside)?;
    tell(report, &found);
    bars(report, &found);
    Ok(())
}

/// What a request takes, directly and through the login.
fn draw(report: &mut Report, beside: &[Beside]) -> Result<(), Error> {
    let bar = |name: String, costs: &Costs, is_ours| {
        let wall = |percent| millis(costs.percentile(percent).wall);
        Bar {
            name,
            value: wall(50),
            text: format!("{:.2}, 95 %: {:.2}", wall(50), wall(95)),
            is_ours,
        }
    };
    let both = |row: &Beside| {
        [
            bar(format!("opencode, {}", row.path), &row.direct, false),
            bar("through the login".to_owned(), &row.gate, true),
        ]
    };
    let titles = Titles {
        plot: "A request to opencode, with and without the login in front",
        x: "ms",
        y: "",
    };
    let svg = plot_bars(titles, &beside.iter().flat_map(both).collect::<Vec<_>>())?;
    report.picture(
        "bench-login.svg",
        "What a request takes; figures below",
        svg,
    );
    Ok(())
}

fn all(place: &Place) -> Result<Found, Error> {
    let mut memory = vec![("nobody was here".to_owned(), Memory::of(place)?)];
    say("logs 50 people in, and checks each with PAM directly");
    let (logins, sessions) = logins::all(place)?;
    memory.push((format!("{PEOPLE} sessions"), Memory::of(place)?));
    let session = sessions
        .first()
        .ok_or_else(|| Error::Other("nobody is logged in".into()))?;
    say("starts an opencode, and asks it directly and through the gate");
    let opencode = opencode::start(place, session)?;
    let beside = latency::all(place, session, &opencode)?;
    say("loads the page in Chromium, directly and through the gate");
    let page = page::all(place, session, &opencode)?;
    memory.push(("an opencode besides".to_owned(), Memory::of(place)?));
    say("200 requests a second");
    let loads = load::all(place, session)?;
    for load in &loads {
        memory.push((format!("after {}", load.costs.name), load.after));
    }
    Ok(Found {
        logins,
        beside,
        page,
        loads,
        memory,
    })
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn tell(report: &mut Report, found: &Found) {
    report.table(&latency_table(&found.beside));
    report.table(&page_table(&found.page));
    report.table(&load_table(&found.loads));
    report.table(&login_table(&found.logins));
    report.table(&memory_table(&found.memory));
}

fn latency_table(beside: &[Beside]) -> Table {
    let heads = [
        "ms of a request",
        "opencode, 50 %",
        "gate, 50 %",
        "added",
        "opencode, 95 %",
        "gate, 95 %",
    ];
    let mut table = Table::new(heads);
    for row in beside {
        let cell = |costs: &Costs, percent| millis(costs.percentile(percent).wall);
        table.row([
            row.path.to_owned(),
            format!("{:.2}", cell(&row.direct, 50)),
            format!("{:.2}", cell(&row.gate, 50)),
            format!("{:.2}", row.added_ms()),
            format!("{:.2}", cell(&row.direct, 95)),
            format!("{:.2}", cell(&row.gate, 95)),
        ]);
    }
    table
}

fn page_table(page: &[Costs]) -> Table {
    let mut table = Table::new(["ms until the page is loaded", "50 %", "95 %"]);
    for row in page {
        let cell = |percent| format!("{:.0}", millis(row.percentile(percent).wall));
        table.row([row.name.clone(), cell(50), cell(95)]);
    }
    table
}

fn load_table(loads: &[Load]) -> Table {
    let heads = [
        "200 requests/s for 20 s",
        "answered",
        "failed",
        "50 %, ms",
        "95 %, ms",
        "99 %, ms",
        "MB/s",
        "gate's CPU, %",
        "memory grew, KiB",
    ];
    let mut table = Table::new(heads);
    for load in loads {
        let cell = |percent| format!("{:.2}", millis(load.costs.percentile(percent).wall));
        table.row([
            load.costs.name.clone(),
            load.costs.rounds().to_string(),
            load.failed.to_string(),
            cell(50),
            cell(95),
            cell(99),
            format!("{:.1}", load.bytes_per_second() / 1e6),
            format!("{:.0}", load.cpu_share() * 100.0),
            (i64::from(load.after.pss) - i64::from(load.before.pss)).to_string(),
        ]);
    }
    table
}

fn login_table(logins: &[Costs]) -> Table {
    let mut table = Table::new(["ms", "50 %", "95 %", "CPU, mean"]);
    for row in logins {
        table.row([
            row.name.clone(),
            format!("{:.1}", millis(row.median().wall)),
            format!("{:.1}", millis(row.percentile(95).wall)),
            format!("{:.1}", millis(row.mean_cpu())),
        ]);
    }
    table
}

fn memory_table(rows: &[(String, Memory)]) -> Table {
    let mut table = Table::new(["memory of the gate, KiB", "PSS", "RSS"]);
    for (when, memory) in rows {
        table.row([when.clone(), memory.pss.to_string(), memory.rss.to_string()]);
    }
    table
}

fn bars(report: &mut Report, found: &Found) {
    for row in &found.beside {
        let what = format!("added to {} at p50", row.path);
        report.at_most(&what, row.added_ms(), ADDED_MS, "ms");
    }
    if let [direct, gate] = found.page.as_slice() {
        let ratio = gate.median().wall.as_secs_f64() / direct.median().wall.as_secs_f64();
        report.at_most("page load, beside opencode's own", ratio, PAGE, "times");
    }
    for load in &found.loads {
        let name = &load.costs.name;
        let rate = load.answered_per_second();
        report.at_least(
            &format!("{name}, answered within a second"),
            rate,
            PER_SECOND,
            "/s",
        );
        report.at_most(&format!("{name}, failed"), f64::from(load.failed), 0.0, "");
        let grown = load.after.megabytes() - load.before.megabytes();
        report.at_most(&format!("{name}, memory grew by"), grown, GROWTH_MB, "MB");
    }
    if let [check, login] = found.logins.as_slice() {
        let ratio = login.mean_cpu().as_secs_f64() / check.mean_cpu().as_secs_f64();
        report.at_most("CPU of a login, in checks of PAM", ratio, CHECKS, "times");
    }
    let logged_in = found.memory.iter().skip(1);
    let most = logged_in.map(|(_, memory)| memory.megabytes());
    let most = most.fold(0.0, f64::max);
    let what = format!("memory with {PEOPLE} sessions, the most of all looks");
    report.at_most(&what, most, MEMORY_MB, "MB");
}
