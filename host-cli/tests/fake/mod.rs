//! An engine without containers: it speaks the Docker API on a socket, keeps what it is
//! told in memory, and answers an exec with what a test wants a container to answer.

#![allow(dead_code, clippy::panic)] // Each test file uses a part of it; a test fails by it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
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
    /// What `inspect` says of each container, in the order they were made.
    pub(crate) containers: Vec<Value>,
    /// What `inspect` says of each image, by its name.
    pub(crate) images: BTreeMap<String, Value>,
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
        "Config": {"Image": image, "Labels": {"dev.occ.instance": name},
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
        let listener = UnixListener::bind(home.path().join("d.sock")).unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, program) = (Arc::clone(&state), Arc::new(program));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (state, program) = (Arc::clone(&shared), Arc::clone(&program));
                std::thread::spawn(move || serve(&client.unwrap(), &state, &*program));
            }
        });
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

struct Request {
    method: String,
    /// Without the version and the query.
    path: String,
    query: String,
    body: Value,
}

fn serve(client: &UnixStream, state: &Mutex<State>, program: &Program) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    while let Some(request) = read(&mut reader) {
        let exec = request
            .path
            .strip_prefix("/exec/")
            .and_then(|rest| rest.strip_suffix("/start"));
        if let Some(id) = exec {
            return run(client, id, state, program);
        }
        let (status, body) = answer(&request, &mut state.lock().unwrap());
        let kind = if request.path.ends_with("/logs") {
            "application/vnd.docker.raw-stream"
        } else {
            "application/json"
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\nApi-Version: 1.41\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut client = client;
        if client
            .write_all(&[head.as_bytes(), &body].concat())
            .is_err()
        {
            return;
        }
    }
}

fn read(reader: &mut BufReader<UnixStream>) -> Option<Request> {
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|&length| length > 0)?;
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        is_chunked |= header == "transfer-encoding: chunked";
    }
    assert!(!is_chunked, "this engine takes no chunks: {line}");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut words = line.split(' ');
    let method = words.next()?.to_owned();
    let target = words.next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = match path.strip_prefix("/v1.") {
        Some(rest) => rest.split_once('/').map(|(_, rest)| format!("/{rest}"))?,
        None => path.to_owned(),
    };
    Some(Request {
        method,
        path,
        query: decoded(query),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// The streams of an exec, then its end.
fn run(mut client: &UnixStream, id: &str, state: &Mutex<State>, program: &Program) {
    let at: usize = id.parse().unwrap();
    let words = state.lock().unwrap().execs[at].0.clone();
    let (code, stdout, stderr) = program(&words);
    state.lock().unwrap().execs[at].1 = code;
    let head = "HTTP/1.1 101 UPGRADED\r\nApi-Version: 1.41\r\nContent-Type: application/vnd.docker.raw-stream\r\n\
                Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    let _ = client.write_all(head.as_bytes());
    for (stream, text) in [(1, stdout), (2, stderr)] {
        if !text.is_empty() {
            let _ = client.write_all(&frame(stream, text.as_bytes()));
        }
    }
    let _ = client.shutdown(std::net::Shutdown::Write);
    // Whoever still sends its input gets no reset.
    let _ = client.read_to_end(&mut Vec::new());
}

fn frame(stream: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[stream, 0, 0, 0][..], &length, bytes].concat()
}

type Reply = (u16, Vec<u8>);

fn reply(status: u16, body: &Value) -> Reply {
    (status, body.to_string().into_bytes())
}

fn answer(request: &Request, state: &mut State) -> Reply {
    if request.path == "/_ping" {
        return (200, b"OK".to_vec());
    }
    if let Some(text) = &state.fails {
        return reply(500, &json!({"message": text}));
    }
    if request.method != "GET" && !request.path.ends_with("/exec") {
        let Request {
            method,
            path,
            query,
            ..
        } = request;
        state.changes.push(
            format!("{method} {path}?{query}")
                .trim_end_matches('?')
                .to_owned(),
        );
        if !request.body.is_null() {
            state.bodies.push(request.body.clone());
        }
    }
    let parts: Vec<&str> = request.path.split('/').skip(1).collect();
    match (request.method.as_str(), parts.as_slice()) {
        (_, ["version"]) => reply(200, &json!({"ApiVersion": "1.41", "MinAPIVersion": "1.12"})),
        (_, ["info"]) => reply(200, &json!({"ServerVersion": "20.10.24"})),
        ("GET", ["containers", "json"]) => list(&request.query, state),
        ("POST", ["containers", "create"]) => create(request, state),
        ("POST", ["volumes", "create"]) => reply(
            201,
            &json!({"Name": "v", "Driver": "local",
            "Mountpoint": "/v", "Labels": {}, "Scope": "local", "Options": {}}),
        ),
        (_, ["volumes", _]) => reply(404, &json!({"message": "no such volume"})),
        ("POST", ["networks", _, "connect"]) => (200, vec![]),
        ("GET", ["exec", ..]) if state.forgets => {
            reply(404, &json!({"message": "No such exec instance"}))
        }
        ("GET", ["exec", id, "json"]) => {
            let code = state.execs[id.parse::<usize>().unwrap()].1;
            reply(200, &json!({"Running": false, "ExitCode": code}))
        }
        ("GET", ["images", name @ .., "json"]) => match state.image(&name.join("/")) {
            Some(found) => reply(200, &found),
            None => reply(404, &json!({"message": "no such image"})),
        },
        (_, ["containers", name, rest @ ..]) => of_container(request, name, rest, state),
        _ => reply(
            404,
            &json!({"message": format!("there is no {}", request.path)}),
        ),
    }
}

fn of_container(request: &Request, name: &str, rest: &[&str], state: &mut State) -> Reply {
    let is_it = |one: &Value| name_of(one) == name || one["Id"].as_str().unwrap().starts_with(name);
    let Some(at) = state.containers.iter().position(is_it) else {
        return reply(
            404,
            &json!({"message": format!("No such container: {name}")}),
        );
    };
    let container = &mut state.containers[at];
    let status = |container: &mut Value, word: &str| {
        container["State"] = json!({"Status": word, "Running": word == "running"});
        (204, vec![])
    };
    match (request.method.as_str(), rest) {
        ("GET", ["json"]) => reply(200, container),
        ("GET", ["logs"]) => (200, frame(1, state.log.as_bytes())),
        ("POST", ["exec"]) => {
            let words = request.body["Cmd"].as_array().unwrap();
            let words: Vec<_> = words.iter().map(|word| word.as_str().unwrap()).collect();
            state.execs.push((words.join(" "), 0));
            reply(201, &json!({"Id": (state.execs.len() - 1).to_string()}))
        }
        ("POST", ["start" | "restart"]) => status(container, "running"),
        ("POST", ["stop"]) => status(container, "exited"),
        ("POST", ["wait"]) => reply(200, &json!({"StatusCode": 0})),
        ("POST", ["update"]) => {
            container["HostConfig"]["RestartPolicy"] = request.body["RestartPolicy"].clone();
            reply(200, &json!({"Warnings": []}))
        }
        ("POST", ["rename"]) => {
            let name = request.query.strip_prefix("name=").unwrap();
            container["Name"] = format!("/{name}").into();
            (204, vec![])
        }
        ("DELETE", []) => {
            state.containers.remove(at);
            (204, vec![])
        }
        _ => reply(
            404,
            &json!({"message": format!("there is no {}", request.path)}),
        ),
    }
}

impl State {
    /// By name or id.
    fn image(&self, name: &str) -> Option<Value> {
        let by_id = |image: &&Value| image["Id"] == name;
        let found = self
            .images
            .get(name)
            .or_else(|| self.images.values().find(by_id));
        found.cloned()
    }
}

fn list(query: &str, state: &State) -> Reply {
    let filters = query
        .split('&')
        .find_map(|part| part.strip_prefix("filters="));
    let filters: Value = serde_json::from_str(filters.unwrap_or("{}")).unwrap();
    let wanted = |key: &str| -> Vec<String> {
        let values = filters[key].as_array().into_iter().flatten();
        values
            .map(|value| value.as_str().unwrap().to_owned())
            .collect()
    };
    let (labels, volumes, states) = (wanted("label"), wanted("volume"), wanted("status"));
    let has_label = |one: &Value, label: &str| match label.split_once('=') {
        Some((key, value)) => one["Config"]["Labels"][key] == value,
        None => one["Config"]["Labels"].get(label).is_some(),
    };
    let has_volume = |one: &Value, volume: &str| {
        let mut mounts = one["Mounts"].as_array().into_iter().flatten();
        mounts.any(|mount| mount["Name"] == volume)
    };
    let all = state.containers.iter().filter(|one| {
        labels.iter().all(|label| has_label(one, label))
            && volumes.iter().all(|volume| has_volume(one, volume))
            && (states.is_empty() || states.iter().any(|word| one["State"]["Status"] == **word))
    });
    let all: Vec<Value> = all
        .map(|one| {
            json!({"Id": one["Id"], "Names": [one["Name"]], "State": one["State"]["Status"],
                   "Labels": one["Config"]["Labels"]})
        })
        .collect();
    reply(200, &all.into())
}

/// The container as it was asked for, on the image of that name.
fn create(request: &Request, state: &mut State) -> Reply {
    let name = request
        .query
        .split('&')
        .find_map(|part| part.strip_prefix("name="))
        .unwrap();
    let asked = &request.body;
    let Some(image) = state.image(asked["Image"].as_str().unwrap()) else {
        return reply(404, &json!({"message": "no such image"}));
    };
    let mut config = asked.as_object().unwrap().clone();
    let host = config.remove("HostConfig").unwrap_or_default();
    config.remove("NetworkingConfig");
    for key in ["Entrypoint", "Cmd", "Healthcheck"] {
        if config.get(key).is_none_or(Value::is_null) {
            config.insert(key.into(), image["Config"][key].clone());
        }
    }
    let mounts = host["Mounts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|mount| {
            json!({"Type": mount["Type"], "Name": mount["Source"], "Source": "/var/lib/x",
               "Destination": mount["Target"], "RW": mount["ReadOnly"] != true})
        });
    let mounts: Vec<Value> = mounts.collect();
    let networks = json!({ host["NetworkMode"].as_str().unwrap_or("bridge"): {} });
    let made = state.containers.len();
    let id = id_of(&format!("{name}{made}{}", state.changes.len()));
    state.containers.push(json!({
        "Id": id, "Name": format!("/{name}"), "Image": image["Id"], "RestartCount": 0,
        "State": {"Status": "created", "Running": false}, "Config": config,
        "HostConfig": host, "Mounts": mounts, "NetworkSettings": {"Networks": networks},
    }));
    reply(201, &json!({"Id": id, "Warnings": []}))
}

/// What occ-init answers where nothing is special: health, and one account.
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
