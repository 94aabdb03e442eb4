// The bar of occ in opencode's page: a small button at the right edge that opens a menu, and
// a notice when the session has ended. It uses nothing of opencode's page and leaves nothing
// in it: one element beside <body>, with a shadow tree of its own.
(() => {
"use strict";
if (window.top !== window) return;

const main = () => {
  if (customElements.get("occ-bar")) return;

  const ACCOUNT = "/_occ/account";
  const TERMINAL = "/_occ/terminal";
  const RESTART = "/_occ/account/restart";
  const LOGOUT = "/_occ/logout";
  const LOGIN = "/_occ/login";
  const SESSION = "/_occ/session";
  // Milliseconds between two questions whether the session is there, and at most after
  // failures; an answer takes less than the rest of the two seconds.
  const EVERY = 1500;
  const SELDOM = 12000;
  const PATIENCE = 10000;

  const STYLE = `
    :host { all: initial; color-scheme: light dark; font: max(14px, .875rem)/1.4 system-ui, sans-serif; }
    button, a { all: unset; box-sizing: border-box; cursor: pointer; }
    :focus-visible { outline: 2px solid #3b82f6; outline-offset: -2px; }
    #handle {
      position: fixed; right: 0; top: calc(50% - 22px); width: 18px; height: 44px;
      z-index: 2147483647;
    }
    #handle::before {
      content: ""; position: absolute; right: 0; top: 4px; width: 6px; height: 36px;
      border-radius: 6px 0 0 6px; background: #8a8a8a; opacity: .7;
      transition: width .12s, opacity .12s;
    }
    #handle:hover::before, #handle:focus-visible::before, #handle[aria-expanded=true]::before {
      width: 12px; opacity: 1;
    }
    [popover] {
      box-sizing: border-box; border: 1px solid #8886; border-radius: 10px;
      background: Canvas; color: CanvasText; box-shadow: 0 4px 24px #0004;
    }
    #menu {
      inset: auto 24px auto auto; top: 50%; transform: translateY(-50%); margin: 0;
      padding: 6px; width: max-content; max-width: calc(100vw - 48px); max-height: 90vh;
      overflow: auto;
    }
    #name { margin: 4px 12px 6px; opacity: .75; font-size: .93em; overflow-wrap: anywhere; }
    #menu a, #menu button {
      display: flex; align-items: center; width: 100%; min-height: 40px; padding: 0 12px;
      border-radius: 6px;
    }
    #menu a:hover, #menu button:hover, #menu :focus-visible { background: #8883; }
    #notice {
      inset: 12px 12px auto 12px; margin: 0 auto; width: fit-content;
      max-width: calc(100vw - 24px); padding: 10px 10px 10px 16px; border-color: #d97706;
      border-width: 2px;
    }
    #notice > div { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px; }
    #notice a {
      min-height: 40px; padding: 0 14px; border-radius: 6px; display: flex;
      align-items: center; font-weight: 600; background: CanvasText; color: Canvas;
    }
    #notice :focus-visible { outline-offset: 2px; }
    @media (prefers-reduced-motion: reduce) { #handle::before { transition: none; } }
    @media (forced-colors: active) { #handle::before { background: ButtonText; opacity: 1; } }
    @media print { :host { display: none; } }
  `;

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };

  // The menu.
  const handle = make("button", {
    id: "handle", type: "button", "aria-haspopup": "menu", "aria-expanded": "false",
    "aria-controls": "menu", "aria-label": "Account, terminal and logout",
    title: "Account, terminal and logout",
  });
  const item = (tag, text, attributes = {}) =>
    make(tag, { role: "menuitem", tabindex: "-1", ...attributes }, text);
  const name = make("div", { id: "name", "aria-hidden": "true" });
  const accountItem = item("a", "Account", { href: ACCOUNT });
  const restartItem = item("button", "Restart my opencode", { type: "button" });
  const terminalItem = item("a", "Terminal", {
    href: TERMINAL, target: "_blank", rel: "noopener", "aria-label": "Terminal, in a new tab",
  });
  const logoutItem = item("button", "Log out", { type: "button" });
  const items = [accountItem, restartItem, terminalItem, logoutItem];
  const menu = make("div", { id: "menu", role: "menu", popover: "auto", "aria-label": "Account" },
    name, ...items);

  // The notice. The element is there before its text, so that screen readers tell it.
  const words = make("span");
  const link = make("a", { href: LOGIN });
  link.hidden = true;
  const notice = make("div", { id: "notice", popover: "manual" },
    make("div", { role: "alert" }, words));

  const isOpen = (element) => element.matches(":popover-open");

  const open = (index) => {
    if (!isOpen(menu)) menu.showPopover();
    items.at(index).focus();
  };
  const close = () => {
    if (isOpen(menu)) menu.hidePopover();
    handle.focus();
  };

  // A press outside has closed the menu by the time of the click.
  let wasOpen = false;
  handle.addEventListener("pointerdown", () => { wasOpen = isOpen(menu); });
  handle.addEventListener("click", () => {
    if (wasOpen || isOpen(menu)) close(); else open(0);
    wasOpen = false;
  });
  menu.addEventListener("toggle", (event) => {
    handle.setAttribute("aria-expanded", String(event.newState === "open"));
  });
  handle.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    open(event.key === "ArrowDown" ? 0 : -1);
  });
  menu.addEventListener("keydown", (event) => {
    const at = items.indexOf(shadow.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      items.at(next % items.length).focus();
    } else if (event.key === "Escape") {
      event.preventDefault();
      close();
    } else if (event.key === "Tab") {
      close();
    } else if (event.key === " " && at >= 0) {
      event.preventDefault();
      items[at].click();
    }
  });
  accountItem.addEventListener("click", close);
  terminalItem.addEventListener("click", close);

  const tell = (text, action, target) => {
    if (!isOpen(notice)) notice.showPopover();
    if (words.textContent === text) return;
    words.textContent = text;
    link.textContent = action;
    link.href = target;
    words.after(link);
    link.hidden = false;
  };
  const tellNothing = () => {
    words.textContent = "";
    link.remove();
    if (isOpen(notice)) notice.hidePopover();
  };

  const here = () => location.pathname + location.search;

  restartItem.addEventListener("click", async () => {
    close();
    if (!confirm("Restart your opencode? Agents and terminals in it stop.")) return;
    let said = "";
    try {
      const answer = await fetch(RESTART, {
        method: "POST", redirect: "manual", body: new URLSearchParams({ next: here() }),
      });
      if (answer.ok || answer.type === "opaqueredirect") return location.reload();
      said = await answer.text();
    } catch (error) {
      said = String(error);
    }
    tell(`Your opencode was not restarted: ${said.trim()}`, "Reload", here());
  });

  // A form of the page's, so that the browser shows whatever the answer is.
  logoutItem.addEventListener("click", () => {
    const form = make("form", { method: "post", action: LOGOUT });
    shadow.append(form);
    // By then the answer is there.
    addEventListener("pagehide", () => channel.postMessage(""), { once: true });
    form.submit();
  });

  // Whether the session is there. Tabs that nobody sees don't ask, and opencode's stream of
  // events says nothing about it: a connection for this would be one of the six that a
  // browser opens to a host, and each tab of opencode holds one of them already.
  let user;
  let timer;
  let asking = false;
  let again = false;
  let wait = EVERY;

  const judge = async (answer) => {
    if (answer.status === 401) {
      const login = `${LOGIN}?next=${encodeURIComponent(here())}`;
      tell("Your session has ended.", "Log in again", login);
    } else if (answer.ok) {
      const now = (await answer.json()).user;
      user ??= now;
      name.textContent = now;
      if (now === user) tellNothing();
      else tell(`You are logged in as ${now} now. This page is of ${user}.`, "Reload", "/");
    } else {
      throw new Error();
    }
  };

  const look = async () => {
    clearTimeout(timer);
    if (asking) { again = true; return; }
    asking = true;
    try {
      const signal = AbortSignal.timeout(PATIENCE);
      await judge(await fetch(SESSION, { cache: "no-store", signal }));
      wait = EVERY;
    } catch {
      // The server restarts, or the network is away. Neither ends a session.
      wait = Math.min(wait * 2, SELDOM);
    }
    asking = false;
    if (again) { again = false; return look(); }
    if (!document.hidden) timer = setTimeout(look, wait);
  };

  // The other tabs of this browser tell that something changed; the server says what.
  const channel = new BroadcastChannel("occ-bar");
  channel.addEventListener("message", look);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer); else look();
  });
  for (const event of ["pageshow", "online", "focus"]) {
    addEventListener(event, () => { if (!document.hidden) look(); });
  }

  let shadow;
  class Bar extends HTMLElement {
    constructor() {
      super();
      shadow = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      shadow.adoptedStyleSheets = [sheet];
      shadow.append(handle, menu, notice);
    }
  }
  customElements.define("occ-bar", Bar);
  const bar = document.createElement("occ-bar");
  const attach = () => { if (!bar.isConnected) document.documentElement.append(bar); };

  attach();
  // Beside <body>, where a page that replaces its body leaves it alone.
  new MutationObserver(attach).observe(document, { childList: true });
  new MutationObserver(attach).observe(document.documentElement, { childList: true });
  // The page was answered a moment ago: there is a session.
  timer ??= setTimeout(look, EVERY);
};

// After the page has loaded, which then takes no longer than without the bar; but not never,
// if something that it loads hangs.
if (document.readyState === "complete") return main();
addEventListener("load", main, { once: true });
addEventListener("DOMContentLoaded", () => setTimeout(main, 5000), { once: true });
})();
