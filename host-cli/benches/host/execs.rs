//! How many commands the engine was asked to run in a container, by its own word:
//! it tells of each as an event.

use crate::instance::Instance;
use bench::{Error, answer, io};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const RUNS: u32 = 20;
/// The image's own health check runs meanwhile.
const HEALTH: &str = "occ-gate health";
const BEGIN: &str = "echo begin";
const END: &str = "echo end";
/// Until an event is here, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Until the engine is asked for something once more, to see whether it tells.
const AGAIN: Duration = Duration::from_millis(500);

/// Execs of one `occ ARGS`, as the mean of several.
pub(crate) fn count(instance: &Instance, args: &[&str]) -> Result<f64, Error> {
    let events = Events::of(&instance.container)?;
    let mark = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        answer(&mut instance.exec(&words)).map(drop)
    };
    // What happens before the engine tells of anything is told to nobody.
    loop {
        mark(BEGIN)?;
        if events.lines.recv_timeout(AGAIN).is_ok() {
            break;
        }
    }
    for _ in 0..RUNS {
        answer(&mut instance.occ(args))?;
    }
    mark(END)?;
    let mut found = 0;
    loop {
        let late = |_| Error::Other("the engine does not tell of execs".into());
        let line = events.lines.recv_timeout(PATIENCE).map_err(late)?;
        if line.contains(END) {
            return Ok(f64::from(found) / f64::from(RUNS));
        }
        found += u32::from(!line.contains(BEGIN) && !line.contains(HEALTH));
    }
}

/// `docker events`, line by line.
struct Events {
    docker: Child,
    lines: Receiver<String>,
}

impl Events {
    fn of(container: &str) -> Result<Self, Error> {
        let mut docker = Command::new("docker")
            .args(["events", "--format", "{{.Action}}"])
            .args(["--filter", "event=exec_create"])
            .args(["--filter", &format!("container={container}")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(io("docker"))?;
        let (tell, lines) = channel();
        if let Some(stdout) = docker.stdout.take() {
            std::thread::spawn(move || {
                let lines = BufReader::new(stdout).lines();
                lines
                    .map_while(Result::ok)
                    .try_for_each(|line| tell.send(line))
            });
        }
        Ok(Self { docker, lines })
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.docker.kill();
        let _ = self.docker.wait();
    }
}
