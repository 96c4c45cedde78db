/** The conversation page: opens an article beside the conversation at the quoted sentence, and keeps the reader's place. */

import "./answer.js";
import { edit, tidyAgain } from "./editing.js";
import { labels } from "./labels.js";
import { markQuote, scrollBehavior } from "./mark.js";
import "./refusals.js";

/** From this width on the article stands beside the conversation; below it covers it. The same figure is in page.css. */
const BESIDE = matchMedia("(min-width: 64rem)");

/* The panel */

let panel = null;
let opener = null;
let request = null;

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function buildPanel() {
  panel = element("dialog", "qa-panel");
  panel.id = "qa-panel";
  const close = element("button", "qa-close");
  close.type = "button";
  close.addEventListener("click", closePanel);
  panel.append(close, element("div", "qa-panel-body"));
  panel.addEventListener("close", closed);
  panel.addEventListener("click", (event) => {
    if (event.target === panel) closePanel(); // the ground behind the sheet
  });
  document.body.append(panel);
}

function body() {
  return panel.querySelector(".qa-panel-body");
}

function show(content, busy = false) {
  body().replaceChildren(content);
  body().toggleAttribute("aria-busy", busy);
}

function showMessage(text, busy) {
  const message = element("p", busy ? "qa-waiting" : "qa-message qa-problem", text);
  message.setAttribute("role", busy ? "status" : "alert");
  show(message, busy);
}

function closePanel() {
  panel?.close();
}

function closed() {
  request?.abort();
  document.documentElement.classList.remove("qa-reading");
  setExpanded(null);
  if (opener?.isConnected) opener.focus({ preventScroll: true });
  opener = null;
}

/** Tells which button's article is open, to the eye and to assistive technology. */
function setExpanded(button) {
  for (const other of document.querySelectorAll('[aria-expanded="true"].qa-cite, [aria-expanded="true"].qa-open')) {
    other.setAttribute("aria-expanded", "false");
  }
  button?.setAttribute("aria-expanded", "true");
  button?.setAttribute("aria-controls", "qa-panel");
}

/** Opens the article of a button whose value is "<article id> <start> <end>". */
async function openPanel(button) {
  if (!panel) buildPanel();
  const [id, start, end] = button.value.split(" ");
  request?.abort();
  request = new AbortController();
  opener = button;
  setExpanded(button);
  panel.setAttribute("aria-label", labels().panel);
  const close = panel.querySelector(".qa-close");
  close.setAttribute("aria-label", labels().close);
  close.title = labels().close;
  showMessage(labels().panel_loading, true);
  if (!panel.open) {
    if (BESIDE.matches) panel.show();
    else panel.showModal();
    document.documentElement.classList.add("qa-reading");
  }
  try {
    const response = await fetch(`/article/${id}/panel`, { signal: request.signal });
    if (!response.ok && response.status !== 404) throw new Error(`status ${response.status}`);
    const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
    show(parsed.body.firstElementChild);
    if (response.ok) reveal(Number(start), Number(end), quoteBy(button));
  } catch (error) {
    if (error.name !== "AbortError") showMessage(labels().panel_failed, false);
  }
}

/** The words that a button stands behind, as they were quoted; "" where it opens an article as a whole. */
function quoteBy(button) {
  return button.closest("blockquote, li")?.querySelector(".qa-words, .qa-excerpt")?.textContent ?? "";
}

function reveal(start, end, quote) {
  const mark = markQuote(body(), start, end, quote);
  if (!mark && quote) {
    const changed = element("p", "qa-note qa-changed", labels().panel_changed);
    changed.setAttribute("role", "status");
    body().prepend(changed);
  }
  if (!mark) return;
  const from = Number(mark.closest("[data-start]").dataset.start) + Array.from(mark.previousSibling?.textContent ?? "").length;
  for (const link of body().querySelectorAll(".qa-whole")) link.hash = `c${from}-${from + end - start}`;
  // Scrolls the text alone: scrollIntoView would move the conversation behind the panel too.
  const text = mark.closest(".qa-text");
  const room = text.getBoundingClientRect();
  const place = mark.getBoundingClientRect();
  if (place.bottom > room.bottom - room.height / 4) {
    const above = Math.max((room.height - place.height) / 3, 24);
    text.scrollTop += place.top - room.top - above;
  }
  mark.focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".qa-cite, .qa-open");
  if (!button) return;
  if (panel?.open && opener === button) closePanel();
  else openPanel(button);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && panel?.open && !event.defaultPrevented) closePanel();
});

// A panel that stood beside the conversation must become a sheet on a window made narrow, and the other way round.
BESIDE.addEventListener("change", () => {
  if (panel?.open && opener) {
    const button = opener;
    closePanel();
    openPanel(button);
  }
});

/* The conversation */

/** Asks what was searched for again, in all articles: a hidden button of the page's own does it and lifts the filter. */
function searchEverywhere(button) {
  edit(button.value);
  // Gradio takes the box's new text over after the event; a frame later the button finds it.
  requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById("qa-everywhere")?.click()));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".qa-edit, .qa-everywhere");
  if (button?.matches(".qa-edit")) edit(button.value);
  else if (button) searchEverywhere(button);
});

/** Makes the filter's text fields the browser's date fields, which write the same dates. */
function dateFields() {
  for (const field of document.querySelectorAll(".qa-date input:not([type=date])")) field.type = "date";
}

/** Tells assistive technology whether the filter is unfolded, which Gradio shows to the eye alone. */
function tellFolded() {
  const button = document.querySelector("#qa-filter > button");
  const expanded = String(button?.classList.contains("open"));
  if (button && button.ariaExpanded !== expanded) button.ariaExpanded = expanded;
}
document.addEventListener("click", () => requestAnimationFrame(tellFolded));

/** What the answer under way is stopped with; it comes with the turn that says that the articles are searched. */
let stopKey = "";

document.addEventListener("click", (event) => {
  if (!stopKey || !event.target.closest?.("#qa-stop")) return;
  // Where it fails the answer comes, which is what stopping it would have spared.
  fetch(`/stop/${stopKey}`, { method: "POST" }).catch(() => {});
});

let questions = 0;
let answers = 0;

function tidy() {
  dateFields();
  tellFolded();
  tidyAgain();
  const chat = document.getElementById("qa-chat");
  if (!chat) return;
  stopKey = chat.querySelector(".qa-stop-key")?.value ?? stopKey;
  const log = chat.querySelector('[role="log"]');
  // Only where it differs: setting it is itself a change that the observer reports.
  if (log && log.ariaLabel !== labels().log) log.ariaLabel = labels().log;
  // Gradio names each message by its own source text, tags included.
  for (const message of chat.querySelectorAll("[data-testid][aria-label]")) message.removeAttribute("aria-label");
  // Its sanitiser drops aria-label from our HTML, so the name comes along as the title.
  for (const button of chat.querySelectorAll("button[title]:not([aria-label])")) button.ariaLabel = button.title;
  const asked = chat.querySelectorAll(".qa-question");
  const answered = chat.querySelectorAll(".qa-answer");
  const grown = asked.length !== questions || answered.length !== answers;
  questions = asked.length;
  answers = answered.length;
  if (grown) asked[asked.length - 1]?.scrollIntoView({ block: "start", behavior: scrollBehavior() });
}

/** While an answer is awaited the box is shut and loses the focus; on a phone the focus would bring up the keyboard. */
function refocus(changes) {
  const opened = changes.find((change) => change.target.matches?.("#qa-box textarea") && !change.target.disabled);
  const free = [document.body, document.getElementById("qa-stop")].includes(document.activeElement);
  if (opened && free && matchMedia("(hover: hover)").matches) {
    opened.target.focus({ preventScroll: true });
  }
}

new MutationObserver((changes) => {
  tidy();
  refocus(changes);
}).observe(document.body, { childList: true, subtree: true, attributeFilter: ["disabled", "aria-label"] });
tidy();
