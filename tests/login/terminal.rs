//! The gate's own terminal, in Chromium: it works when opencode does not.

use crate::harness::chromium::{Browser, with_browsers};
use crate::harness::{Instance, until};
use crate::login::person::{Person, SCREEN};

const ALICE: &str = "correct horse 7 battery";

async fn log_in(alice: &Person<'_>) {
    alice.open("/_occ/terminal").await;
    alice.browser.says("Log in to opencode").await;
    let typed = [("user", alice.name), ("password", alice.password)];
    alice.fill("/_occ/login", &typed).await;
    alice.sees("$").await;
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
    let base = instance.origin();
    with_browsers(instance.port, async |browsers| {
        let alice = Person::at(&browsers, &base, "alice", ALICE).await;
        log_in(&alice).await;
        alice
            .types("clear; echo \"i am $(id -u) at $PWD, $0\"")
            .await;
        alice
            .sees(&format!("i am {uid} at /home/alice, -bash"))
            .await;
        // Neither title nor clipboard are the program's.
        let escapes = "clear; printf '\\033]0;title\\007\\033]52;c;dGl0bGU=\\007'; echo en\"\"d";
        alice.types(escapes).await;
        alice.sees("end").await;
        let title = alice.browser.script("return document.title").await;
        assert_eq!(title, "Terminal · opencode");
        alice.browser.keep("terminal").await;

        alice.types("exit").await;
        ends(&alice.browser, "The shell has ended.").await;
        alice
            .browser
            .script("document.querySelector('#again').click()")
            .await;
        let fresh = format!("const s = {SCREEN}; return s.includes('$') && !s.includes('exit')");
        alice.browser.until("another shell", &fresh).await;
        alice
            .types("clear; setsid sleep 1000 & echo on\"\"ce more")
            .await;
        alice.sees("once more").await;
        instance.user(["disable", "alice"], "");
        ends(&alice.browser, "Your session has ended.").await;
    });
    until("alice's processes end", || {
        instance
            .sh("pgrep -u alice -l || true")
            .is_empty()
            .then_some(())
    });
}
