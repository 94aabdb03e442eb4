//! Orphans come to us and leave no zombie.

use crate::harness::{BOTH, Init, Place, children, field, setup, state, until};

fn zombies(init: &Init) -> usize {
    children(init.pid())
        .into_iter()
        .filter(|pid| state(*pid) == 'Z')
        .count()
}

/// Starts `count` orphans that end at once, and checks on what they leave.
fn leaves_nothing(script: &str) {
    for place in BOTH {
        let script = format!("{script}; echo done; read line");
        let mut init = setup(place, &["--", "sh", "-c", &script]).start();
        assert_eq!(init.line(), "done");
        until("only COMMAND is left", || children(init.pid()).len() == 1);
        assert_eq!(zombies(&init), 0);
        // read(1) at the end of its input is 1.
        assert_eq!(init.end().0, 1, "{place:?}");
    }
}

#[test]
fn an_orphan_becomes_our_child() {
    for place in BOTH {
        let script = "(sh -c 'read x < /proc/$PPID/stat 2>/dev/null; exec sleep 1000' & echo $!); echo ready; read line";
        let mut init = setup(place, &["--", "sh", "-c", script]).start();
        init.line();
        assert_eq!(init.line(), "ready");
        until("the orphan is our child", || {
            children(init.pid()).len() == 2
        });
        let pid = init.pid();
        let orphan = children(pid)
            .into_iter()
            .find(|pid| field(*pid, "Name") == "sleep");
        let orphan = orphan.or_else(|| children(pid).last().copied()).unwrap();
        assert_eq!(field(orphan, "PPid"), pid.to_string());
        init.end();
        until("the orphan ended with us", || state(orphan) == ' ');
    }
}

#[test]
fn a_hundred_background_children_of_a_shell() {
    leaves_nothing("i=0; while [ $i -lt 100 ]; do (sleep 0 &) ; i=$((i+1)); done");
}

#[test]
fn twenty_thousand_orphans_and_few_of_them_wait() {
    let script = "i=0; while [ $i -lt 20000 ]; do (: &) ; i=$((i+1)); \
        [ $((i % 500)) = 0 ] && echo $i; done; read line";
    let mut init = setup(Place::Namespace, &["--", "sh", "-c", script]).start();
    for _ in 0..40 {
        init.line();
        let waiting = zombies(&init);
        assert!(waiting < 1000, "{waiting} zombies at a time");
    }
    until("only COMMAND is left", || children(init.pid()).len() == 1);
    assert_eq!(zombies(&init), 0);
    assert_eq!(init.end().0, 1);
}

#[test]
fn many_deaths_at_one_time() {
    // COMMAND alone of its group ignores what then kills the group, so that
    // many SIGCHLDs fall into one.
    let script = "i=0; while [ $i -lt 300 ]; do (sleep 1000 &) ; i=$((i+1)); done; \
        trap '' USR1; kill -USR1 0";
    leaves_nothing(script);
}
