//! An engine without containers: it speaks the Docker API on a socket, keeps what it is
//! told in memory, and answers an exec with what a test wants a container to answer.

#![allow(dead_code, clippy::panic)] // Each test file uses a part of it; a test fails by it.

mod api;
pub(crate) mod http;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// The answer of a program in the container: exit code, stdout, stderr.
pub(crate) type Answer = (i64, String, String);
type Program = dyn Fn(&str) -> Answer + Send + Sync;

/// Everything the engine holds.
#[derive(Default)]
pub(crate) struct State {
    /// The answer of `inspect` for each container, in the order they were made.
    pub(crate) containers: Vec<Value>,
    /// The answer of `inspect` for each image, by its name.
    pub(crate) images: BTreeMap<String, Value>,
    /// The target of every request, as it was sent: `/v1.41/containers/json?all=true`.
    pub(crate) asked: Vec<String>,
    /// Every request that changes something: `POST /containers/create?name=x`.
    pub(crate) changes: Vec<String>,
    /// The bodies of those that have one.
    pub(crate) bodies: Vec<Value>,
    /// The log of every container.
    pub(crate) log: String,
    /// An error with this text is the answer to everything but a ping.
    pub(crate) fails: Option<String>,
    /// A command that has ended is forgotten, as those of a container that restarts are.
    pub(crate) forgets: bool,
    /// A container can't be changed, as with Podman 4.
    pub(crate) cannot_update: bool,
    /// Why no container can be started.
    pub(crate) cannot_start: Option<String>,
    /// What the engine says of its machine; nothing unless set.
    pub(crate) architecture: Option<String>,
    /// What the engine says of its security: `name=rootless`.
    pub(crate) security: Vec<String>,
    /// The words of each exec, and its exit code.
    execs: Vec<(String, i64)>,
}

pub(crate) struct Engine {
    pub(crate) home: tempfile::TempDir,
    pub(crate) state: Arc<Mutex<State>>,
}

/// An image, by its id; `config` is what it says of its programs.
pub(crate) fn image(id: &str, config: &Value) -> Value {
    json!({"Id": format!("sha256:{id:0<64}"), "Config": config})
}

/// A container that runs, with the volumes of its instance.
pub(crate) fn container(name: &str, image: &str, image_id: &str) -> Value {
    let mount = |end: &str, target: &str| {
        json!({"Type": "volume", "Name": format!("{name}-{end}"), "Source": "/var/lib/x",
               "Destination": target, "RW": true})
    };
    let asked = |end: &str, target: &str| json!({"Type": "volume", "Source": format!("{name}-{end}"), "Target": target});
    json!({
        "Id": id_of(name), "Name": format!("/{name}"), "Image": format!("sha256:{image_id:0<64}"),
        "RestartCount": 0,
        "State": {"Status": "running", "Running": true},
        "Config": {"Image": image, "Labels": {"dev.occ.instance": name, "dev.occ.image": "local"},
                   "Env": [format!("OCC_GATE_NAME={name}")],
                   "Entrypoint": ["/usr/local/bin/occ-init", "--"], "Cmd": ["occ-gate"]},
        "HostConfig": {"NetworkMode": "bridge",
            "PortBindings": {"3000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "3000"}]},
            "Mounts": [asked("users", "/var/lib/opencode-users"), asked("home", "/home")]},
        "Mounts": [mount("users", "/var/lib/opencode-users"), mount("home", "/home")],
        "NetworkSettings": {"Networks": {"bridge": {}}},
    })
}

fn id_of(name: &str) -> String {
    let hash = name.bytes().fold(7_u64, |hash, byte| {
        hash.wrapping_mul(1_000_003).wrapping_add(u64::from(byte))
    });
    format!("{hash:016x}").repeat(4)
}

impl Engine {
    /// `program` answers what is executed in containers, by its words joined with blanks.
    pub(crate) fn new(program: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let home = tempfile::tempdir().unwrap();
        let state = http::listen(&home.path().join("d.sock"), program);
        Self { home, state }
    }

    pub(crate) fn with(&self, edit: impl FnOnce(&mut State)) {
        edit(&mut self.state.lock().unwrap());
    }

    /// One container of that name on `occ:local`, which runs.
    pub(crate) fn has(&self, name: &str) -> &Self {
        self.with(|state| {
            state.containers.push(container(name, "occ:local", "1"));
            state
                .images
                .insert("occ:local".into(), image("1", &json!({})));
        });
        self
    }

    /// The name `occ:local` stands for a second image by now; containers keep the first.
    pub(crate) fn has_newer_image(&self) -> &Self {
        self.with(|state| {
            let images = [("first", "1"), ("occ:local", "2")];
            let images = images.map(|(name, id)| (name.to_owned(), image(id, &json!({}))));
            state.images.extend(images);
        });
        self
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.containers.iter().map(name_of).collect()
    }

    pub(crate) fn inspect(&self, name: &str) -> Value {
        let state = self.state.lock().unwrap();
        let found = state.containers.iter().find(|one| name_of(one) == name);
        found
            .unwrap_or_else(|| panic!("no container {name}"))
            .clone()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.home.path().join(".config/occ/config.json")
    }

    /// `occ ARGS` with this engine, and nothing else of this machine.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_occ"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env(
                "DOCKER_HOST",
                format!("unix://{}", self.home.path().join("d.sock").display()),
            )
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn occ(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
}

fn name_of(container: &Value) -> String {
    container["Name"]
        .as_str()
        .unwrap()
        .trim_start_matches('/')
        .to_owned()
}

/// `opencode`, on an image that a newer one has taken the name of.
pub(crate) fn outdated() -> Engine {
    let engine = Engine::new(one_account);
    engine.has("opencode").has_newer_image();
    engine
}

/// The answers of an occ-init with one account, which is healthy.
pub(crate) fn one_account(words: &str) -> Answer {
    let account = |name: &str| {
        json!({"userName": name, "uid": 10000, "gid": 10000, "homeDirectory": format!("/home/{name}"),
               "shell": "/bin/bash", "status": "enabled"})
    };
    let document = match words
        .strip_prefix("/usr/local/bin/occ-init ")
        .unwrap_or(words)
    {
        words if words.starts_with("user list") => {
            json!({"schema": 1, "accounts": [account("alice")]})
        }
        words if words.starts_with("user export") => {
            json!({"schema": 1, "records": [{"userName": "alice"}]})
        }
        words if words.starts_with("user import") => {
            json!({"schema": 1, "changed": true, "results": [
            {"line": 1, "userName": "alice", "action": "created", "uid": 10000}]})
        }
        words if words.starts_with("user") => {
            json!({"schema": 1, "changed": true, "account": account("alice")})
        }
        words if words.starts_with("check") => json!({"schema": 1, "findings": []}),
        words if words.starts_with("status") => json!({"schema": 1}),
        "--version" => {
            return (
                0,
                format!("occ-init {}\n", env!("CARGO_PKG_VERSION")),
                String::new(),
            );
        }
        _ => return (0, String::new(), String::new()),
    };
    (0, format!("{document}\n"), String::new())
}
