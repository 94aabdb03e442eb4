//! The second step of the login as it is shipped: turned on and off on the account page,
//! kept over an update, ended by an administrator.

use crate::harness::{Call, Instance};
use crate::login::page::Browser;
use std::time::{SystemTime, UNIX_EPOCH};

const WORD: &str = "alices-word";

/// What a phone shows for a key, `ahead` steps of 30 s from now: RFC 6238.
fn code(key: &str, ahead: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let step = now.as_secs().cast_signed() / 30 + ahead;
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let key = format!("hexkey:{}", hex(&base32(key)));
    let made = Call::new("openssl")
        .args(["dgst", "-sha1", "-mac", "HMAC", "-macopt", &key])
        .input(step.to_be_bytes())
        .ok();
    let digest = made.stdout.trim().rsplit(' ').next().unwrap().to_owned();
    let nibble = |at: usize| usize::from_str_radix(&digest[at..=at], 16).unwrap();
    let from = 2 * nibble(39);
    let number = u32::from_str_radix(&digest[from..from + 8], 16).unwrap() & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

fn base32(text: &str) -> Vec<u8> {
    let value = |c: char| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap();
    let bits: Vec<usize> = text
        .chars()
        .flat_map(|c| (0..5).rev().map(move |bit| value(c) >> bit & 1))
        .collect();
    let byte = |bits: &[usize]| bits.iter().fold(0, |all, bit| all << 1 | bit);
    let bytes = bits.chunks_exact(8).map(byte);
    bytes.map(|byte| u8::try_from(byte).unwrap()).collect()
}

/// All that stands in `<code class="secret">` on a page.
fn secrets(page: &str) -> Vec<String> {
    let parts = page.split(r#"<code class="secret">"#).skip(1);
    let text = |part: &str| part.split('<').next().unwrap().to_owned();
    parts.map(text).collect()
}

/// A form of the account page; the page that follows.
fn told(browser: &Browser, path: &str, form: &str) -> String {
    let sent = browser.send(&format!("/_occ/account/{path}"), form);
    assert!(sent.ends_with("303"), "{sent}");
    browser.get("/_occ/account").stdout
}

/// A login with the right password; the status of the answer to the question.
fn log_in(browser: &Browser, code: &str) -> String {
    let page = browser.send("/_occ/login", &format!("user=alice&password={WORD}"));
    let number = page.split(r#"name="conversation" value=""#).nth(1);
    let number = number.and_then(|rest| rest.split('"').next());
    let number = number.unwrap_or_else(|| panic!("not asked: {page}"));
    let form = format!("conversation={number}&answer={code}");
    let answer = browser.send("/_occ/prompt", &form);
    answer.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn second_step_is_turned_on_kept_by_an_update_and_ended() {
    let instance = Instance::shipped("second");
    instance.add("alice", WORD);
    let alice = Browser::new(&instance);
    alice.log_in_at_last("alice", WORD);
    let page = told(&alice, "second-begin", &format!("password={WORD}"));
    assert!(page.contains("<svg"), "{page}");
    let key = secrets(&page).pop().unwrap();
    assert_eq!(key.len(), 32);
    // Her own programs see nothing of it.
    let seen = instance.exec_as("alice", ["ls", "/var/lib/occ-gate"]).run();
    assert_ne!(seen.code, Some(0), "{seen:#?}");
    let page = told(
        &alice,
        "second-confirm",
        &format!("code={}", code(&key, -1)),
    );
    let scratch = secrets(&page);
    assert_eq!(scratch.len(), 5, "{page}");
    let other = Browser::new(&instance);
    assert_eq!(other.log_in("alice", "wrong"), "403", "and not asked");
    assert_eq!(log_in(&other, &code(&key, 0)), "303");
    other.opencode();
    instance.remove_container();
    instance.start();
    assert_eq!(log_in(&Browser::new(&instance), &scratch[0]), "303");
    // The third question within half a minute is the last that is asked.
    let form = format!("password={WORD}&code={}", scratch[1]);
    let page = told(&alice, "second-end", &form);
    assert!(page.contains("The second step is off."), "{page}");
    Browser::new(&instance).log_in_at_last("alice", WORD);
}

#[test]
fn administrator_ends_it_for_who_lost_the_phone() {
    let instance = Instance::shipped("lost");
    instance.add("alice", WORD);
    let alice = Browser::new(&instance);
    alice.log_in_at_last("alice", WORD);
    let page = told(&alice, "second-begin", &format!("password={WORD}"));
    let key = secrets(&page).pop().unwrap();
    told(&alice, "second-confirm", &format!("code={}", code(&key, 0)));
    assert_eq!(log_in(&Browser::new(&instance), "000000"), "403");
    let ended = instance.occ(["user", "set", "alice", "--no-second-factor"]);
    ended.ok().prints("User 'alice' changed.");
    Browser::new(&instance).log_in_at_last("alice", WORD);
}
