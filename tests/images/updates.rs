//! An update never leaves anybody worse off: what it takes over, what it leaves
//! alone, and how it goes back.

use crate::harness::{Instance, docker, run};

const PASSWORD: &str = "the same as before";

/// An image on top of the one that only sleeps; the test's own tag.
struct Derived(String);

impl Derived {
    fn new(theme: &str, lines: &str) -> Self {
        let tag = format!("{}-{theme}", run().light);
        docker(["build", "--quiet", "--tag", &tag, "-"])
            .env("DOCKER_BUILDKIT", "0")
            .input(format!("FROM {}\n{lines}\n", run().light))
            .ok();
        Self(tag)
    }
}

impl Drop for Derived {
    fn drop(&mut self) {
        docker(["image", "rm", &self.0]).run();
    }
}

/// The very same container serves, and the error says so.
#[track_caller]
fn goes_back(instance: &Instance, image: &Derived, because: &str) {
    let before = instance.inspect("{{.Id}} {{.Image}}");
    instance.use_image(&image.0);
    let update = ["update", "container", "--wait-timeout", "4"];
    let failed = instance.occ(update).run().exits(7).says(because);
    let back = "the new container failed its check; the old one was restored";
    assert!(failed.stderr.contains(back), "{failed:#?}");
    assert_eq!(instance.inspect("{{.Id}} {{.Image}}"), before);
    instance.exec(["occ-init", "health", "--ready"]).ok();
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
    let mine = format!("label=dev.occ.instance={}", instance.name);
    let left = docker(["ps", "--all", "--quiet", "--filter", &mine]).ok();
    assert_eq!(left.text().lines().count(), 1, "something is left over");
    instance.use_image(&run().light);
}

#[test]
fn an_image_that_is_not_as_good_is_not_taken() {
    let instance = Instance::started("worse");
    instance.add("alice", PASSWORD);
    let sick = Derived::new("sick", "HEALTHCHECK CMD echo no such luck; false");
    goes_back(&instance, &sick, "no such luck");
    let ends = Derived::new("ends", "CMD [\"sh\", \"-c\", \"echo farewell; exit 3\"]");
    goes_back(&instance, &ends, "farewell");
    // It has its own idea of who is there.
    let forgets = Derived::new(
        "forgets",
        "RUN mv /usr/local/bin/occ-init /usr/local/bin/real && printf '%s\\n' '#!/bin/sh' \
         'if [ \"$1 $2\" = \"user list\" ]; then echo \"{\\\"schema\\\":1,\\\"accounts\\\":[]}\"; else exec real \"$@\"; fi' \
         > /usr/local/bin/occ-init && chmod +x /usr/local/bin/occ-init",
    );
    goes_back(&instance, &forgets, "it does not have the accounts alice");
    instance
        .occ(["update", "container", "--wait-timeout", "4", "--json"])
        .ok();
}

#[test]
fn an_image_without_occ_init_is_named_before_anything_stops() {
    let instance = Instance::started("bare");
    let before = instance.inspect("{{.Id}} {{.State.StartedAt}}");
    let bare = Derived::new("bare", "RUN rm /usr/local/bin/occ-init");
    instance.use_image(&bare.0);
    instance
        .occ(["update", "container"])
        .run()
        .exits(1)
        .says("occ-init")
        .says(&instance.image);
    assert_eq!(instance.inspect("{{.Id}} {{.State.StartedAt}}"), before);
    instance.use_image(&run().light);
}

#[test]
fn a_build_that_cannot_begin_leaves_the_container_serving() {
    let instance = Instance::started("unbuilt");
    let before = instance.inspect("{{.Id}} {{.State.StartedAt}}");
    instance
        .occ(["start", "--build"])
        .env("OCC_INIT_BIN", "/nonexistent/occ-init")
        .run()
        .exits(1)
        .says("/nonexistent/occ-init");
    assert_eq!(instance.inspect("{{.Id}} {{.State.StartedAt}}"), before);
}

/// All that a person can say about a container that is not the image's.
const GIVEN: &str = "{{.Config.Env}} {{.Config.Labels.mine}} {{.HostConfig.Binds}} \
    {{.HostConfig.PortBindings}} {{.Config.Hostname}} {{.HostConfig.Memory}} {{.HostConfig.Tmpfs}} \
    {{.HostConfig.ExtraHosts}} {{.HostConfig.RestartPolicy}} {{.HostConfig.NetworkMode}} \
    {{json .HostConfig.Devices}} {{json .HostConfig.Ulimits}} {{.HostConfig.Sysctls}} {{.HostConfig.ShmSize}} \
    {{.HostConfig.GroupAdd}} {{json .HostConfig.PidsLimit}} {{.HostConfig.SecurityOpt}} {{.HostConfig.DNS}} \
    {{.HostConfig.OomScoreAdj}} {{.HostConfig.LogConfig}} {{.HostConfig.CPUShares}} {{.HostConfig.VolumesFrom}} \
    {{json .Config.StopTimeout}} {{.Config.StopSignal}} {{.Config.WorkingDir}} {{json .Config.Healthcheck}} \
    {{json .Config.Entrypoint}} {{json .Config.Cmd}} \
    {{range $name, $of := .NetworkSettings.Networks}}{{$name}} \
    {{if eq $of.IPAddress \"10.211.7.77\"}}kept {{$of.MacAddress}} {{end}}{{end}}\n\
    {{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.RW}}\n{{end}}";

/// In an order that engines don't promise.
fn given(instance: &Instance) -> Vec<String> {
    let text = instance.inspect(GIVEN);
    let mut lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    lines.sort();
    lines
}

/// Two networks, gone with it: made before the container, they go after it.
struct Networks([String; 2]);

impl Networks {
    /// `first`: options of the first.
    fn new(theme: &str, first: &[&str]) -> Self {
        let names = ["one", "two"].map(|end| format!("{}-{theme}-{end}", run().prefix));
        for (name, options) in names.iter().zip([first, &[]]) {
            docker(["network", "create"])
                .args(options)
                .args([name])
                .ok();
        }
        Self(names)
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        docker(["network", "rm"]).args(&self.0).run();
    }
}

/// Settings of `docker run` that an update has to keep.
const OPTIONS: &str = "--device /dev/null:/dev/mine --ulimit nofile=1000:2000 \
    --sysctl net.core.somaxconn=1000 --shm-size 32m --group-add 27 --pids-limit 500 \
    --dns 192.0.2.53 --security-opt label=disable --oom-score-adj 100 \
    --log-opt max-size=1m --cpu-shares 512 --stop-timeout 20 --stop-signal INT \
    --workdir /srv --health-interval 7s";

/// A container started by hand, with many settings of its own.
fn started_by_hand(instance: &Instance, bound: &std::path::Path, networks: &Networks) {
    let name = instance.name.as_str();
    let id = docker(["network", "inspect", "--format", "{{.Id}}", &networks.0[0]]).ok();
    // The lent volume is read-only, and has to stay so.
    docker([
        "create",
        "--name",
        &format!("{name}-lender"),
        "--volume",
        "/lent",
    ])
    .args([&instance.image, "true"])
    .ok();
    docker(["run", "--detach", "--name", name, "--hostname", "box"])
        .args(["--volumes-from", &format!("{name}-lender:ro")])
        .args(OPTIONS.split_whitespace())
        .args(["--health-cmd", "occ-init health --ready"])
        .args(["--entrypoint", "/usr/local/bin/occ-init"])
        .args(["--label", &format!("dev.occ.instance={name}")])
        .args(["--volume", &format!("{name}-users:/var/lib/opencode-users")])
        .args(["--volume", &format!("{}:/srv/mine/", bound.display())])
        .args(["--volume", "/nameless", "--tmpfs", "/scratch:size=1m"])
        .args(["--publish", &format!("127.0.0.1:{}:3000", instance.port)])
        .args(["--label", "mine=yes", "--env", "MINE=1", "--memory", "512m"])
        .args(["--add-host", "there:192.0.2.7", "--restart", "on-failure:3"])
        .args(["--network", id.text(), "--network-alias", "app"])
        .args(["--ip", "10.211.7.77"])
        .args([&instance.image, "--", "sleep", "infinity"])
        .ok();
    docker(["network", "connect", &networks.0[1], name]).ok();
}

#[test]
fn settings_made_by_hand_survive_and_other_containers_are_left_alone() {
    // Addresses can be given only where the subnet was.
    let networks = Networks::new("given", &["--subnet", "10.211.7.0/24"]);
    let instance = Instance::new("given");
    let mount = tempfile::tempdir().unwrap();
    std::fs::write(mount.path().join("file"), "kept outside").unwrap();
    started_by_hand(&instance, mount.path(), &networks);
    instance.add("alice", PASSWORD);
    instance.sh("echo kept > /nameless/file");
    let stranger = format!("{}-stranger", instance.name);
    docker(["create", "--name", &stranger, &instance.image, "true"]).ok();
    let before = given(&instance);

    instance.use_image(&run().shifted);
    let (update, rollback, anew) = (["update", "container"], "--rollback", "--recreate");
    let ways = [
        instance.occ(update),
        instance.occ(update).args([rollback]),
        instance.occ(["start", anew]),
    ];
    for way in ways {
        way.ok();
        assert_eq!(given(&instance), before);
        let seen = instance.sh("cat /srv/mine/file /nameless/file; echo $MINE");
        assert_eq!(seen, "kept outsidekept\n1");
        instance.exec(["getent", "hosts", "app"]).ok();
        assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
    }
    docker(["container", "inspect", &stranger]).ok();
    docker(["rm", &stranger]).ok();
    docker(["rm", "--volumes", &format!("{}-lender", instance.name)]).ok();
}

/// The engine's default network is one of those to be kept.
#[test]
fn a_network_beside_the_default_one_is_kept_with_it() {
    let networks = Networks::new("beside", &[]);
    let instance = Instance::started("beside");
    docker(["network", "connect", &networks.0[0], &instance.name]).ok();
    let names = "{{range $name, $of := .NetworkSettings.Networks}}{{$name}} {{end}}";
    let before = instance.inspect(names);
    assert_eq!(before.split_whitespace().count(), 2, "{before}");
    instance.use_image(&run().shifted);
    instance.occ(["update", "container"]).ok();
    assert_eq!(instance.inspect(names), before);
}

#[test]
fn somebody_elses_container_with_a_name_of_ours_is_not_removed() {
    let instance = Instance::started("inway");
    let next = format!("{}-next", instance.name);
    docker([
        "create",
        "--name",
        &next,
        "--entrypoint",
        "true",
        &instance.image,
    ])
    .ok();
    instance.use_image(&run().shifted);
    instance
        .occ(["update", "container"])
        .run()
        .exits(4)
        .says(&next);
    docker(["container", "inspect", &next]).ok();
    instance.occ(["start"]).ok().prints("is running already");
}

/// The engine deletes it as it stops: there would be no way back.
#[test]
fn a_container_that_goes_when_it_stops_is_not_replaced() {
    let instance = Instance::new("fleeting");
    let users = format!("{}-users:/var/lib/opencode-users", instance.name);
    instance.run_by_hand(&["--rm", "--volume", &users], &[]);
    instance.add("alice", PASSWORD);
    let before = instance.inspect("{{.Id}} {{.State.StartedAt}}");
    instance.use_image(&run().shifted);
    for args in [["update", "container"], ["start", "--recreate"]] {
        instance.occ(args).run().exits(5).says("--rm");
        assert_eq!(instance.inspect("{{.Id}} {{.State.StartedAt}}"), before);
    }
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
}
