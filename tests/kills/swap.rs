//! occ is killed in the middle of an update, a rollback or a recreate, and the
//! next `occ start` puts it right.

use crate::harness::{Instance, Moment, Wiretap, docker, run, until};
use std::process::Stdio;

const PASSWORD: &str = "killed at any time";
/// Requests that the drill of an update has to reach.
const POINTS: usize = 20;

fn is_change(request: &str) -> bool {
    let quiet = ["GET ", "HEAD "]
        .iter()
        .any(|verb| request.starts_with(verb));
    !quiet && !request.contains("/exec") && !request.contains("/wait?")
}

/// Before and after each request that changes something, and after others,
/// spread over the run, until there are `most`.
fn moments(requests: &[String], most: usize) -> Vec<Moment> {
    let (changes, looks): (Vec<_>, Vec<_>) =
        (0..requests.len()).partition(|&at| is_change(&requests[at]));
    let mut moments: Vec<_> = changes
        .iter()
        .flat_map(|&at| [Moment::Before(at), Moment::After(at)])
        .collect();
    let missing = most.saturating_sub(moments.len());
    let every = (looks.len() / missing.max(1)).max(1);
    let more = looks.into_iter().step_by(every).take(missing);
    moments.extend(more.map(Moment::After));
    moments
}

/// Runs `occ ARGS` to its end and says what it sent.
fn rehearse<const N: usize>(instance: &Instance, args: [&str; N]) -> Vec<String> {
    let tap = Wiretap::on_the_engine();
    instance.occ(args).env("DOCKER_HOST", tap.url()).ok();
    tap.requests()
}

/// Runs `occ ARGS` until it is killed.
fn cut<const N: usize>(instance: &Instance, args: [&str; N], moment: Moment) {
    let tap = Wiretap::that_kills(moment);
    let call = instance.occ(args).env("DOCKER_HOST", tap.url());
    let mut child = call
        .into_command()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    tap.aim(child.id());
    assert_eq!(
        child.wait().unwrap().code(),
        None,
        "not killed at {moment:?}"
    );
}

/// One healthy container of that name, everybody there, nothing left over. The
/// engine may still be making a container for the one that was killed; that one
/// goes with the next start.
#[track_caller]
fn is_whole(instance: &Instance, moment: Moment) {
    let start = || {
        let started = instance.occ(["start"]).run();
        assert_eq!(started.code, Some(0), "{moment:?}: {started:#?}");
        instance.exec(["occ-init", "health", "--ready"]).ok();
        assert_eq!(running(instance), [instance.name.as_str()], "{moment:?}");
    };
    start();
    until("nothing is left over", || {
        let leftovers = leftovers(instance);
        if leftovers.is_empty() {
            return Some(());
        }
        start();
        None
    });
    let accounts = instance.accounts();
    assert_eq!(accounts.names(), ["alice", "bob"], "{moment:?}");
    assert_eq!(accounts.uid("bob"), 10001);
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
}

fn names(instance: &Instance, more: &str) -> Vec<String> {
    let filter = format!("name=^/?{}", instance.name);
    let listed = docker([
        "ps",
        "--all",
        "--filter",
        &filter,
        "--filter",
        more,
        "--format",
        "{{.Names}}",
    ]);
    listed.ok().text().lines().map(str::to_owned).collect()
}

fn running(instance: &Instance) -> Vec<String> {
    names(instance, "status=running")
}

/// Containers beside this one and the one that an update keeps.
fn leftovers(instance: &Instance) -> Vec<String> {
    let mut all = names(
        instance,
        &format!("label=dev.occ.instance={}", instance.name),
    );
    all.retain(|name| *name != instance.name && *name != format!("{}-previous", instance.name));
    all
}

fn settled(theme: &str) -> Instance {
    let instance = Instance::started(theme);
    instance.add("alice", PASSWORD);
    instance.add("bob", PASSWORD);
    instance
}

/// The tag stands for the image that the container does not have.
fn offer_the_other_image(instance: &Instance) {
    instance.use_image(&run().shifted);
    let offered = docker(["image", "inspect", "--format", "{{.Id}}", &instance.image]).ok();
    if instance.inspect("{{.Image}}") == offered.text() {
        instance.use_image(&run().light);
    }
}

#[test]
fn an_update_at_twenty_points() {
    let instance = settled("cutupdate");
    offer_the_other_image(&instance);
    let update = ["update", "container"];
    let moments = moments(&rehearse(&instance, update), POINTS);
    assert!(moments.len() >= POINTS, "{moments:?}");
    for moment in moments {
        offer_the_other_image(&instance);
        cut(&instance, update, moment);
        is_whole(&instance, moment);
    }
    offer_the_other_image(&instance);
    instance.occ(update).ok().prints("updated to the newest");
}

#[test]
fn an_update_that_is_said_again_instead_of_start() {
    let instance = settled("cutagain");
    offer_the_other_image(&instance);
    let update = ["update", "container"];
    let requests = rehearse(&instance, update);
    let renames = (0..requests.len()).filter(|&at| requests[at].contains("/rename?"));
    for at in renames {
        offer_the_other_image(&instance);
        cut(&instance, update, Moment::After(at));
        instance.occ(update).ok();
        is_whole(&instance, Moment::After(at));
    }
}

#[test]
fn a_rollback_keeps_the_container_that_it_goes_back_to() {
    let instance = settled("cutback");
    offer_the_other_image(&instance);
    instance.occ(["update", "container"]).ok();
    let rollback = ["update", "container", "--rollback"];
    let requests = rehearse(&instance, rollback);
    let changes = (0..requests.len()).filter(|&at| is_change(&requests[at]));
    for at in changes {
        cut(&instance, rollback, Moment::After(at));
        is_whole(&instance, Moment::After(at));
        let kept = format!("{}-previous", instance.name);
        docker(["container", "inspect", &kept]).ok();
    }
}

/// The engine carries a stop out, also when whoever asked for it was killed: what
/// `occ start` finds running may be about to end.
#[test]
fn a_start_in_the_middle_of_a_stop_starts_it_again() {
    let instance = settled("cutstop");
    // Nobody can say that it is ready, until it has started anew.
    instance.exec(["rm", "/run/occ-init/status.json"]).ok();
    let tap = Wiretap::on_the_engine();
    std::thread::scope(|scope| {
        let call = || instance.occ(["start"]).env("DOCKER_HOST", tap.url()).run();
        let start = scope.spawn(call);
        until("occ start waits", || {
            let asks = |request: &String| request.contains("/exec");
            tap.requests().iter().any(asks).then_some(())
        });
        docker(["stop", &instance.name]).ok();
        let started = start.join().unwrap().exits(0);
        assert!(started.stderr.contains("starting it again"), "{started:#?}");
    });
    instance.exec(["occ-init", "health", "--ready"]).ok();
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
}

#[test]
fn a_recreate_is_undone_or_done() {
    let instance = settled("cutanew");
    let recreate = ["start", "--recreate"];
    let requests = rehearse(&instance, recreate);
    let changes = (0..requests.len()).filter(|&at| is_change(&requests[at]));
    for at in changes {
        cut(&instance, recreate, Moment::After(at));
        is_whole(&instance, Moment::After(at));
    }
}
