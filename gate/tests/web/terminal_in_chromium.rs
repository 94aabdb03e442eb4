//! The terminal's page as people use it, in a Chromium; the test is the shell.

use occ_gate_testing::until;

use super::chromium::Chromium;
use super::harness::Gate;

/// What the page says when the terminal has ended, and the button or link that it offers.
fn told(why: &str, way: &str) -> String {
    format!(
        "const shown = (id) => !document.getElementById(id).hidden;
        return shown('over') && document.getElementById('why').textContent === '{why}'
            && ['again', 'login'].filter(shown).join() === '{way}'"
    )
}

fn shells(gate: &Gate) -> usize {
    let mut count = 0;
    gate.monitor
        .set(|state| count = state.terminals.shells.len());
    count
}

/// `occ user disable` kills the shell before the monitor sees that the account is disabled.
#[test]
fn session_that_ends_after_the_shell_is_told() {
    let gate = Gate::start();
    let (token, _) = gate.alice();
    let chromium = Chromium::start();
    chromium.open_as(&token, &format!("{}/_occ/terminal", gate.origin()));
    until("a terminal", || shells(&gate) == 1);

    gate.monitor.set(|state| state.terminals.shells.clear());
    chromium.until("the shell's end", &told("The shell has ended.", "again"));
    chromium.script("document.getElementById('again').click()");
    until("another terminal", || shells(&gate) == 1);

    gate.monitor.set(|state| state.terminals.shells.clear());
    chromium.until("the shell's end", &told("The shell has ended.", "again"));
    gate.monitor.end(&token);
    chromium.until(
        "the session's end",
        &told("Your session has ended.", "login"),
    );
    chromium.script("document.getElementById('login').click()");
    chromium.until("the login", "return location.pathname === '/_occ/login'");
}
