// Passkeys on the login page and on the account page. It passes bytes between the gate and
// the authenticator and keeps nothing: the challenge's name is in a cookie that it can't see.
const $ = (id) => document.getElementById(id);

const decode = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
const encode = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

// The options for navigator.credentials, with a fresh challenge. One after the other: the
// cookie names the challenge that was asked for last.
let before = Promise.resolve();
function begin(path, body) {
  before = before.catch(() => {}).then(() => askFor(path, body));
  return before;
}

// What the server says instead of a challenge, for people: "no x\nhint: do y" → "No x. Do y."
class Refusal extends Error {
  constructor(said) {
    const lines = said.trim().split("\n").map((line) => line.replace(/^hint: /, ""));
    super(lines.map((line) => `${line.charAt(0).toUpperCase()}${line.slice(1)}.`).join(" "));
  }
}

async function askFor(path, body) {
  const answer = await fetch(path, { method: "POST", cache: "no-store", body });
  if (!answer.ok) throw new Refusal(await answer.text());
  const options = (await answer.json()).publicKey;
  options.challenge = decode(options.challenge);
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    for (const one of options[list] ?? []) one.id = decode(one.id);
  }
  if (options.user) options.user.id = decode(options.user.id);
  return options;
}

// The credential as text, for a field of a form. Not every browser has toJSON().
function text(credential) {
  const response = { userHandle: null };
  for (const field of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    const bytes = credential.response[field];
    if (bytes) response[field] = encode(bytes);
  }
  const { credProps } = credential.getClientExtensionResults();
  return JSON.stringify({
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credProps ? { credProps } : {},
  });
}

function send(form, credential) {
  form.elements.credential.value = encode(credential.rawId);
  form.elements.proof.value = text(credential);
  form.submit();
}

const trouble = $("passkey-trouble");
function tell(why) {
  trouble.textContent = why;
  trouble.hidden = false;
}

const words = {
  NotAllowedError: "It was cancelled, or it took too long. Try again.",
  InvalidStateError: "This device has a passkey of yours already.",
  NotSupportedError: "This device cannot keep passkeys of the kind that is needed here.",
  ConstraintError: "This device cannot keep passkeys, or cannot tell that it is you.",
};
const reason = (error) =>
  error instanceof Refusal
    ? error.message
    : (words[error.name] ?? `It did not work: ${error.message}.`);

// Does that when the form is sent; a second click does nothing while the first is at work.
function onSubmit(form, act) {
  let isBusy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    trouble.hidden = true;
    try {
      send(form, await act());
    } catch (error) {
      tell(reason(error));
      isBusy = false;
    }
  });
}

// The account page.
function offerToAdd(form) {
  const password = $("passkey-password");
  const code = $("passkey-code");
  onSubmit(form, async () => {
    const shown = new URLSearchParams({ password: password.value, code: code?.value ?? "" });
    // A code is good once.
    if (code) code.value = "";
    const publicKey = await begin("/_occ/passkey/begin-adding", shown);
    return navigator.credentials.create({ publicKey });
  });
}

// The login page. A challenge is good for two minutes and another tab's takes its place: one
// that is older, or was asked for before the tab was seen again, is asked for anew.
const RENEW = 100_000;

function seen() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
}

async function offerInTheField(form, waiting) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  while (!waiting.isOver) {
    await seen();
    waiting.controller = new AbortController();
    const { signal } = waiting.controller;
    const publicKey = await begin("/_occ/passkey/begin");
    if (waiting.isOver) return;
    const timer = setTimeout(() => waiting.controller.abort(), RENEW);
    try {
      send(form, await navigator.credentials.get({ publicKey, mediation: "conditional", signal }));
      return;
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

function offerToLogIn(form) {
  const waiting = { isOver: false, controller: new AbortController() };
  form.hidden = false;
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) waiting.controller.abort();
  });
  onSubmit(form, async () => {
    waiting.isOver = true;
    waiting.controller.abort();
    const publicKey = await begin("/_occ/passkey/begin");
    return navigator.credentials.get({ publicKey });
  });
  // The password is beside it: what fails here needs no words.
  offerInTheField(form, waiting).catch(() => {});
}

if (window.PublicKeyCredential && window.isSecureContext) {
  if ($("passkey-login")) offerToLogIn($("passkey-login"));
  if ($("passkey-add")) offerToAdd($("passkey-add"));
} else if ($("passkey-add")) {
  tell("This browser knows no passkeys.");
}
