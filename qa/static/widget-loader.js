/**
 * <script src=".../widget.js" defer></script>: a button, and a frame made when it is first opened; docs/WIDGET.md.
 * Messages go to that frame and the server's origin alone.
 */
(() => {
  "use strict";

  const script = document.currentScript ?? document.querySelector('script[src*="widget.js"]');
  if (!script.isConnected) return; // removed before it was loaded
  if (window.ArticleQA) return console.warn("article-qa: this page has the widget already");
  const options = script.dataset;
  const page = new URL("widget", script.src);
  const inline = options.mode === "inline";
  const tongue = options.locale || document.documentElement.lang || navigator.language || "";
  const locale = tongue.toLowerCase().startsWith("de") ? "de" : "en";
  const [open, close, down, again] = {
    de: ["Frage an die Artikel", "Schließen", "Die Auskunft ist von hier nicht zu erreichen.", "Noch einmal versuchen"],
    en: ["Ask the articles", "Close", "The answers cannot be reached from here.", "Try again"],
  }[locale];
  const title = options.title || open;
  const NARROW = "(max-width: 480px), (max-height: 480px)";
  /** Milliseconds for the frame to load, then for its script to answer. */
  const [LOADING, ANSWERING] = [20_000, 4_000];

  const STYLE = `
:host { all: initial; color-scheme: light dark; --line: light-dark(#8c8375, #80786c); }
:host([data-theme=light]) { color-scheme: light; }
:host([data-theme=dark]) { color-scheme: dark; }
* { box-sizing: border-box; font: 16px/1.4 system-ui, sans-serif; }
button { min-height: 44px; padding: 0 16px; border: 0; border-radius: 8px; cursor: pointer; }
.launch, .failed button { background: var(--fill, #1d5b6b); color: var(--on-fill, #fff); }
:focus-visible { outline: 3px solid light-dark(#1d5b6b, #8fc7d6); outline-offset: 2px; }
.launch, dialog { position: fixed; inset: auto 20px 20px auto; z-index: 2147483000; margin: 0;
  box-shadow: 0 4px 24px #0005; }
.launch { max-width: calc(100vw - 40px); padding: 10px 20px; border: 1px solid #fff8; border-radius: 24px; font-weight: 600; }
dialog { bottom: 80px; width: min(420px, 100vw - 40px); height: min(680px, 100dvh - 100px); padding: 0;
  max-width: none; max-height: none; overflow: hidden; border: 1px solid var(--line); border-radius: 14px;
  background: light-dark(#faf8f4, #191816); color: light-dark(#22201c, #ece7de); }
dialog[open] { display: flex; flex-direction: column; }
[data-at$=left] { right: auto; left: 20px; }
[data-at^=top] { top: 20px; bottom: auto; }
dialog[data-at^=top] { top: 80px; }
header { display: flex; align-items: center; border-bottom: 1px solid var(--line); }
h2 { flex: 1; min-width: 0; margin: 0; padding: 8px 16px; font-weight: 600; overflow-wrap: anywhere; }
header button { margin: 2px; background: none; color: inherit; font-size: 24px; }
.room { flex: 1; min-height: 0; height: 100%; color: light-dark(#22201c, #ece7de); }
.inline { border: 1px solid var(--line); }
iframe { display: block; width: 100%; height: 100%; border: 0; }
.failed { padding: 24px 16px; }
.failed button { display: block; margin-top: 16px; }
@media ${NARROW} { dialog[data-at] { inset: 0; width: 100%; height: 100%; border: 0; border-radius: 0; } }
@media print { .launch, dialog[open] { display: none; } }`;

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  const api = new EventTarget();
  const ended = new AbortController();
  const { signal } = ended;
  const place = element("div", { "data-theme": options.theme || "auto" });
  const root = place.attachShadow({ mode: "open" });
  const room = element("div", { class: "room" });
  const sheet = new CSSStyleSheet(); // the style-src of the host page needs no exception for it
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];

  let launch;
  let dialog;
  let frame;
  let ready = false;
  let timer;
  let waiting = [];
  let opener;
  let tokens;

  const emit = (name, detail) => api.dispatchEvent(new CustomEvent(name, { detail }));
  const send = (said) => frame?.contentWindow?.postMessage({ articleQA: 1, ...said }, page.origin);

  /** Sends now, or once the frame is ready. */
  function pass(said) {
    if (ready) send(said);
    else waiting.push(said);
  }

  function failAfter(ms) {
    clearTimeout(timer);
    timer = setTimeout(failed, ms);
  }

  function makeFrame() {
    const { starters, theme, accent } = options;
    const told = { mode: inline ? "inline" : "popup", locale, title, starters, theme, accent };
    for (const [key, value] of Object.entries(told)) if (value !== undefined) page.searchParams.set(key, value);
    ready = false;
    frame = element("iframe", { title, src: page.href });
    frame.addEventListener("load", () => {
      if (ready) return;
      send({ type: "hello" });
      failAfter(ANSWERING);
    });
    failAfter(LOADING);
    room.replaceChildren(frame);
  }

  function failed() {
    console.error(
      `article-qa: ${page.origin} does not answer inside this page. If the console names frame-ancestors, ` +
        `"${location.origin}" is missing in allowed_origins of its qa.toml; if frame-src, this page's CSP lacks it.`,
    );
    const retry = element("button", {}, again);
    retry.addEventListener("click", () => {
      makeFrame();
      frame.focus();
      pass({ type: "focus" });
    });
    frame = null;
    room.replaceChildren(element("div", { class: "failed", role: "alert" }, down, retry));
    if (dialog?.open) retry.focus();
    emit("error", { type: "unreachable", message: down });
  }

  function receive(event) {
    if (!frame || event.source !== frame.contentWindow || event.origin !== page.origin) return;
    if (event.data?.articleQA !== 1) return;
    const { articleQA, type, ...detail } = event.data;
    if (type === "ready") {
      clearTimeout(timer);
      ready = true;
      waiting.splice(0).forEach(send);
      emit("ready");
    } else if (type === "close") api.close();
    else if (type === "token") handOver();
    else emit(type, detail);
  }

  /** Gives the frame a token: from setToken, or from data-token-url. */
  async function handOver() {
    let token;
    try {
      if (tokens) token = typeof tokens === "function" ? await tokens() : tokens;
      else if (options.tokenUrl) {
        const address = new URL(options.tokenUrl, document.baseURI);
        if (address.origin !== location.origin) throw new Error("data-token-url is on another origin");
        const reply = await fetch(address, { cache: "no-store" });
        if (!reply.ok) throw new Error(`${address.pathname} replied ${reply.status}`);
        token = (await reply.text()).trim();
      }
    } catch (error) {
      console.error(`article-qa: no token: ${error.message}`);
    }
    send({ type: "token", token: token ? `${token}` : null });
  }

  /** Black or white, whichever stands out. */
  function readable(colour) {
    place.style.color = colour;
    const [r, g, b] = getComputedStyle(place).color.match(/[\d.]+/g).map((part) => (part / 255) ** 2.2);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000" : "#fff";
  }

  function build() {
    const at = options.position || "bottom-right";
    launch = element(
      "button", { class: "launch", "data-at": at, "aria-haspopup": "dialog", "aria-expanded": false }, title,
    );
    launch.addEventListener("click", () => (dialog.open ? api.close() : api.open()));
    const cross = element("button", { title: close, "aria-label": close }, "×");
    cross.addEventListener("click", api.close);
    const head = element("header", {}, element("h2", {}, title), cross);
    dialog = element("dialog", { role: "dialog", "aria-label": title, "data-at": at }, head, room);
    dialog.addEventListener("close", closed);
    dialog.addEventListener("keydown", (event) => event.key === "Escape" && api.close());
    root.append(launch, dialog);
    document.body.append(place);
    if (!options.accent || !CSS.supports("color", options.accent)) return;
    place.style.setProperty("--fill", options.accent);
    place.style.setProperty("--on-fill", readable(options.accent));
  }

  function buildInline() {
    const target = options.target && document.querySelector(options.target);
    if (!target) throw new Error(`article-qa: data-target "${options.target ?? ""}" is not on this page`);
    place.style.display = "block";
    place.style.height = target.clientHeight < 240 ? "36rem" : "100%";
    room.classList.add("inline");
    root.append(room);
    target.append(place);
    makeFrame();
  }

  function closed() {
    launch.setAttribute("aria-expanded", false);
    const active = document.activeElement;
    if (active === place || active === document.body) (opener?.isConnected ? opener : launch).focus();
  }

  api.open = () => {
    if (!dialog || dialog.open) return;
    const active = document.activeElement;
    opener = active === place || active === document.body ? launch : active;
    if (!frame) makeFrame();
    // Where it fills the window, the page behind it must be out of reach.
    if (matchMedia(NARROW).matches) dialog.showModal();
    else dialog.show();
    launch.setAttribute("aria-expanded", true);
    frame.focus();
    pass({ type: "focus" });
  };
  api.close = () => dialog?.close();
  api.ask = (question) => {
    api.open();
    pass({ type: "ask", question: `${question}` });
  };
  /** A token, or what gives one or a promise of one. */
  api.setToken = (given) => (tokens = given);
  api.destroy = () => {
    clearTimeout(timer);
    ended.abort();
    place.remove();
    if (window.ArticleQA === api) delete window.ArticleQA;
  };

  window.ArticleQA = api;
  addEventListener("message", receive, { signal });
  const begin = inline ? buildInline : build;
  if (document.readyState !== "loading") begin();
  else document.addEventListener("DOMContentLoaded", begin, { signal });
})();
