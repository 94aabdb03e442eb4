//! The gate's own terminal, in Chromium: it works when opencode does not.

use crate::harness::chromium::{Browser, with_browsers};
use crate::harness::{Instance, until};

const ALICE: &str = "correct horse 7 battery";
/// What the terminal shows, line by line.
const SCREEN: &str = "[...document.querySelectorAll('.xterm-rows > div')]
    .map((line) => line.textContent).join('\\n')";
const ENTER: char = '\u{e007}';

async fn types(browser: &Browser, line: &str) {
    use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
    let keys = KeyActions::new("keyboard".to_owned());
    let keys = line.chars().chain([ENTER]).fold(keys, |keys, key| {
        keys.then(KeyAction::Down { value: key })
            .then(KeyAction::Up { value: key })
    });
    browser.client.perform_actions(keys).await.unwrap();
}

async fn shows(browser: &Browser, text: &str) {
    let quoted = serde_json::Value::from(text);
    let shown = format!("return ({SCREEN}).includes({quoted})");
    browser.until(text, &shown).await;
}

async fn log_in(browser: &Browser, base: &str) {
    browser.open(&format!("{base}/_occ/terminal")).await;
    browser.says("Log in to opencode").await;
    for (field, text) in [("#user", "alice"), ("#password", ALICE)] {
        let field = fantoccini::Locator::Css(field);
        let field = browser.client.find(field).await.unwrap();
        field.send_keys(text).await.unwrap();
    }
    let button = fantoccini::Locator::Css("button[type=submit]");
    let button = browser.client.find(button).await.unwrap();
    button.click().await.unwrap();
    shows(browser, "$").await;
}

async fn ends(browser: &Browser, why: &str) {
    let over = "return !document.querySelector('#over').hidden";
    browser.until(why, over).await;
    browser.says(why).await;
}

#[test]
fn a_terminal_works_while_opencode_does_not() {
    let instance = Instance::shipped("terminal");
    let uid = instance.add("alice", ALICE);
    let broken = "mkdir -p ~/.config/opencode; echo '{ x' > ~/.config/opencode/opencode.json";
    instance.exec_as("alice", ["sh", "-c", broken]).ok();
    let base = format!("http://{}.localhost:{}", instance.name, instance.port);
    with_browsers(instance.port, async |browsers| {
        let alice = browsers.open().await;
        log_in(&alice, &base).await;
        types(&alice, "clear; echo \"i am $(id -u) at $PWD, $0\"").await;
        shows(&alice, &format!("i am {uid} at /home/alice, -bash")).await;
        // Neither title nor clipboard are the program's.
        let escapes = "clear; printf '\\033]0;title\\007\\033]52;c;dGl0bGU=\\007'; echo en\"\"d";
        types(&alice, escapes).await;
        shows(&alice, "end").await;
        let title = alice.script("return document.title").await;
        assert_eq!(title, "Terminal · opencode");
        alice.keep("terminal").await;

        types(&alice, "exit").await;
        ends(&alice, "The shell has ended.").await;
        alice
            .script("document.querySelector('#again').click()")
            .await;
        let fresh = format!("const s = {SCREEN}; return s.includes('$') && !s.includes('exit')");
        alice.until("another shell", &fresh).await;
        types(&alice, "clear; setsid sleep 1000 & echo on\"\"ce more").await;
        shows(&alice, "once more").await;
        instance.user(["disable", "alice"], "");
        ends(&alice, "Your session has ended.").await;
    });
    until("alice's processes end", || {
        instance
            .sh("pgrep -u alice -l || true")
            .is_empty()
            .then_some(())
    });
}
