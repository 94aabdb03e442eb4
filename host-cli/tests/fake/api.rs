//! The answers of the engine: what it holds, and how requests change that.

use serde_json::{Value, json};

use super::http::{Request, frame};
use super::{State, id_of, name_of};

/// Status and body.
type Reply = (u16, Vec<u8>);

fn reply(status: u16, body: &Value) -> Reply {
    (status, body.to_string().into_bytes())
}

pub(super) fn answer(request: &Request, state: &mut State) -> Reply {
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
        (_, ["version"]) => reply(
            200,
            &json!({"ApiVersion": "1.41", "MinAPIVersion": "1.12", "Arch": state.architecture}),
        ),
        (_, ["info"]) => reply(
            200,
            &json!({"ServerVersion": "20.10.24", "SecurityOptions": state.security}),
        ),
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
        ("POST", ["start"]) if state.cannot_start.is_some() => {
            reply(500, &json!({"message": state.cannot_start}))
        }
        ("POST", ["start" | "restart"]) => status(container, "running"),
        ("POST", ["stop"]) => status(container, "exited"),
        ("POST", ["wait"]) => reply(200, &json!({"StatusCode": 0})),
        ("POST", ["update"]) if state.cannot_update => reply(404, &json!({"message": "Not Found"})),
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
