//! Waits until a container is healthy, by its own healthcheck.
//!
//! The engine runs that check too, but only every ten seconds or so, and some
//! engines need systemd for it; asked directly it answers at once.

use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum as Status, HealthConfig};
use bollard::query_parameters::LogsOptionsBuilder;

use crate::engine::{container, exec};
use crate::error::{Error, Result};
use crate::occ_init;
use crate::text;
use crate::ui::show;

const PAUSE: Duration = Duration::from_millis(250);
/// One run of the check; a slower answer is none.
const ONE_CHECK: Duration = Duration::from_secs(10);
/// Log lines shown of a container that ended.
const LAST_LINES: &str = "15";

/// Waits for a healthy container, at most `seconds`.
///
/// Errors: it ended or restarted meanwhile (not running), or time ran out.
pub(crate) async fn wait(docker: &Docker, name: &str, seconds: u64) -> Result<()> {
    let started = Instant::now();
    let found = container::present(docker, name).await?;
    let restarts = found.restart_count;
    let check = check_command(found.config.and_then(|config| config.healthcheck));
    loop {
        let now = container::present(docker, name).await?;
        if has_ended(&now, restarts) {
            return Err(ended(docker, name, &now).await);
        }
        let said = match exec::run(docker, name, &check, None, ONE_CHECK).await {
            Ok(finished) if finished.code == 0 => return Ok(()),
            Ok(finished) => show::last_line(&finished.stderr)
                .or_else(|| show::last_line(&finished.stdout))
                .unwrap_or_default(),
            // It is starting or ending; the next look at its state tells.
            Err(Error::TimedOut { .. } | Error::NotRunning | Error::Restarting(_)) => {
                "its check does not answer".to_owned()
            }
            Err(error) => return Err(error),
        };
        if started.elapsed() >= Duration::from_secs(seconds) {
            let because = match said.as_str() {
                "" => String::new(),
                said => format!(" ({said})"),
            };
            return Err(Error::Late {
                what: format!(
                    "container '{}' did not become healthy{because}",
                    container::name_of(&now)
                ),
                seconds,
                hint: "look with `occ logs`, or wait longer with --wait-timeout".into(),
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The container's own check, else occ-init's.
fn check_command(check: Option<HealthConfig>) -> Vec<String> {
    let test = check.and_then(|check| check.test).unwrap_or_default();
    match test.split_first() {
        Some((kind, words)) if kind == "CMD" && !words.is_empty() => words.to_vec(),
        Some((kind, words)) if kind == "CMD-SHELL" && !words.is_empty() => {
            vec!["/bin/sh".into(), "-c".into(), words.join(" ")]
        }
        _ => vec![occ_init::PATH.into(), "health".into(), "--ready".into()],
    }
}

fn has_ended(found: &ContainerInspectResponse, restarts: Option<i64>) -> bool {
    let ended = matches!(
        container::status(found),
        Some(Status::EXITED | Status::DEAD | Status::RESTARTING | Status::REMOVING)
    );
    ended || found.restart_count > restarts
}

async fn ended(docker: &Docker, id: &str, found: &ContainerInspectResponse) -> Error {
    let name = container::name_of(found);
    let how = match found.state.as_ref().and_then(|state| state.exit_code) {
        // The engine has started it again and forgotten how it ended.
        None | Some(0) if found.restart_count > Some(0) => "ended and was started again".to_owned(),
        code => format!("ended with status {}", code.unwrap_or_default()),
    };
    let lines = last_lines(docker, id).await;
    Error::Unhealthy {
        message: format!("container '{name}' {how} before it was healthy{lines}"),
        hint: "`occ logs` shows everything".into(),
    }
}

/// The end of the log, indented, on lines of its own.
pub(crate) async fn last_lines(docker: &Docker, name: &str) -> String {
    let options = LogsOptionsBuilder::default()
        .stdout(true)
        .stderr(true)
        .tail(LAST_LINES)
        .build();
    let log = container::log(docker, name, options).await;
    log.lines().fold(String::new(), |shown, line| {
        format!("{shown}\n  {}", text::line(line.trim_end()))
    })
}

#[cfg(test)]
mod tests;
