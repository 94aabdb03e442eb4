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

// The options for navigator.credentials, with a fresh challenge.
async function begin(path) {
  const answer = await fetch(path, { method: "POST", cache: "no-store" });
  if (!answer.ok) throw new Error((await answer.text()).split("\n")[0]);
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
  const response = {};
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
const reason = (error) => words[error.name] ?? `It did not work: ${error.message}.`;

// The account page.
function offerToAdd(form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    trouble.hidden = true;
    try {
      const publicKey = await begin("/_occ/passkey/begin-adding");
      send(form, await navigator.credentials.create({ publicKey }));
    } catch (error) {
      tell(reason(error));
    }
  });
}

// The login page. A challenge is good for two minutes: an older one is asked for again.
const RENEW = 100_000;

function shown() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
}

async function offerInTheField(form, waiting) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  while (!waiting.isOver) {
    await shown();
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
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    trouble.hidden = true;
    waiting.isOver = true;
    waiting.controller.abort();
    try {
      const publicKey = await begin("/_occ/passkey/begin");
      send(form, await navigator.credentials.get({ publicKey }));
    } catch (error) {
      tell(reason(error));
    }
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
