//! A person at a browser: what they type and press on the login's own pages.

use serde_json::Value;

use crate::harness::chromium::{Browser, Browsers};

const ENTER: char = '\u{e007}';
/// The screen of the terminal's page, line by line.
pub(super) const SCREEN: &str = "[...document.querySelectorAll('.xterm-rows > div')]
    .map((line) => line.textContent).join('\\n')";
/// Secrets on the account page.
const SECRETS: &str = "[...document.querySelectorAll('code.secret')]
    .map((code) => code.innerText).join(' ')";

pub(super) struct Person<'a> {
    pub(super) browser: Browser,
    /// The login's address.
    pub(super) base: &'a str,
    pub(super) name: &'a str,
    pub(super) password: &'a str,
}

impl<'a> Person<'a> {
    /// Somebody in front of a new browser.
    pub(super) async fn at(
        browsers: &Browsers,
        base: &'a str,
        name: &'a str,
        password: &'a str,
    ) -> Self {
        Self {
            browser: browsers.open().await,
            base,
            name,
            password,
        }
    }

    pub(super) async fn open(&self, path: &str) {
        self.browser.open(&format!("{}{path}", self.base)).await;
    }

    /// Fills the form of that address in and sends it.
    pub(super) async fn fill(&self, action: &str, fields: &[(&str, &str)]) {
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| {
                let value = Value::from(*value);
                format!("form.elements['{name}'].value = {value};")
            })
            .collect();
        let script = format!(
            "const form = document.querySelector('form[action=\"{action}\"]'); {} form.requestSubmit();",
            fields.concat()
        );
        self.browser.script(&script).await;
    }

    /// Types name and password, and what the page asks for then, if it is to ask; ends at
    /// opencode's page.
    pub(super) async fn log_in(&self, asked: Option<&str>) {
        self.open("/").await;
        self.browser.says("Log in to opencode").await;
        let typed = [("user", self.name), ("password", self.password)];
        self.fill("/_occ/login", &typed).await;
        if let Some(code) = asked {
            self.browser.says("One more step").await;
            self.browser.keep("second-step-asked").await;
            self.fill("/_occ/prompt", &[("answer", code)]).await;
        }
        self.reaches_opencode().await;
    }

    pub(super) async fn reaches_opencode(&self) {
        let opencode = "return document.title === 'OpenCode' && location.pathname === '/'";
        self.browser.until("opencode's page", opencode).await;
    }

    pub(super) async fn log_out(&self) {
        self.open("/_occ/account").await;
        self.browser.says("Your account").await;
        self.fill("/_occ/logout", &[]).await;
        self.browser.says("Log in to opencode").await;
    }

    /// Asks for a passkey of the browser's authenticator, with this password.
    pub(super) async fn ask_for_passkey(&self, name: &str, password: &str) {
        self.open("/_occ/account").await;
        self.browser.says("Add a passkey").await;
        self.browser.press(true).await;
        let (name, password) = (Value::from(name), Value::from(password));
        let add = format!(
            "document.querySelector('#passkey-name').value = {name};
            document.querySelector('#passkey-password').value = {password};
            document.querySelector('#passkey-add button').click()"
        );
        self.browser.script(&add).await;
    }

    pub(super) async fn add_passkey(&self, name: &str) {
        self.ask_for_passkey(name, self.password).await;
        self.browser.says("The passkey is added.").await;
        self.browser.press(false).await;
        self.browser.keep("passkeys").await;
    }

    pub(super) async fn log_in_with_passkey(&self) {
        self.show_passkey("!location.pathname.startsWith('/_occ/')")
            .await;
    }

    /// Shows the login a passkey until this is so. Clicks again and again: the button is
    /// there once the script has run.
    pub(super) async fn show_passkey(&self, until: &str) {
        self.open("/_occ/login").await;
        self.browser.says("Log in to opencode").await;
        self.browser.press(true).await;
        let click = format!(
            "if ({until}) return true;
            const form = document.querySelector('#passkey-login');
            if (form && !form.hidden) form.querySelector('button').click();
            return false"
        );
        self.browser.until(until, &click).await;
        self.browser.press(false).await;
    }

    /// Makes a token, which the page shows once.
    pub(super) async fn make_token(&self, name: &str) -> String {
        self.open("/_occ/account").await;
        self.fill("/_occ/account/token", &[("name", name)]).await;
        let token = "const found = document.body.innerText.match(/occ_[A-Za-z0-9_-]{43}/);
            return found && found[0]";
        let token = self.browser.until("a token", token).await;
        token.as_str().unwrap().to_owned()
    }

    /// Turns the second step on; the key and the scratch codes.
    pub(super) async fn turn_second_step_on(
        &self,
        code: impl Fn(&str) -> String,
    ) -> (String, Vec<String>) {
        self.open("/_occ/account").await;
        let password = [("password", self.password)];
        self.fill("/_occ/account/second-begin", &password).await;
        let key = format!("return !!document.querySelector('.qr svg') && {SECRETS}");
        let key = self.browser.until("a key", &key).await;
        let key = key.as_str().unwrap().to_owned();
        self.browser.keep("second-step-key").await;
        let typed = [("code", code(&key))];
        let typed = typed.each_ref().map(|(name, code)| (*name, code.as_str()));
        self.fill("/_occ/account/second-confirm", &typed).await;
        self.browser.says("The second step is on.").await;
        self.browser.keep("second-step-on").await;
        let scratch = self.browser.script(&format!("return {SECRETS}")).await;
        let scratch = scratch.as_str().unwrap();
        let scratch: Vec<String> = scratch.split(' ').map(str::to_owned).collect();
        assert_eq!((key.len(), scratch.len()), (32, 5), "{scratch:?}");
        (key, scratch)
    }

    pub(super) async fn turn_second_step_off(&self, code: &str) {
        self.open("/_occ/account").await;
        let off = [("password", self.password), ("code", code)];
        self.fill("/_occ/account/second-end", &off).await;
        self.browser.says("The second step is off.").await;
    }

    /// Types a line, wherever the focus is.
    pub(super) async fn types(&self, line: &str) {
        use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
        let keys = KeyActions::new("keyboard".to_owned());
        let keys = line.chars().chain([ENTER]).fold(keys, |keys, key| {
            keys.then(KeyAction::Down { value: key })
                .then(KeyAction::Up { value: key })
        });
        self.browser.client.perform_actions(keys).await.unwrap();
    }

    /// Waits until the terminal's page shows a text.
    pub(super) async fn sees(&self, text: &str) {
        let quoted = Value::from(text);
        let shown = format!("return ({SCREEN}).includes({quoted})");
        self.browser.until(text, &shown).await;
    }
}
