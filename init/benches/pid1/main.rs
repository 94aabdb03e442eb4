//! `just bench pid1`: occ-init as an init beside Debian's tini, dumb-init and
//! catatonit: what a start and an end cost, what it holds at rest, what wakes
//! it, what orphans cost, and which signals it loses. Run as root.

mod inits;
mod orphans;
mod rest;
mod signals;
mod start;

use bench::plot::{Bar, Titles, bars as plot_bars};
use bench::{Error, Report, Table, spread, thousands};
use inits::{OURS, TINI};
use std::process::ExitCode;

/// The bars that are not a peer's figure.
const OF_THE_FASTEST: f64 = 0.9;
const BINARY_MB: f64 = 2.4;
const BLIND_MS: f64 = 0.15;

fn main() -> ExitCode {
    bench::main("pid1", measure)
}

/// What was measured of one init.
struct Row {
    name: &'static str,
    start: start::Start,
    rest: rest::Rest,
    orphans: orphans::Orphans,
    calls: usize,
    bytes: u64,
    lost: Vec<signals::Lost>,
}

fn measure(report: &mut Report) -> Result<(), Error> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::Other("pid namespaces are made: run as root".into()));
    }
    report.packages(&["tini", "dumb-init", "catatonit"])?;
    let tree = inits::tree()?;
    let all = inits::all(tree.path())?;
    let [ours, ..] = all.as_slice() else {
        return Ok(());
    };
    let volume = inits::tree()?;
    let with_volume = inits::with_volume(ours, volume.path());
    let mut starts = start::all(all.iter().chain([&with_volume]))?;
    let with_volume = starts.pop();
    let rests = rest::all(&all)?;
    let orphans = orphans::all(&all)?;
    let mut rows = Vec::new();
    for (((init, start), rest), orphans) in all.iter().zip(starts).zip(rests).zip(orphans) {
        rows.push(Row {
            name: init.name,
            start,
            rest,
            orphans,
            calls: start::calls(init)?,
            bytes: init.bytes()?,
            // The peers' have no bar.
            lost: if report.check && init.name != OURS {
                Vec::new()
            } else {
                signals::of(init)?
            },
        });
    }
    draw(report, &rows)?;
    tell(report, &rows, with_volume);
    bars(report, &rows);
    Ok(())
}

/// A bar for each init: a start, and what it holds.
fn draw(report: &mut Report, rows: &[Row]) -> Result<(), Error> {
    let bar = |row: &Row, value: f64| Bar {
        name: row.name.to_owned(),
        value,
        text: thousands(value),
        is_ours: row.name == OURS,
    };
    let titles = Titles {
        plot: "Start and end of an init, over the command that it runs",
        x: "µs",
        y: "",
    };
    let starts: Vec<Bar> = rows.iter().map(|row| bar(row, row.start.wall)).collect();
    let svg = plot_bars(titles, &starts)?;
    report.picture("bench-start.svg", "What a start takes; figures below", svg);
    let titles = Titles {
        plot: "Memory of an init at rest that nobody else shares",
        x: "KiB",
        y: "",
    };
    let dirty = |row: &Row| bar(row, f64::from(row.rest.private_dirty));
    let svg = plot_bars(titles, &rows.iter().map(dirty).collect::<Vec<_>>())?;
    report.picture("bench-memory.svg", "Memory at rest; figures below", svg);
    Ok(())
}

/// Microseconds with their spread.
fn wall(start: &start::Start) -> String {
    spread(start.wall, start.spread.0, start.spread.1)
}

fn tell(report: &mut Report, rows: &[Row], with_volume: Option<start::Start>) {
    let heads = rows.iter().map(|row| row.name.to_owned());
    let mut table = Table::new(std::iter::once(String::new()).chain(heads));
    let mut line = |what: &str, cell: &dyn Fn(&Row) -> String| {
        table.row(std::iter::once(what.to_owned()).chain(rows.iter().map(cell)));
    };
    line("start and end over the bare command, µs", &|row| {
        wall(&row.start)
    });
    line("the same, the store on a volume", &|row| {
        let ours = with_volume.filter(|_| row.name == OURS);
        ours.as_ref().map_or(String::new(), wall)
    });
    line("the same, CPU µs", &|row| format!("{:.0}", row.start.cpu));
    line("system calls, COMMAND's included", &|row| {
        row.calls.to_string()
    });
    line("at rest: private dirty memory, KiB", &|row| {
        row.rest.private_dirty.to_string()
    });
    line("at rest: threads", &|row| row.rest.threads.to_string());
    line(
        &format!("at rest: wakeups in {} s", rest::SECONDS),
        &|row| row.rest.wakeups.to_string(),
    );
    line("an orphan, CPU µs", &|row| {
        format!("{:.1}", row.orphans.cpu)
    });
    line("20,000 orphans, s", &|row| {
        format!("{:.1}", row.orphans.wall)
    });
    line("most zombies at a time", &|row| {
        row.orphans.most.to_string()
    });
    line("binary, KB", &|row| (row.bytes / 1000).to_string());
    for (number, kind) in signals::KINDS.iter().enumerate() {
        let of = |row: &Row, cell: &dyn Fn(&signals::Lost) -> String| {
            row.lost.get(number).map_or(String::new(), cell)
        };
        line(&format!("SIGTERM not blocked yet, ms, {kind}"), &|row| {
            of(row, &|lost| format!("{:.2}", lost.blind * 1e3))
        });
        line(
            &format!("lost after that, of {}, {kind}", signals::ROUNDS),
            &|row| of(row, &|lost| lost.after.to_string()),
        );
    }
    report.table(&table);
}

fn bars(report: &mut Report, rows: &[Row]) {
    let (ours, peers): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.name == OURS);
    let Some(ours) = ours.first() else { return };
    let best = |figure: &dyn Fn(&Row) -> f64| {
        let figures = peers.iter().map(|peer| figure(peer));
        figures.fold(f64::INFINITY, f64::min)
    };
    let fastest = best(&|row| row.start.wall);
    report.at_most(
        "start and end, against the fastest",
        ours.start.wall / fastest,
        OF_THE_FASTEST,
        "times",
    );
    let dirty = |row: &Row| f64::from(row.rest.private_dirty);
    if let Some(tini) = peers.iter().find(|peer| peer.name == TINI) {
        report.at_most("private dirty memory", dirty(ours), dirty(tini), "KiB");
    }
    report.at_most("threads", f64::from(ours.rest.threads), 1.0, "");
    let wakeups = f64::from(ours.rest.wakeups);
    report.at_most("wakeups at rest", wakeups, 0.0, "");
    let orphan = best(&|row| row.orphans.cpu);
    report.at_most("an orphan, CPU", ours.orphans.cpu, orphan, "µs");
    let bytes = u32::try_from(ours.bytes).map_or(f64::INFINITY, f64::from);
    report.at_most("binary", bytes / 1e6, BINARY_MB, "MB");
    for (lost, kind) in ours.lost.iter().zip(signals::KINDS) {
        let (after, blind) = (f64::from(lost.after), lost.blind * 1e3);
        report.at_most(&format!("signals lost, {kind}"), after, 0.0, "");
        report.at_most(&format!("blind window, {kind}"), blind, BLIND_MS, "ms");
    }
}
