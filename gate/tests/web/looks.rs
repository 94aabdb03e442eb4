//! Every page as people see it, on a phone and on a desk, light and dark: axe-core finds
//! nothing, nothing sticks out, and a picture of each is kept in target/screens.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64ct::{Base64, Encoding as _};
use occ_gate::wire::{SecondView, Token};
use serde_json::{Value, json};

use super::chromium::Chromium;
use super::harness::Gate;

const AXE: &str = "axe-core@4.14.1";
const AXE_SHA512: &str =
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==";
const SIZES: [(u32, u32); 2] = [(390, 844), (1280, 900)];
const ENTER: &str = "\u{e007}";

/// The rules of WCAG 2.2 AA, and what axe-core's makers hold to be best.
const FIND: &str = "const done = arguments[arguments.length - 1];
    axe.run(CONTEXT, { resultTypes: ['violations'] }).then(
        (found) => done(found.violations.map((one) => one.id + ': ' + one.help + ': '
            + one.nodes.map((node) => node.html + ' ' + node.failureSummary).join(' | '))),
        (error) => done(['axe-core: ' + error]));";
const STICKS_OUT: &str = "return document.documentElement.scrollWidth > window.innerWidth";

/// A page's address by a name of this machine: an address has no passkeys.
fn page(gate: &Gate, path: &str) -> String {
    format!("http://box.localhost:{}{path}", gate.address.port())
}

/// A browser that looks at pages with axe-core.
struct Looker {
    chromium: Chromium,
    axe: String,
}

impl Looker {
    fn start() -> Self {
        Self {
            chromium: Chromium::start(),
            axe: axe(),
        }
    }

    /// A browser with a session of alice's, on this page of hers.
    fn of_alice(gate: &Gate, path: &str) -> (Self, Token) {
        let looker = Self::start();
        let (token, _) = gate.alice();
        looker.chromium.open_as(&token, &page(gate, path));
        (looker, token)
    }

    /// Looks at the page that is open, in each size and scheme.
    fn look(&self, name: &str) {
        self.look_at(name, "document");
    }

    /// The same, at a part of it.
    fn look_at(&self, name: &str, context: &str) {
        self.chromium.script(&self.axe);
        let find = FIND.replace("CONTEXT", context);
        for (width, height) in SIZES {
            for scheme in ["light", "dark"] {
                self.show(width, height, scheme);
                let name = format!("{name}-{width}-{scheme}");
                self.keep(&name);
                assert_eq!(self.chromium.script(STICKS_OUT), false, "{name}");
                let found = self.chromium.script_until_done(&find);
                assert_eq!(found, json!([]), "{name}");
            }
        }
    }

    fn show(&self, width: u32, height: u32, scheme: &str) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        let scheme = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        let chromium = &self.chromium;
        // They would take 15 pixels of a picture.
        chromium.tell("Emulation.setScrollbarsHidden", &json!({ "hidden": true }));
        chromium.tell("Emulation.setDeviceMetricsOverride", &size);
        chromium.tell("Emulation.setEmulatedMedia", &json!({ "features": scheme }));
    }

    /// Keeps a picture of one section of the page, for docs/login.md.
    fn keep_section(&self, id: &str) {
        let (width, height) = SIZES[1];
        self.show(width, height, "light");
        let place = format!(
            "const place = document.querySelector('section[aria-labelledby={id}]').getBoundingClientRect();
            return {{ x: place.x + scrollX - 8, y: place.y + scrollY - 8, scale: 1,
                width: place.width + 16, height: place.height + 16 }}"
        );
        let place = self.chromium.script(&place);
        let section = json!({ "captureBeyondViewport": true, "clip": place });
        self.keep_as(&format!("section-{id}"), &section);
    }

    fn keep(&self, name: &str) {
        self.keep_as(name, &json!({ "captureBeyondViewport": true }));
    }

    fn keep_as(&self, name: &str, how: &Value) {
        let png = self.chromium.tell("Page.captureScreenshot", how);
        let png = Base64::decode_vec(png["data"].as_str().unwrap()).unwrap();
        let screens = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screens");
        std::fs::create_dir_all(&screens).unwrap();
        std::fs::write(screens.join(format!("{name}.png")), png).unwrap();
    }

    /// Types into fields and sends their form.
    fn send(&self, fields: &[(&str, &str)]) {
        for (field, text) in fields {
            let typed = Value::from(*text);
            let field = format!("document.getElementsByName('{field}')[0].value = {typed}");
            self.chromium.script(&field);
        }
        let (last, _) = fields.last().unwrap();
        self.chromium
            .script(&format!("document.getElementsByName('{last}')[0].focus()"));
        self.chromium.press(ENTER);
    }

    fn says(&self, text: &str) {
        let text = Value::from(text);
        let says = format!("return document.body.innerText.includes({text})");
        self.chromium.until(&text.to_string(), &says);
    }
}

/// The program, as npm has it; kept between runs once its sha512 is right.
fn axe() -> String {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("axe");
    let tarball = directory.join(format!("{}.tgz", AXE.replace('@', "-")));
    std::fs::create_dir_all(&directory).unwrap();
    if !tarball.exists() {
        run(Command::new("npm")
            .args(["pack", "--silent", "--ignore-scripts", AXE])
            .current_dir(&directory));
    }
    let digest = Command::new("openssl")
        .args(["dgst", "-sha512", "-binary"])
        .arg(&tarball)
        .output()
        .expect("openssl");
    let digest = Base64::encode_string(&digest.stdout);
    assert_eq!(digest, AXE_SHA512, "{}", tarball.display());
    run(Command::new("tar")
        .args(["-xzf", &tarball.display().to_string(), "package/axe.min.js"])
        .current_dir(&directory));
    let program: PathBuf = directory.join("package/axe.min.js");
    std::fs::read_to_string(program).unwrap()
}

fn run(command: &mut Command) {
    let output = command.output().expect("npm and tar");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn pages_of_the_login_are_for_everybody() {
    let gate = Gate::start();
    let looker = Looker::start();
    let url = |path: &str| page(&gate, path);
    looker.chromium.open(&url("/_occ/login"));
    looker.look("login");
    looker.send(&[("user", "alice"), ("password", "wrong")]);
    looker.says("User name or password is wrong.");
    looker.look("login-failed");

    gate.monitor.set(|state| state.logins.asks_for_code = true);
    looker.send(&[("user", "alice"), ("password", "secret")]);
    looker.says("Verification code");
    looker.look("code");
    gate.monitor.set(|state| state.logins.asks_for_code = false);

    gate.monitor
        .set(|state| state.logins.needs_new_password = true);
    looker.chromium.open(&url("/_occ/login"));
    looker.send(&[("user", "alice"), ("password", "secret")]);
    looker.says("Choose a new password");
    looker.look("renewal");
    looker.send(&[("new", "short"), ("again", "short")]);
    looker.says("too <short>");
    looker.look("renewal-failed");

    gate.monitor
        .set(|state| state.logins.first_code = Some("0123-4567-89AB"));
    looker.chromium.open(&url("/_occ/first"));
    looker.look("first-account");
    looker.chromium.open(&url("/_occ/nothing"));
    looker.look("no-such-page");
}

#[test]
fn pages_of_a_person_are_for_everybody() {
    let gate = Gate::start();
    let (looker, _) = Looker::of_alice(&gate, "/_occ/account");
    looker.look("account");
    looker.keep_section("opencode");
    looker.keep_section("sessions");
    looker.keep_section("passkeys");
    looker.send(&[("name", "laptop")]);
    looker.says("occ_");
    looker.look("account-token");
    looker.keep_section("tokens");
    looker.send(&[("old", "secret"), ("new", "short"), ("again", "short")]);
    looker.says("too <short>");
    looker.look("account-failed");
    gate.monitor.set(|state| {
        state.opencodes.output = vec!["fish: Unknown command: starship".to_owned()];
    });
    looker.chromium.open(&page(&gate, "/_occ/account"));
    looker.says("starship");
    looker.look("account-without-shell");
    looker.chromium.open(&page(&gate, "/_occ/terminal"));
    looker.chromium.until(
        "the terminal",
        "return !!document.querySelector('.xterm-rows')",
    );
    gate.monitor.set(|state| {
        let screen = b"alice@box:~$ git status\r\nOn branch main\r\nnothing to commit, working tree clean\r\nalice@box:~$ ";
        let shell = &state.terminals.shells[0];
        assert_eq!(rustix::io::write(shell, screen).unwrap(), screen.len());
    });
    looker.chromium.until(
        "the shell's words",
        "return document.querySelector('.xterm-rows').textContent.includes('nothing to commit')",
    );
    looker.look("terminal");
    gate.monitor.set(|state| state.terminals.shells.clear());
    looker.says("The shell has ended.");
    looker.look("terminal-ended");
}

#[test]
fn pages_of_the_second_step_are_for_everybody() {
    let gate = Gate::start();
    gate.monitor
        .set(|state| state.second.view = SecondView::Off);
    let (looker, _) = Looker::of_alice(&gate, "/_occ/account");
    looker.look("second-step");
    looker.send(&[("password", "secret")]);
    looker.says("Or type the key");
    looker.look("second-step-key");
    looker.keep_section("second");
    looker.send(&[("code", "000000")]);
    looker.says("That code is wrong.");
    looker.look("second-step-failed");
    looker.send(&[("code", "123456")]);
    looker.says("11111111");
    looker.look("second-step-on");
}

#[test]
fn pages_of_passkeys_are_for_everybody() {
    let gate = Gate::start();
    gate.monitor.set(|state| state.second.view = SecondView::On);
    let (looker, _) = Looker::of_alice(&gate, "/_occ/account");
    looker.says("Add a passkey");
    looker.look("passkeys");
    looker.chromium.script(
        "for (const [id, text] of [['name', 'phone'], ['password', 'guess'], ['code', '0']])
            document.querySelector('#passkey-' + id).value = text;
        document.querySelector('#passkey-add button').click()",
    );
    looker.says("That password or the code is wrong");
    looker.look("passkeys-failed");
}

#[test]
fn pages_about_opencode_are_for_everybody() {
    let gate = Gate::start();
    let (looker, _) = Looker::of_alice(&gate, "/_occ/nothing");
    let (_, cookie) = gate.alice();
    gate.monitor.set(|state| {
        state.opencodes.all.insert("alice".into(), None);
        state.opencodes.ahead = Some(3);
    });
    let wait = gate.ask("GET /", &[&cookie, "Accept: text/html"]).text();
    // It asks anew every second, in the midst of a look: shown without that.
    let wait = wait.replace("http-equiv=\"refresh\"", "name=\"refresh\"");
    let frames = looker.chromium.tell("Page.getFrameTree", &json!({}));
    let shown = json!({ "frameId": frames["frameTree"]["frame"]["id"], "html": wait });
    looker.chromium.tell("Page.setDocumentContent", &shown);
    looker.says("3 start before yours.");
    looker.look("starting");

    let bob = gate.monitor.session("bob");
    gate.monitor.set(|state| {
        state.opencodes.output = vec!["Error: EACCES: permission denied, mkdir".to_owned()];
    });
    looker.chromium.open_as(&bob, &page(&gate, "/"));
    looker.says("Your home directory is missing");
    looker.look("did-not-start");
}

/// Nothing is found in the others because nothing is wrong there.
#[test]
fn what_is_wrong_is_found() {
    let gate = Gate::start();
    let looker = Looker::start();
    looker.chromium.open(&page(&gate, "/_occ/login"));
    looker.chromium.script(&looker.axe);
    looker.chromium.script(
        "document.querySelector('label').remove();
        document.querySelector('h1').style.color = getComputedStyle(document.body).backgroundColor;",
    );
    let found = looker
        .chromium
        .script_until_done(&FIND.replace("CONTEXT", "document"))
        .to_string();
    for rule in ["label: ", "color-contrast: "] {
        assert!(found.contains(rule), "{rule}{found}");
    }
}

/// The bar is ours; the page around it is opencode's.
#[test]
fn bar_is_for_everybody() {
    let gate = Gate::start();
    let document = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>OpenCode</title></head><body></body></html>";
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{document}",
        document.len()
    );
    gate.opencode.play("/", head, "");
    let (looker, token) = Looker::of_alice(&gate, "/");
    let bar = "document.querySelector('occ-bar')";
    let handle = format!("{bar}?.shadowRoot.querySelector('#handle')");
    looker
        .chromium
        .until("the bar", &format!("return !!{handle}"));
    looker.chromium.script(&format!("{handle}.click()"));
    looker.look_at("bar", bar);
    gate.monitor.end(&token);
    let notice =
        format!("return {bar}.shadowRoot.querySelector('#notice').matches(':popover-open')");
    looker.chromium.until("the notice", &notice);
    looker.look_at("bar-ended", bar);
}
