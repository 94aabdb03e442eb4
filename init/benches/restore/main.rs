//! `just bench restore`: `occ-init restore` of 100 to 100,000 accounts, beside
//! everything else that can bring accounts back after an image update.
//!
//! Each round runs every contender once, on a tree of its own in the same file
//! system, with all caches warm. Times are medians. Run as root.

mod contenders;
mod tree;

use bench::plot::{Line, Titles, lines};
use bench::{
    Costs, Error, Report, Table, answer, interleave, rounded, spread, thousands, times, tool,
};
use contenders::{BARE, FRESH, LOOP, NEWUSERS, PRESENT, SYSUSERS, UNCHANGED};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tree::Tree;

const SIZES: [u32; 4] = [100, 1000, 10_000, 100_000];
const ROWS: [&str; 7] = [PRESENT, UNCHANGED, FRESH, BARE, SYSUSERS, NEWUSERS, LOOP];

/// The bars, in microseconds per account, bytes and times.
const RESTORE: f64 = 12.0;
const HOME_AGAINST_BARE: f64 = 1.3;
const PEAK: f64 = 300e6;
const FASTER_THAN_LOOP: f64 = 1000.0;
/// Below this a process' start, the same for 1 account and 1000, is more than all
/// its accounts.
const PER_ACCOUNT: u32 = 1000;
/// The medians of one restore in two runs of the benchmark differ by so much.
const SAME: f64 = 1.05;
/// The most that an account of 100,000 may cost, in accounts of 10,000.
const LINEAR: f64 = 1.3;

fn main() -> ExitCode {
    bench::main("restore", measure)
}

/// How often each contender runs.
struct Rounds {
    quick: usize,
    homes: usize,
    slow: usize,
}

fn rounds(count: u32) -> Rounds {
    match count {
        0..=100 => Rounds {
            quick: 20,
            homes: 20,
            slow: 3,
        },
        101..=1000 => Rounds {
            quick: 20,
            homes: 20,
            slow: 1,
        },
        1001..=10_000 => Rounds {
            quick: 20,
            homes: 7,
            slow: 0,
        },
        // 100,000 homes take a minute; of two the quicker counts.
        _ => Rounds {
            quick: 11,
            homes: 2,
            slow: 0,
        },
    }
}

fn measure(report: &mut Report) -> Result<(), Error> {
    let occ_init = std::env::var_os("OCC_INIT_BIN").map(PathBuf::from);
    let occ_init = occ_init.ok_or_else(|| Error::Other("OCC_INIT_BIN names no occ-init".into()))?;
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::Other(
            "trees hold files of others: run as root".into(),
        ));
    }
    let sysusers = tool("systemd-sysusers", "systemd-standalone-sysusers")?;
    for program in ["useradd", "usermod", "newusers", "passwd"] {
        tool(program, "passwd")?;
    }
    tool("unshare", "util-linux")?;
    // It is in one of two packages; all of systemd says `systemd 252 (252.39-1~deb12u1)`.
    let said = answer(std::process::Command::new(&sysusers).arg("--version"))?;
    report.version("systemd-sysusers:", said.lines().next().unwrap_or_default());
    report.packages(&["passwd"])?;
    tool("cc", "gcc")?;
    let mut sizes = Vec::new();
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-restore");
    for count in SIZES {
        let place = place.join(count.to_string());
        let costs = size(&place, &occ_init, &sysusers, count, report.check)?;
        sizes.push(Size { count, costs });
    }
    // Not before: what is deleted now makes the next files slow.
    tree::remove(&place)?;
    draw(report, &sizes)?;
    tell(report, &sizes);
    bars(report, &sizes);
    Ok(())
}

/// What restoring so many accounts cost.
struct Size {
    count: u32,
    costs: Vec<Costs>,
}

fn size(
    place: &Path,
    occ_init: &Path,
    program: &Path,
    count: u32,
    check: bool,
) -> Result<Vec<Costs>, Error> {
    let Rounds { quick, homes, slow } = rounds(count);
    let ours = Tree::new(place.join("ours"), count)?;
    ours.fill_store(count)?;
    let theirs = Tree::new(place.join("theirs"), count)?;
    let bare = Tree::new(place.join("bare"), count)?;
    let bare_homes = contenders::compile_bare(place)?;
    let mut all = vec![
        contenders::bare(&bare_homes, &bare, count, homes),
        contenders::fresh(occ_init, &ours, count, homes),
        contenders::present(occ_init, &ours, count, quick),
        contenders::unchanged(occ_init, &ours, count, quick),
        contenders::sysusers(program, &theirs, count, quick)?,
    ];
    if !check {
        all.push(contenders::newusers(&theirs, &ours, count, slow));
    }
    if !check || count == PER_ACCOUNT {
        all.push(contenders::useradd(&theirs, &ours, count, slow));
    }
    interleave(all)
}

impl Size {
    fn costs(&self, name: &str) -> Option<&Costs> {
        self.costs.iter().find(|costs| costs.name == name)
    }

    fn each(&self, time: std::time::Duration) -> f64 {
        time.as_secs_f64() * 1e6 / f64::from(self.count)
    }

    /// Microseconds per account: wall clock and CPU.
    fn per_account(&self, name: &str) -> Option<(f64, f64)> {
        let cost = self.costs(name)?.median();
        Some((self.each(cost.wall), self.each(cost.cpu)))
    }

    /// The same with its spread, as it stands in the table.
    fn wall(&self, name: &str) -> Option<String> {
        let costs = self.costs(name)?;
        let wall = |percent| self.each(costs.percentile(percent).wall);
        Some(spread(wall(50), wall(5), wall(95)))
    }

    fn peak(&self, name: &str) -> Option<f64> {
        let peak = self.costs(name)?.median().peak;
        Some(f64::from(u32::try_from(peak >> 10).unwrap_or(u32::MAX)) * 1024.0)
    }

    /// How many times longer than our restore another takes.
    fn ratio(&self, name: &str) -> Option<f64> {
        Some(self.per_account(name)?.0 / self.per_account(PRESENT)?.0)
    }
}

/// The tables, as they stand in docs/benchmarks.md.
fn tell(report: &mut Report, sizes: &[Size]) {
    let heads = sizes.iter().map(|size| thousands(f64::from(size.count)));
    let mut table = Table::new(std::iter::once("µs per account".to_owned()).chain(heads));
    let mut row = |name: &str, cell: &dyn Fn(&Size) -> Option<String>| {
        let cells = sizes.iter().map(|size| cell(size).unwrap_or_default());
        table.row(std::iter::once(name.to_owned()).chain(cells));
    };
    for name in ROWS {
        row(name, &|size| size.wall(name));
    }
    for name in [PRESENT, SYSUSERS] {
        row(&format!("{name}, CPU"), &|size| {
            Some(rounded(size.per_account(name)?.1))
        });
    }
    for name in [SYSUSERS, NEWUSERS, LOOP] {
        row(&format!("{name} against homes there"), &|size| {
            Some(times(size.ratio(name)?, 1.0))
        });
    }
    for name in [PRESENT, SYSUSERS] {
        row(&format!("{name}, peak MB"), &|size| {
            Some(format!("{:.0}", size.peak(name)? / 1e6))
        });
    }
    row("rounds, slow ones", &|size| {
        let slow = size
            .costs(LOOP)
            .map(|costs| format!(", {}", costs.rounds()));
        let quick = size.costs(PRESENT)?.rounds();
        Some(format!("{quick}{}", slow.unwrap_or_default()))
    });
    report.table(&table);
}

/// A line for each way to restore, over the number of accounts.
fn draw(report: &mut Report, sizes: &[Size]) -> Result<(), Error> {
    let line = |name: &str| Line {
        name: name.to_owned(),
        points: sizes
            .iter()
            .filter_map(|size| Some((f64::from(size.count), size.per_account(name)?.0)))
            .collect(),
    };
    let titles = Titles {
        plot: "Accounts brought back after an image update",
        x: "accounts",
        y: "µs per account",
    };
    let shown = [PRESENT, SYSUSERS, NEWUSERS, LOOP, FRESH].map(line);
    let svg = lines(titles, &shown)?;
    let alternative =
        "Time per account over the number of accounts; the table below has the figures";
    report.picture("bench-restore.svg", alternative, svg);
    Ok(())
}

fn bars(report: &mut Report, sizes: &[Size]) {
    let first = sizes.first();
    for size in sizes {
        let what = |text: &str| format!("{} accounts, {text}", thousands(f64::from(size.count)));
        let (Some(present), Some(same), Some(fresh)) = (
            size.per_account(PRESENT),
            size.per_account(UNCHANGED),
            size.per_account(FRESH),
        ) else {
            continue;
        };
        if let Some(each) = more_than(first, size) {
            report.at_most(&what("homes there, each"), each, RESTORE, "µs");
        }
        if let Some(bare) = size.per_account(BARE).filter(|_| size.count >= PER_ACCOUNT) {
            report.at_most(
                &what("each fresh home, against one in C"),
                (fresh.0 - present.0) / bare.0,
                HOME_AGAINST_BARE,
                "times",
            );
        }
        report.at_most(
            &what("nothing changed, against homes there"),
            same.0 / present.0,
            SAME,
            "times",
        );
        if let Some(ratio) = size.ratio(SYSUSERS) {
            report.at_least(
                &what("systemd-sysusers against homes there"),
                ratio,
                1.0,
                "times",
            );
        }
        if let Some(ratio) = size.ratio(LOOP).filter(|_| size.count == PER_ACCOUNT) {
            report.at_least(
                &what("the useradd loop against homes there"),
                ratio,
                FASTER_THAN_LOOP,
                "times",
            );
        }
        if let Some(peak) = size.peak(FRESH) {
            report.at_most(&what("peak memory"), peak / 1e6, PEAK / 1e6, "MB");
        }
    }
    linear(report, sizes);
}

/// Microseconds for each account more than in the smallest size, whose time is that
/// of a process' start and of waits for the disk.
fn more_than(first: Option<&Size>, size: &Size) -> Option<f64> {
    let first = first.filter(|first| first.count < size.count)?;
    let all = |size: &Size| Some(size.per_account(PRESENT)?.0 * f64::from(size.count));
    Some((all(size)? - all(first)?) / f64::from(size.count - first.count))
}

fn linear(report: &mut Report, sizes: &[Size]) {
    if let [.., before, last] = sizes
        && let (Some(before), Some(last)) = (before.per_account(PRESENT), last.per_account(PRESENT))
    {
        report.at_most(
            "an account of 100,000 against one of 10,000, CPU",
            last.1 / before.1,
            LINEAR,
            "times",
        );
    }
}
