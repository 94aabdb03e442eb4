//! `just bench host`: what `occ user list` takes of a container with 1,000 people
//! and of one with 20, beside `docker exec CONTAINER true`, the least that a
//! command in a container can take.
//!
//! Both containers are as `occ start` makes them of the image as it is shipped;
//! one round runs every contender once. Needs a container engine.

mod execs;
mod instance;

use bench::plot::{Bar, Titles};
use bench::{
    Contender, Costs, Error, Report, Table, answer, interleave, rounded, say, spread, tool,
};
use instance::{Instance, Programs};
use std::process::{Command, ExitCode};
use std::time::Duration;

const ROUNDS: usize = 40;
const MANY: usize = 1000;
const FEW: usize = 20;
/// The names of the rows in the table.
const DOCKER: &str = "docker exec CONTAINER true";
const LIST: &str = "occ user list, 1,000 accounts";
/// The bar.
const OF_DOCKER: f64 = 1.2;

fn main() -> ExitCode {
    bench::main("host", measure)
}

fn measure(report: &mut Report) -> Result<(), Error> {
    let programs = Programs::of_environment()?;
    report.packages(&["docker.io"])?;
    require_engine()?;
    say("builds the image; the first time takes minutes");
    programs.build_image()?;
    say("starts two containers with 1,000 and 20 accounts");
    let many = instance(&programs, "many", MANY)?;
    let few = instance(&programs, "few", FEW)?;
    let costs = interleave(vec![
        contender(DOCKER, || many.exec(&["true"])),
        contender(LIST, || many.occ(&["user", "list"])),
        contender("the same, -q", || many.occ(&["user", "list", "-q"])),
        contender("the same, --json", || many.occ(&["user", "list", "--json"])),
        contender("the same, by docker exec", || {
            many.exec(&["occ-init", "user", "list"])
        }),
        contender("occ user list, 20 accounts", || few.occ(&["user", "list"])),
    ])?;
    let execs = execs::count(&many, &["user", "list"])?;
    draw(report, &costs)?;
    tell(report, &costs);
    bars(report, &costs, execs);
    Ok(())
}

fn require_engine() -> Result<(), Error> {
    let docker = tool("docker", "docker.io")?;
    let version = ["version", "--format", "{{.Server.Version}}"];
    let asked = answer(Command::new(docker).args(version));
    asked.map(drop).map_err(|error| match error {
        Error::Failed { stderr, .. } => Error::Other(format!(
            "no container engine answers ({}); start dockerd, or run ./test, which does",
            stderr.replace('\n', " ")
        )),
        other => other,
    })
}

/// Started, with so many accounts, all of which are listed.
fn instance(programs: &Programs, theme: &str, count: usize) -> Result<Instance, Error> {
    let instance = Instance::start(programs, theme)?;
    instance.import(count)?;
    let listed = answer(&mut instance.occ(&["user", "list", "-q"]))?;
    let found = listed.lines().count();
    if found == count {
        return Ok(instance);
    }
    Err(Error::Other(format!("{found} accounts, not {count}")))
}

fn contender<'a>(name: &str, command: impl Fn() -> Command + 'a) -> Contender<'a> {
    Contender::new(name, ROUNDS, move || bench::run(&mut command()))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Milliseconds with their spread.
fn wall(costs: &Costs) -> String {
    let wall = |percent| millis(costs.percentile(percent).wall);
    spread(wall(50), wall(5), wall(95))
}

fn draw(report: &mut Report, costs: &[Costs]) -> Result<(), Error> {
    let bars: Vec<Bar> = costs
        .iter()
        .map(|costs| Bar {
            name: costs.name.clone(),
            value: millis(costs.median().wall),
            text: wall(costs),
            is_ours: costs.name != DOCKER,
        })
        .collect();
    let titles = Titles {
        plot: "A command in a running container",
        x: "ms",
        y: "",
    };
    let shows = "What each command takes; the table below has the figures";
    let svg = bench::plot::bars(titles, &bars)?;
    report.picture("bench-host.svg", shows, svg);
    Ok(())
}

fn tell(report: &mut Report, costs: &[Costs]) {
    let mut table = Table::new(["ms", "wall", "client's CPU", "× docker"]);
    for one in costs {
        table.row([
            one.name.clone(),
            wall(one),
            rounded(millis(one.median().cpu)),
            ratio(costs, &one.name).map_or(String::new(), |ratio| format!("{ratio:.2}")),
        ]);
    }
    report.table(&table);
}

/// How many times as long as docker's a contender's median is.
fn ratio(costs: &[Costs], name: &str) -> Option<f64> {
    let wall = |name: &str| {
        let found = costs.iter().find(|costs| costs.name == name);
        found.map(|costs| costs.median().wall.as_secs_f64())
    };
    Some(wall(name)? / wall(DOCKER)?)
}

fn bars(report: &mut Report, costs: &[Costs], execs: f64) {
    let against = ratio(costs, LIST).unwrap_or(f64::INFINITY);
    report.at_most(
        &format!("{LIST}, against docker exec"),
        against,
        OF_DOCKER,
        "times",
    );
    report.at_most("execs of one list", execs, 1.0, "");
    report.at_least("execs of one list", execs, 1.0, "");
}
