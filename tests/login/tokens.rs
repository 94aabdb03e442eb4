//! Programs with a token, on the login as it is shipped: opencode's own client, its SDK
//! and curl.

use crate::harness::{Call, Finished, Instance, PATIENCE, Terminal, source, until};
use crate::login::page::{Browser, assert_cut, first_word};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;

/// A model that always says the same, in the image's perl.
const MODEL: &str = r#"
use IO::Socket::INET; $SIG{CHLD} = "IGNORE";
my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 8397, Listen => 9, ReuseAddr => 1) or die;
sub chunk { "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":$_[0],\"finish_reason\":$_[1]}]}\n\n" }
while (my $c = $s->accept) {
    next if fork;
    my $n = 0; my $body;
    while (<$c>) { $n = $1 if /^content-length: (\d+)/i; last if /^\r?\n$/ }
    read $c, $body, $n;
    $c->autoflush(1);
    print $c "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    print $c chunk("{\"role\":\"assistant\",\"content\":\"hello from the model\"}", "null");
    print $c chunk("{}", "\"stop\"") . "data: [DONE]\n\n";
    exit;
}"#;
const CONFIG: &str = r#"{"model":"fake/m","small_model":"fake/m","provider":{"fake":{"npm":"@ai-sdk/openai-compatible","name":"fake","options":{"baseURL":"http://127.0.0.1:8397/v1","apiKey":"x"},"models":{"m":{"name":"m"}}}}}"#;
/// Makes a session, lists sessions and hears an event, by both ways to show a token.
const SDK: &str = r#"
import { createOpencodeClient } from "./package/dist/client.js";
const { URL_: baseUrl, TOKEN: token } = process.env;
const basic = "Basic " + Buffer.from("alice:" + token).toString("base64");
for (const authorization of ["Bearer " + token, basic]) {
    const client = createOpencodeClient({ baseUrl, headers: { authorization } });
    const made = await client.session.create({ body: { title: "made by the sdk" } });
    if (made.error) throw new Error(JSON.stringify(made.error));
    const list = await client.session.list();
    if (!list.data.some((session) => session.id === made.data.id)) throw new Error("not listed");
    const events = await client.event.subscribe();
    for await (const event of events.stream) { console.log(event.type); break; }
}
process.exit(0);"#;

/// opencode and its SDK on this machine, in a home of their own.
pub(super) struct Programs {
    home: TempDir,
}

impl Programs {
    pub(super) fn get() -> Self {
        let home = tempfile::tempdir().unwrap();
        let client = home.path().join("client");
        std::fs::create_dir(&client).unwrap();
        let opencode = Call::new(source("image/fetch")).within(4 * PATIENCE).ok();
        let opencode = Path::new(opencode.stdout.trim());
        unpack(opencode, &client);
        let name = opencode.file_stem().unwrap().to_str().unwrap();
        let version = name.rsplit_once('-').unwrap().1;
        let sdk = format!("@opencode-ai/sdk@{version}");
        Call::new("npm")
            .args(["pack", "--silent", "--ignore-scripts", "--pack-destination"])
            .args([home.path().as_os_str(), sdk.as_ref()])
            .within(4 * PATIENCE)
            .ok();
        let sdk = home.path().join(format!("opencode-ai-sdk-{version}.tgz"));
        unpack(&sdk, home.path());
        std::fs::write(home.path().join("sdk.mjs"), SDK).unwrap();
        Self { home }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    fn call(&self, program: impl AsRef<std::ffi::OsStr>) -> Call {
        Call::new(program)
            .env("HOME", self.home.path())
            .env("NO_PROXY", "*")
            .env("no_proxy", "*")
            .env("OPENCODE_DISABLE_AUTOUPDATE", "1")
            .env("OPENCODE_DISABLE_MODELS_FETCH", "1")
    }

    fn opencode(&self) -> PathBuf {
        self.path("client/package/bin/opencode")
    }

    pub(super) fn run(&self, url: &str, user: &str, token: &str) -> Finished {
        self.call(self.opencode())
            .args(["run", "--attach", url, "-u", user, "-p", token, "say hello"])
            .run()
    }
}

fn unpack(tarball: &Path, into: &Path) {
    Call::new("tar")
        .args([Path::new("-xzf"), tarball, Path::new("-C"), into])
        .ok();
}

fn url(instance: &Instance) -> String {
    format!("http://127.0.0.1:{}", instance.port)
}

/// Starts the model, for everybody in the container.
pub(super) fn start_model(instance: &Instance) {
    instance.sh(&format!(
        "setsid perl -e '{MODEL}' </dev/null >/dev/null 2>&1 &"
    ));
}

/// Makes it the model of somebody's opencode.
pub(super) fn use_model(instance: &Instance, name: &str) {
    let folder = format!("/home/{name}/.config/opencode");
    instance.sh(&format!(
        "install -d -o {name} -g {name} -m 0700 /home/{name}/.config {folder}
         echo '{CONFIG}' >{folder}/opencode.json
         chown {name}:{name} {folder}/opencode.json"
    ));
}

/// GET of a path by curl, which reads the credentials from stdin; body and status.
fn get(instance: &Instance, path: &str, credentials: &str) -> String {
    Call::new("curl")
        .args(["--silent", "--noproxy", "*", "--config", "-"])
        .args(["--write-out", "\n%{http_code}", "--max-time"])
        .args([
            PATIENCE.as_secs().to_string(),
            format!("{}{path}", url(instance)),
        ])
        .input(credentials)
        .ok()
        .stdout
}

fn basic(user: &str, token: &str) -> String {
    format!("user = \"{user}:{token}\"\n")
}

fn bearer(token: &str) -> String {
    format!("header = \"Authorization: Bearer {token}\"\n")
}

/// A new token of somebody who is logged in, as the page shows it.
fn make(browser: &Browser, name: &str) -> String {
    let sent = browser.send("/_occ/account/token", &format!("name={name}&days=90"));
    assert!(sent.ends_with("303"), "{sent}");
    let page = browser.get("/_occ/account").stdout;
    let is_token = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let from = page.find("occ_").unwrap_or_else(|| panic!("{page}"));
    let token = page[from..].split(|c| !is_token(c)).next().unwrap();
    assert_eq!(token.len(), 47);
    let again = browser.get("/_occ/account").stdout;
    assert!(!again.contains(token) && again.contains(name), "shown once");
    token.to_owned()
}

fn logged_in<'a>(instance: &'a Instance, name: &str, password: &str) -> Browser<'a> {
    let browser = Browser::new(instance);
    browser.log_in_at_last(name, password);
    browser
}

#[test]
fn opencodes_own_programs_get_past_the_login() {
    let instance = Instance::shipped("programs");
    instance.add("alice", "alices-word");
    start_model(&instance);
    use_model(&instance, "alice");
    let token = make(&logged_in(&instance, "alice", "alices-word"), "laptop");
    let (url, programs) = (url(&instance), Programs::get());
    programs.run(&url, "alice", &token).exits(0);
    // What the client shows depends on how soon the model answers; what her opencode
    // keeps does not.
    let has_answer = || {
        let sessions = get(&instance, "/session", &bearer(&token));
        let sessions: serde_json::Value = serde_json::from_str(sessions.lines().next()?).ok()?;
        let path = format!("/session/{}/message", sessions[0]["id"].as_str()?);
        let messages = get(&instance, &path, &bearer(&token));
        messages.contains("hello from the model").then_some(())
    };
    until("the model's answer", has_answer);
    programs.run(&url, "bob", &token).exits(1);
    let sdk = programs
        .call("node")
        .args([programs.path("sdk.mjs")])
        .env("URL_", &url)
        .env("TOKEN", &token)
        .ok();
    assert_eq!(sdk.stdout, "server.connected\nserver.connected\n");
    let attach = format!(
        "stty cols 120 rows 40 && exec '{}' attach -u alice -p {token} {url}",
        programs.opencode().display()
    );
    // Her home and her model, on a screen elsewhere.
    let screen = programs
        .call("sh")
        .args(["-c", &attach])
        .env("TERM", "xterm-256color");
    let screen = Terminal::open(screen)
        .asks("Ask anything")
        .asks("/home/alice");
    drop(screen);
}

#[test]
fn a_token_is_good_until_it_is_revoked_or_its_account_ends() {
    let instance = Instance::shipped("tokens");
    instance.add("alice", "alices-word");
    let alice = logged_in(&instance, "alice", "alices-word");
    let token = make(&alice, "laptop");
    let is_good = |token: &str| {
        [basic("alice", token), bearer(token)].map(|shown| {
            let answer = get(&instance, "/path", &shown);
            answer.contains("\"home\":\"/home/alice\"") && answer.ends_with("\n200")
        })
    };
    assert_eq!(is_good(&token), [true, true]);
    for (path, shown) in [
        ("/path", basic("bob", &token)),
        ("/path", bearer(&token.replace("occ_", "occ_x"))),
        ("/path", basic("alice", "alices-word")),
        ("/_occ/account", basic("alice", &token)),
    ] {
        let answer = get(&instance, path, &shown);
        assert!(answer.ends_with("\n401"), "{path}: {answer}");
    }
    // A new container has the same tokens.
    instance.remove_container();
    instance.start();
    assert_eq!(is_good(&token), [true, true]);

    until("the last use is written", || {
        let list = instance.occ(["user", "token", "list", "alice"]).ok();
        list.prints("laptop")
            .stdout
            .contains(" from ")
            .then_some(())
    });
    let mut stream =
        Browser::new(&instance).stream_of(&["--header", &format!("Authorization: Bearer {token}")]);
    first_word(&mut stream);
    let revoked = instance
        .occ(["user", "token", "revoke", "alice", "--all"])
        .ok();
    revoked.prints("Token 'laptop' of 'alice' revoked.");
    assert_cut(&mut stream, Instant::now());
    assert_eq!(is_good(&token), [false, false]);

    let token = make(&alice, "phone");
    assert_eq!(is_good(&token), [true, true]);
    instance.add("bob", "bobs-word");
    instance.user(["disable", "alice"], "");
    until("the token's end", || {
        (is_good(&token) == [false, false]).then_some(())
    });
    instance.user(["enable", "alice"], "");
    logged_in(&instance, "alice", "alices-word");
    assert_eq!(is_good(&token), [false, false], "for good");
}
