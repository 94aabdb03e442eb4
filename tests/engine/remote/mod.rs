//! Engines that are not behind the local socket: TLS, ssh, and contexts that
//! docker itself made; and what is really sent.

mod ssh_host;
mod tls_engine;

use crate::harness::{Call, Instance, Wiretap, engine_socket};
use ssh_host::SshHost;
use tls_engine::TlsEngine;

const PASSWORD: &str = "over any wire";

/// `occ ARGS` for the instance, with no engine named but by `directory`, which
/// is docker's configuration.
fn occ<const N: usize>(instance: &Instance, directory: &std::path::Path, args: [&str; N]) -> Call {
    let variables = [
        "DOCKER_HOST",
        "DOCKER_CONTEXT",
        "DOCKER_TLS_VERIFY",
        "DOCKER_CERT_PATH",
    ];
    let call = instance.occ(args).env("DOCKER_CONFIG", directory);
    variables.into_iter().fold(call, Call::without_env)
}

/// `docker context create NAME --docker ENDPOINT`, then its name is current.
fn current_context(directory: &std::path::Path, name: &str, endpoint: &str) {
    let docker = |args: &[&str]| {
        Call::new("docker")
            .args(["context"])
            .args(args)
            .env("DOCKER_CONFIG", directory)
            .without_env("DOCKER_HOST")
            .ok();
    };
    docker(&["create", name, "--docker", endpoint]);
    docker(&["use", name]);
}

#[test]
fn a_user_command_is_one_exec_and_every_call_says_the_version() {
    let instance = Instance::started("wire");
    instance.add("alice", PASSWORD);
    let tap = Wiretap::on_the_engine();
    let listed = occ(
        &instance,
        tap.directory(),
        ["--host", &tap.url(), "user", "list"],
    );
    listed.ok().prints("alice");
    let requests = tap.requests();
    assert!(requests[0].starts_with("GET /_ping "), "{requests:?}");
    for request in &requests[1..] {
        let path = request.split(' ').nth(1).unwrap();
        assert!(path.starts_with("/v1."), "without a version: {request}");
    }
    let count = |part: &str| requests.iter().filter(|one| one.contains(part)).count();
    assert_eq!(count("/exec HTTP"), 1, "{requests:?}");
    assert_eq!(count("/start HTTP"), 1, "{requests:?}");
    assert!(requests.len() <= 6, "{requests:?}");
    assert_eq!(
        tap.connections(),
        2,
        "one for all, one that became the exec"
    );
}

#[test]
fn every_command_about_accounts_is_one_exec() {
    let instance = Instance::started("one");
    instance.add("alice", PASSWORD);
    instance.add("bob", PASSWORD);
    instance.sh("useradd carol");
    let commands: [&[&str]; 11] = [
        &["list"],
        &["show", "alice"],
        &["add", "dave", "--generate"],
        &["add", "dave", "--no-password", "--if-missing"],
        &["passwd", "alice", "--generate"],
        &["disable", "alice", "bob"],
        &["enable", "alice", "bob"],
        &["remove", "bob", "--yes"],
        &["import"],
        &["export", "--with-hashes"],
        &["adopt", "carol"],
    ];
    for command in commands {
        let tap = Wiretap::on_the_engine();
        let call = instance.occ(["--host", &tap.url(), "user"]).args(command);
        call.input("erin:e e e:::::\n").ok();
        let requests = tap.requests();
        let execs = requests.iter().filter(|one| one.contains("/exec HTTP"));
        assert_eq!(execs.count(), 1, "{command:?}: {requests:?}");
    }
}

#[test]
fn an_engine_with_tls_is_verified_and_verifies_us() {
    let instance = Instance::started("tls");
    let engine = TlsEngine::new();
    let call = |args: [&str; 3]| {
        occ(&instance, engine.directory(), args)
            .env("DOCKER_HOST", engine.url())
            .env("DOCKER_TLS_VERIFY", "1")
            .env("DOCKER_CERT_PATH", engine.certificates())
    };
    let add = ["user", "add", "alice"];
    call(add)
        .args(["--password-stdin"])
        .input(format!("{PASSWORD}\n"))
        .ok();
    call(["user", "list", "-q"]).ok().prints("alice");
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);

    let strangers = engine.with_another_ca();
    call(["user", "list", "-q"])
        .env("DOCKER_CERT_PATH", strangers.path())
        .run()
        .exits(6)
        .says("invalid peer certificate");
    let nobody = engine.without_client_certificate();
    call(["user", "list", "-q"])
        .env("DOCKER_CERT_PATH", nobody.path())
        .run()
        .exits(6)
        .says(&engine.url());
    call(["user", "list", "-q"])
        .without_env("DOCKER_TLS_VERIFY")
        .run()
        .exits(6);
    call(["user", "list", "-q"])
        .env("DOCKER_CERT_PATH", "/nonexistent")
        .run()
        .exits(9)
        .says("'/nonexistent/ca.pem'");

    current_context(engine.directory(), "far", &engine.endpoint());
    occ(&instance, engine.directory(), ["user", "list", "-q"])
        .ok()
        .prints("alice");
}

#[test]
fn an_engine_behind_ssh_is_reached_with_user_and_port() {
    let instance = Instance::started("ssh");
    let host = SshHost::start();
    let call = |args: [&str; 3]| occ(&instance, host.directory(), args).env("PATH", host.path());
    call(["user", "add", "alice"])
        .args(["--password-stdin"])
        .input(format!("{PASSWORD}\n"))
        .env("DOCKER_HOST", host.url())
        .ok();
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
    let listed = call(["--host", &host.url(), "user"]);
    listed.args(["list", "-q"]).ok().prints("alice");
    let elsewhere = format!("{}/nonexistent/docker.sock", host.url_of_the_host());
    call(["--host", &elsewhere, "status"]).run().exits(6);
    call(["--host", &host.url_of_a_closed_port(), "status"])
        .run()
        .exits(6)
        .says("onnection refused");
    host.forget_the_key();
    call(["--host", &host.url(), "status"])
        .run()
        .exits(6)
        .says("ermission denied");
}

#[test]
fn a_context_with_ssh_is_followed_and_an_unknown_one_is_no_other() {
    let instance = Instance::started("context");
    instance.add("alice", PASSWORD);
    let host = SshHost::start();
    current_context(host.directory(), "there", &format!("host={}", host.url()));
    let call = |args: [&str; 2]| occ(&instance, host.directory(), args).env("PATH", host.path());
    call(["user", "list"]).ok().prints("alice");
    let local = format!("unix://{}", engine_socket().display());
    call(["user", "list"])
        .args(["--context", "default"])
        .env("DOCKER_HOST", local)
        .ok()
        .prints("alice");
    call(["user", "list"])
        .env("DOCKER_CONTEXT", "nowhere")
        .run()
        .exits(9)
        .says("'nowhere' (DOCKER_CONTEXT");
    // What is named last is closest: the variable of an address beats a context.
    call(["user", "list"])
        .env("DOCKER_CONTEXT", "nowhere")
        .env("DOCKER_HOST", "unix:///nonexistent/engine.sock")
        .run()
        .exits(6)
        .says("/nonexistent/engine.sock (DOCKER_HOST)");
}
