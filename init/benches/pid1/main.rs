//! `just bench pid1`: occ-init as an init beside Debian's tini, dumb-init and
//! catatonit: what a start and an end cost, what it holds at rest, what wakes
//! it, what orphans cost, and which signals it loses. Run as root.

mod inits;
mod orphans;
mod rest;
mod signals;
mod start;

use bench::{Error, Report, Table};
use inits::OURS;
use std::process::ExitCode;

/// The bars.
const OF_THE_BEST: f64 = 0.5;
const PSS_KIB: f64 = 600.0;
const ORPHAN_MICROS: f64 = 7.5;
const BINARY_MB: f64 = 2.0;
const BLIND_MS: f64 = 0.15;

fn main() -> ExitCode {
    bench::main(measure)
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
    let tree = inits::tree()?;
    let all = inits::all(tree.path())?;
    let starts = start::all(&all)?;
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
            lost: signals::of(init)?,
        });
    }
    tell(report, &rows);
    bars(report, &rows);
    Ok(())
}

fn tell(report: &mut Report, rows: &[Row]) {
    let heads = rows.iter().map(|row| row.name.to_owned());
    let mut table = Table::new(std::iter::once(String::new()).chain(heads));
    let mut line = |what: &str, cell: &dyn Fn(&Row) -> String| {
        table.row(std::iter::once(what.to_owned()).chain(rows.iter().map(cell)));
    };
    line("start and end over the bare command, µs", &|row| {
        format!("{:.0}", row.start.wall)
    });
    line("the same, CPU µs", &|row| format!("{:.0}", row.start.cpu));
    line("system calls, COMMAND's included", &|row| {
        row.calls.to_string()
    });
    line("at rest: PSS, KiB", &|row| row.rest.pss.to_string());
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
        line(
            &format!("signals lost of {}, {kind}", signals::ROUNDS),
            &|row| {
                row.lost
                    .get(number)
                    .map_or(String::new(), |lost| lost.after.to_string())
            },
        );
    }
    report.table(&table);
}

fn bars(report: &mut Report, rows: &[Row]) {
    let (ours, peers): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.name == OURS);
    let Some(ours) = ours.first() else { return };
    for peer in peers {
        let ratio = ours.start.wall / peer.start.wall;
        let what = format!("start and end, against {}", peer.name);
        report.at_most(&what, ratio, OF_THE_BEST, "times");
    }
    let pss = f64::from(ours.rest.pss);
    report.at_most("PSS at rest", pss, PSS_KIB, "KiB");
    report.at_most("threads", f64::from(ours.rest.threads), 1.0, "");
    let wakeups = f64::from(ours.rest.wakeups);
    report.at_most("wakeups at rest", wakeups, 0.0, "");
    report.at_most("an orphan, CPU", ours.orphans.cpu, ORPHAN_MICROS, "µs");
    let bytes = u32::try_from(ours.bytes).map_or(f64::INFINITY, f64::from);
    report.at_most("binary", bytes / 1e6, BINARY_MB, "MB");
    for (lost, kind) in ours.lost.iter().zip(signals::KINDS) {
        let (after, blind) = (f64::from(lost.after), lost.blind * 1e3);
        report.at_most(&format!("signals lost, {kind}"), after, 0.0, "");
        report.at_most(&format!("blind window, {kind}"), blind, BLIND_MS, "ms");
    }
}
