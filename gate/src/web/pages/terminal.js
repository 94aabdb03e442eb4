// The terminal's page: xterm.js (MIT, /_occ/assets/xterm-license-….txt) at one end of a
// websocket. Nothing that the terminal shows changes the page: no title, no clipboard
// (OSC 52), no link is opened.
import { Terminal } from "./xterm.mjs";
import { FitAddon } from "./addon-fit.mjs";

const $ = (id) => document.getElementById(id);
const page = $("page");

// The page's policy lets no inline style in. xterm.js makes style elements: they get the
// nonce. It writes a character's colour as an attribute: a property is no inline style.
const createElement = document.createElement.bind(document);
document.createElement = (name, options) => {
  const element = createElement(name, options);
  if (name === "style") element.nonce = page.dataset.nonce;
  return element;
};

const setAttribute = Element.prototype.setAttribute;
HTMLElement.prototype.setAttribute = function (name, value) {
  if (name === "style") this.style.cssText = value;
  else setAttribute.call(this, name, value);
};

const dark = matchMedia("(prefers-color-scheme: dark)");
function theme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  return {
    background: colour("--field"),
    foreground: colour("--ink"),
    cursor: colour("--ink"),
    cursorAccent: colour("--field"),
    selectionBackground: dark.matches ? "#4a5a78" : "#b9cdf2",
    selectionInactiveBackground: dark.matches ? "#3a4048" : "#d5d9de",
  };
}

const fontSize = Math.max(12, parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.875);
const terminal = new Terminal({
  theme: theme(),
  fontSize,
  fontFamily: 'ui-monospace, "Cascadia Mono", Menlo, "DejaVu Sans Mono", "Liberation Mono", monospace',
  minimumContrastRatio: 4.5,
  scrollback: 5000,
  cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
  // A link in the output (OSC 8) is text.
  linkHandler: { activate() {}, allowNonHttpProtocols: false },
});
const fit = new FitAddon();
terminal.loadAddon(fit);
terminal.open($("screen"));
dark.addEventListener("change", () => { terminal.options.theme = theme(); });

// Connecting, and why it ended.

const LARGEST = 32 * 1024; // of one message; the server takes 64 KiB
const TELL_AFTER = 32 * 1024; // bytes on the screen; the server sends 256 KiB ahead
let socket = null;
const isOpen = () => socket !== null && socket.readyState === WebSocket.OPEN;

function connect() {
  $("over").hidden = true;
  fit.fit();
  const address = new URL("/_occ/terminal/socket", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.search = new URLSearchParams({ cols: terminal.cols, rows: terminal.rows });
  const own = new WebSocket(address);
  own.binaryType = "arraybuffer";
  let shown = 0;
  own.onmessage = ({ data }) => {
    if (typeof data === "string") return;
    terminal.write(new Uint8Array(data), () => {
      shown += data.byteLength;
      if (shown >= TELL_AFTER && own.readyState === WebSocket.OPEN) {
        own.send(JSON.stringify({ shown }));
        shown = 0;
      }
    });
  };
  own.onopen = () => { resize(); };
  own.onclose = ({ code }) => { if (socket === own) over(code); };
  socket = own;
  terminal.focus();
}

const SESSION_ENDED = 4001;
const WHY = {
  4000: ["The shell has ended.", "again"],
  [SESSION_ENDED]: ["Your session has ended.", "login"],
  4002: ["You have four terminals open. Close one, then start again.", "again"],
  4003: ["The terminal could not be opened. Ask your administrator to look at the log.", "again"],
};

function over(code) {
  const [why, way] = WHY[code] ?? ["The connection is lost.", "again"];
  $("why").textContent = why;
  $("again").hidden = way !== "again";
  $("login").hidden = way !== "login";
  // Loading the page again leads to the login if the session is over.
  $("again").dataset.reload = code in WHY ? "" : "yes";
  $("over").hidden = false;
  terminal.blur();
  $(way).focus();
  clearTimeout(timer);
  timer = setTimeout(look, EVERY);
}

// Whether the session is there, asked as the bar asks it: that does not count as using it.
// `occ user disable` kills the shell before the session ends, so the close code can't tell.
const SESSION = "/_occ/session";
const EVERY = 1500; // milliseconds between two questions
const PATIENCE = 10000; // milliseconds for an answer
let timer;
const shouldAsk = () => !$("over").hidden && $("login").hidden && !document.hidden;
async function look() {
  clearTimeout(timer);
  if (!shouldAsk()) return;
  const signal = AbortSignal.timeout(PATIENCE);
  const answer = await fetch(SESSION, { cache: "no-store", signal }).catch(() => null);
  if (!shouldAsk()) return;
  if (answer?.status === 401) over(SESSION_ENDED);
  else timer = setTimeout(look, EVERY);
}
document.addEventListener("visibilitychange", look);

$("again").addEventListener("click", () => {
  if ($("again").dataset.reload) {
    location.reload();
    return;
  }
  terminal.reset();
  connect();
});

// Typing and pasting.

const encoder = new TextEncoder();
function send(bytes) {
  if (!isOpen()) return;
  for (let at = 0; at < bytes.length; at += LARGEST) socket.send(bytes.subarray(at, at + LARGEST));
}

const ctrl = $("ctrl");
function holdCtrl(held) { ctrl.setAttribute("aria-pressed", String(held)); }
const isCtrlHeld = () => ctrl.getAttribute("aria-pressed") === "true";

terminal.onData((text) => {
  const code = text.length === 1 ? text.toUpperCase().charCodeAt(0) : 0;
  if (isCtrlHeld() && code >= 0x40 && code <= 0x5f) text = String.fromCharCode(code & 0x1f);
  holdCtrl(false);
  send(encoder.encode(text));
});
terminal.onBinary((text) => send(Uint8Array.from(text, (char) => char.charCodeAt(0))));

terminal.attachCustomKeyEventHandler((event) => {
  if (event.type !== "keydown" || !event.ctrlKey || !event.shiftKey || event.altKey) return true;
  if (event.code === "KeyC") {
    // xterm.js puts its selection into the event that this fires.
    if (terminal.hasSelection()) document.execCommand("copy");
    event.preventDefault();
    return false;
  }
  // The browser pastes by itself.
  if (event.code === "KeyV") return false;
  if (event.key === "Enter") {
    event.preventDefault();
    terminal.blur();
    page.querySelector("nav a").focus();
    return false;
  }
  return true;
});

const KEYS = { Esc: "\x1b", Tab: "\t", Up: "A", Down: "B", Right: "C", Left: "D" };
for (const button of $("keys").querySelectorAll("button")) {
  // The terminal keeps the focus, and a phone its keyboard.
  button.addEventListener("pointerdown", (event) => event.preventDefault());
  button.addEventListener("click", () => {
    const name = button.dataset.key;
    if (name === undefined) return;
    const arrow = KEYS[name].length === 1 && /[A-D]/.test(KEYS[name]);
    const prefix = terminal.modes.applicationCursorKeysMode ? "\x1bO" : "\x1b[";
    terminal.input(arrow ? prefix + KEYS[name] : KEYS[name]);
  });
}
ctrl.addEventListener("click", () => holdCtrl(!isCtrlHeld()));
if (navigator.clipboard?.readText) {
  $("paste").hidden = false;
  $("paste").addEventListener("click", async () => {
    terminal.paste(await navigator.clipboard.readText().catch(() => ""));
  });
}

const reader = $("reader");
reader.addEventListener("click", () => {
  const on = reader.getAttribute("aria-pressed") !== "true";
  reader.setAttribute("aria-pressed", String(on));
  terminal.options.screenReaderMode = on;
});

// Sizes.

function resize() {
  fit.fit();
  const { cols, rows } = terminal;
  if (isOpen()) socket.send(JSON.stringify({ resize: { cols: Math.min(cols, 1000), rows: Math.min(rows, 1000) } }));
}
new ResizeObserver(() => requestAnimationFrame(resize)).observe($("screen"));
function follow() {
  // With its keyboard up, a phone shows less of the page than the window is high.
  page.style.setProperty("--height", `${visualViewport.height}px`);
  scrollTo(0, 0);
}
if (window.visualViewport) {
  visualViewport.addEventListener("resize", follow);
  follow();
}

connect();
