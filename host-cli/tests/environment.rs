//! The environment and the files around decide where the configuration is and which
//! engine is meant, in which order. A stand-in engine on a socket keeps what it was asked.

#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

mod fake;

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use fake::State;

/// An engine that knows no container.
struct Engine {
    socket: PathBuf,
    state: Arc<Mutex<State>>,
}

impl Engine {
    fn at(socket: PathBuf) -> Self {
        std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
        let state = fake::http::listen(&socket, fake::one_account);
        Self { socket, state }
    }

    fn url(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// The targets that were asked for since the last call.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }
}

/// A home, and nothing else of this machine.
struct Surroundings {
    home: tempfile::TempDir,
}

impl Surroundings {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn context(&self, name: &str, host: &str) {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(name.as_bytes());
        let id = digest
            .iter()
            .fold(String::new(), |id, byte| id + &format!("{byte:02x}"));
        let text = format!(r#"{{"Name":"{name}","Endpoints":{{"docker":{{"Host":"{host}"}}}}}}"#);
        self.write(&format!(".docker/contexts/meta/{id}/meta.json"), &text);
    }

    fn occ(&self, args: &[&str], variables: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_occ"))
            .args(args)
            .env_clear()
            .env("HOME", self.home.path())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

#[track_caller]
fn ended(output: &Output, code: i32, said: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(said), "{stderr}");
}

/// Each of six engines is named in another way; what is named by a stronger word
/// goes away, one after the other, as docker's own command decides it.
#[test]
fn engines_are_looked_for_in_the_order_that_docker_has() {
    let here = Surroundings::new();
    let engine = |name: &str| Engine::at(here.path(&format!("run/{name}.sock")));
    let [flag, variable, context, exported, current] =
        ["flag", "variable", "context", "exported", "current"].map(engine);
    let podman = Engine::at(here.path("run/podman/podman.sock"));
    for (name, engine) in [
        ("context", &context),
        ("exported", &exported),
        ("current", &current),
    ] {
        here.context(name, &engine.url());
    }
    here.write(".docker/config.json", r#"{"currentContext":"current"}"#);
    let (host, named) = (flag.url(), variable.url());
    let runtime = here.path("run").display().to_string();
    let host_variable = ("DOCKER_HOST", named.as_str());
    let context_variable = ("DOCKER_CONTEXT", "exported");
    let runtime_variable = ("XDG_RUNTIME_DIR", runtime.as_str());
    let all = [host_variable, context_variable, runtime_variable];
    let no_host = [context_variable, runtime_variable];
    let everyone = [&flag, &variable, &context, &exported, &current, &podman];
    let only = |args: &[&str], variables: &[(&str, &str)], meant: &Engine| {
        let status = here.occ(&[args, &["status"]].concat(), variables);
        ended(&status, 7, "");
        for engine in everyone {
            let expected = std::ptr::eq(engine, meant);
            let name = engine.socket.display();
            assert_eq!(
                !engine.asked().is_empty(),
                expected,
                "{name}: {args:?} {variables:?}"
            );
        }
    };
    only(&["--host", &host], &all, &flag);
    only(&["-H", &host], &no_host, &flag);
    only(&["--context", "context"], &all, &context);
    only(&["-c", "default"], &all, &variable);
    only(&[], &all, &variable);
    only(&[], &no_host, &exported);
    only(&[], &[runtime_variable], &current);
    // Empty is not set, as docker has it.
    only(
        &[],
        &[("DOCKER_HOST", ""), ("DOCKER_CONTEXT", "")],
        &current,
    );
    // Another directory of docker's.
    std::fs::rename(here.path(".docker"), here.path("elsewhere")).unwrap();
    here.write("elsewhere/config.json", r#"{"currentContext":"current"}"#);
    let elsewhere = here.path("elsewhere").display().to_string();
    only(&[], &[("DOCKER_CONFIG", &elsewhere)], &current);
}

#[test]
fn a_context_that_is_not_there_is_an_error_wherever_it_is_named() {
    let here = Surroundings::new();
    here.write(".docker/config.json", r#"{"currentContext":"gone"}"#);
    let current = here.occ(&["status"], &[]);
    ended(&current, 9, "'gone' (docker's current context");
    let exported = here.occ(&["status"], &[("DOCKER_CONTEXT", "lost")]);
    ended(&exported, 9, "'lost' (DOCKER_CONTEXT");
    // Whoever names an engine does not need the context.
    let engine = Engine::at(here.path("d.sock"));
    ended(&here.occ(&["-H", &engine.url(), "status"], &[]), 7, "");
    let both = ["--host", &engine.url(), "--context", "default", "status"];
    ended(&here.occ(&both, &[]), 2, "cannot be used with");
}

#[test]
fn the_version_that_is_spoken_is_on_every_line_that_is_sent() {
    let here = Surroundings::new();
    let engine = Engine::at(here.path("d.sock"));
    let url = engine.url();
    let status = |version: &[(&str, &str)]| here.occ(&["--host", &url, "status"], version);
    for (variables, first, spoken) in [
        (&[][..], "/_ping", "/v1.41/"),
        (&[("DOCKER_API_VERSION", "")], "/_ping", "/v1.41/"),
        (&[("DOCKER_API_VERSION", "1.40")], "/version", "/v1.40/"),
    ] {
        ended(&status(variables), 7, "");
        let asked = engine.asked();
        assert!(asked.len() > 1, "{asked:?}");
        assert_eq!(asked[0], first);
        let of_it = |path: &String| path.starts_with(spoken);
        assert!(asked[1..].iter().all(of_it), "{asked:?}");
    }
    for wrong in ["1.99", "1.20", "new", "1"] {
        let refused = status(&[("DOCKER_API_VERSION", wrong)]);
        ended(&refused, 9, &format!("'{wrong}'"));
        ended(&refused, 9, "DOCKER_API_VERSION");
        assert!(engine.asked().iter().all(|path| path == "/version"));
    }
}

/// It takes the connection and says nothing: that ends by itself, or by Ctrl-C.
#[test]
fn an_engine_that_never_answers_is_not_waited_for() {
    let here = Surroundings::new();
    let _silent = UnixListener::bind(here.path("d.sock")).unwrap();
    let url = format!("unix://{}", here.path("d.sock").display());
    let late = here.occ(&["--host", &url, "status"], &[]);
    ended(&late, 6, "it did not answer within 5 s");
}

/// Root may use every socket, so that root's test runs as nobody.
#[test]
fn socket_without_permission_is_reported() {
    use std::os::unix::fs::PermissionsExt;
    let here = Surroundings::new();
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    mode(here.home.path(), 0o755);
    let engine = Engine::at(here.path("d.sock"));
    mode(&engine.socket, 0);
    let occ = here.path("occ");
    std::fs::copy(env!("CARGO_BIN_EXE_occ"), &occ).unwrap();
    let id = Command::new("id").arg("-u").output().unwrap();
    let mut command = if id.stdout == b"0\n" {
        let mut nobody = Command::new("setpriv");
        nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        nobody.arg(&occ);
        nobody
    } else {
        Command::new(&occ)
    };
    let command = command
        .args(["--host", &engine.url()])
        .env("HOME", here.home.path());
    let refused = command.arg("status").output().unwrap();
    ended(
        &refused,
        6,
        "no permission to use the container engine at unix://",
    );
    ended(&refused, 6, "join the docker group");
}

#[test]
fn tls_without_a_host_does_not_get_the_local_socket() {
    let here = Surroundings::new();
    let verified = here.occ(&["status"], &[("DOCKER_TLS_VERIFY", "1")]);
    ended(&verified, 9, "tcp://localhost:2376");
    ended(&verified, 9, "ca.pem");
    let unverified = here.occ(&["status"], &[("DOCKER_TLS", "1")]);
    ended(&unverified, 9, "DOCKER_TLS verifies nobody");
}

fn configured(output: &Output) -> PathBuf {
    assert!(output.status.success(), "{output:?}");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end())
}

#[test]
fn the_configuration_is_where_xdg_says() {
    let here = Surroundings::new();
    let path = |variables: &[(&str, &str)]| configured(&here.occ(&["config", "path"], variables));
    let usual = here.path(".config/occ/config.json");
    assert_eq!(path(&[]), usual);
    assert_eq!(path(&[("XDG_CONFIG_HOME", "")]), usual);
    // XDG's own rule: what is not absolute is not there.
    assert_eq!(path(&[("XDG_CONFIG_HOME", "relative")]), usual);
    let other = here.path("other");
    assert_eq!(
        path(&[("XDG_CONFIG_HOME", other.to_str().unwrap())]),
        other.join("occ/config.json")
    );
    // Without HOME it is the one that passwd(5) has.
    let bare = Command::new(env!("CARGO_BIN_EXE_occ"))
        .args(["config", "path"])
        .env_clear()
        .output()
        .unwrap();
    let bare = configured(&bare);
    assert!(
        bare.is_absolute() && bare.ends_with(".config/occ/config.json"),
        "{bare:?}"
    );
}

#[test]
fn unknown_keys_are_named_and_kept_and_wrong_values_stop_everything() {
    let here = Surroundings::new();
    let engine = Engine::at(here.path("d.sock"));
    let url = engine.url();
    let file = ".config/occ/config.json";
    let text = r#"{"schema":1,"users":["al"],"container":"box","port":3001,"bind":"127.0.0.1","prot":1,"theme":{"dark":true},"instances":{"box":{"users":["bo"],"note":7}}}"#;
    here.write(file, text);
    let set = here.occ(&["config", "set", "port", "4000"], &[]);
    ended(&set, 0, "an unknown key 'prot'; did you mean 'port'?");
    ended(&set, 0, "an unknown key 'theme'\n");
    let kept = std::fs::read(here.path(file)).unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&kept).unwrap();
    let mut expected: serde_json::Value = serde_json::from_str(text).unwrap();
    expected["port"] = 4000.into();
    assert_eq!(kept, expected);

    for (wrong, named) in [
        (r#"{"schema":1,"port":0}"#, "port"),
        (r#"{"schema":1,"port":"x"}"#, "config.json"),
        (r#"{"schema":1,"port":70000}"#, "config.json"),
        (r#"{"schema":1,"bind":"localhost"}"#, "IP address"),
        (r#"{"schema":1,"image":""}"#, "for image"),
        (r#"{"schema":1,"base_image":""}"#, "for base_image"),
        (r#"{"schema":1,"container":"../x"}"#, "'../x'"),
        (r#"{"schema":2}"#, "newer"),
        ("{", "config.json"),
        ("", "config.json"),
    ] {
        here.write(file, wrong);
        for args in [
            &["--host", &url, "status"][..],
            &["config", "set", "port", "1"],
        ] {
            ended(&here.occ(args, &[]), 1, named);
        }
        assert_eq!(std::fs::read_to_string(here.path(file)).unwrap(), wrong);
    }
    assert_eq!(engine.asked(), Vec::<String>::new(), "nothing was touched");
}

#[test]
fn configuration_below_a_file_means_the_defaults() {
    let here = Surroundings::new();
    let engine = Engine::at(here.path("d.sock"));
    let url = engine.url();
    let nowhere = ("XDG_CONFIG_HOME", "/dev/null");
    ended(&here.occ(&["--host", &url, "status"], &[nowhere]), 7, "");
    let set = here.occ(&["config", "set", "port", "4000"], &[nowhere]);
    ended(&set, 1, "'/dev/null/occ'");
}

/// People keep their configuration in a repository, and run sudo with their HOME.
#[test]
fn a_link_to_the_configuration_stays_and_its_owner_and_mode_too() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    let here = Surroundings::new();
    here.write("dotfiles/occ.json", r#"{"schema":1,"port":3001}"#);
    let real = here.path("dotfiles/occ.json");
    std::fs::set_permissions(&real, PermissionsExt::from_mode(0o640)).unwrap();
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if is_root {
        chown(&real, Some(1234), Some(1234)).unwrap();
    }
    let owner = std::fs::metadata(&real).unwrap().uid();
    std::fs::create_dir_all(here.path(".config/occ")).unwrap();
    let link = here.path(".config/occ/config.json");
    symlink("../../dotfiles/occ.json", &link).unwrap();
    ended(&here.occ(&["config", "set", "port", "4000"], &[]), 0, "");
    assert!(link.symlink_metadata().unwrap().is_symlink());
    let after = std::fs::metadata(&real).unwrap();
    assert_eq!((after.uid(), after.mode() & 0o777), (owner, 0o640));
    assert!(std::fs::read_to_string(&real).unwrap().contains("4000"));
    // A new one belongs to whose home it is.
    if is_root {
        let other = Surroundings::new();
        chown(other.home.path(), Some(1234), Some(1234)).unwrap();
        ended(&other.occ(&["config", "set", "port", "4000"], &[]), 0, "");
        for made in [".config", ".config/occ", ".config/occ/config.json"] {
            assert_eq!(
                std::fs::metadata(other.path(made)).unwrap().uid(),
                1234,
                "{made}"
            );
        }
    }
}

#[test]
fn doctor_reports_a_configuration_that_cannot_be_read() {
    let here = Surroundings::new();
    here.write(".config/occ/config.json", "{");
    let engine = Engine::at(here.path("d.sock"));
    let found = here.occ(&["--host", &engine.url(), "doctor"], &[]);
    let told = String::from_utf8_lossy(&found.stdout).into_owned();
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    assert!(told.contains("FAIL   configuration: cannot read"), "{told}");
    assert!(told.contains("fix: repair the file"), "{told}");
    assert!(told.contains("engine: "), "{told}");
}
