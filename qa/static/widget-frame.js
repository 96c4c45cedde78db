/**
 * The page inside the widget's frame: asks through the JSON API, shows quotes, opens articles.
 *
 * Whatever comes from an article or a person becomes a text node. Nothing is stored, in cookies or elsewhere. Messages
 * are taken from the page around the frame alone, and only where its origin may embed it; answers go to that origin.
 */
const SETTINGS = JSON.parse(document.querySelector('meta[name="qa-widget"]').content);
const OPTIONS = new URLSearchParams(location.search);
const LOCALE = (OPTIONS.get("locale") || navigator.language).toLowerCase().startsWith("de") ? "de" : "en";
const TEXTS = SETTINGS.texts[LOCALE];
const POPUP = OPTIONS.get("mode") === "popup";

/** Milliseconds without a byte after which a reply is given up: the server sends a sign of life every 10 s. */
const SILENCE = 30_000;
/** Milliseconds that the page around the frame has to hand over a token. */
const TOKEN = 10_000;
/** Titles offered as a first question where the host page names none. */
const STARTERS = 3;

const [talk, turns, welcome, reader, form, box, sendButton, said] = [
  "talk", "turns", "welcome", "reader", "ask", "box", "send", "said",
].map((id) => document.getElementById(id));

/* Small parts */

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function button(className, text, name, act) {
  return element("button", { type: "button", class: className, "aria-label": name, title: name, click: act }, text);
}

/** Puts values into a text's {names}. */
function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** `text` from one code point to another: the API counts those, JavaScript counts UTF-16 units. */
function slice(text, start, end) {
  return Array.from(text).slice(start, end).join("");
}

/** A day, a month or a year as people write it, with the time where there is one. */
function when(date) {
  const [, day, time] = /^(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:T(\d\d:\d\d))?/.exec(date ?? "") ?? [];
  if (!day) return date ?? "";
  const parts = day.split("-").length;
  const wanted = { year: "numeric", ...(parts > 1 && { month: "long" }), ...(parts > 2 && { day: "numeric" }) };
  const shown = new Intl.DateTimeFormat(TEXTS.locale, { ...wanted, timeZone: "UTC" }).format(new Date(day));
  return time ? fill(TEXTS.time, { date: shown, time }) : shown;
}

/** Joins what is known, each part apart from the others in its direction of writing. */
function joined(parts, between = " · ") {
  const known = parts.filter(Boolean).map((part) => (part instanceof Node ? part : element("bdi", {}, part)));
  return known.flatMap((part, n) => (n ? [between, part] : [part]));
}

/** A link to another site, or only its text where the address is not one of the web. */
function link(address, text) {
  let url = null;
  try {
    url = new URL(address);
  } catch {
    /* not an address */
  }
  if (!url || !/^https?:$/.test(url.protocol)) return text;
  return element("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, text);
}

/* The page around the frame */

let host = null;
let token = null;
let takeToken = null;

function tell(type, values) {
  if (host) parent.postMessage({ articleQA: 1, type, ...values }, host);
}

addEventListener("message", (event) => {
  if (parent === window || event.source !== parent) return;
  if (event.origin !== location.origin && !SETTINGS.origins.includes(event.origin)) return;
  if (event.data?.articleQA !== 1) return;
  const { type, question, token: given } = event.data;
  if (type === "hello") {
    host = event.origin;
    tell("ready");
  } else if (event.origin !== host) {
    return;
  } else if (type === "focus") {
    (reader.hidden ? box : reader.querySelector("button")).focus();
  } else if (type === "ask" && typeof question === "string") {
    closeReader();
    ask(question);
  } else if (type === "token") {
    takeToken?.(typeof given === "string" ? given : null);
  }
});

/** Asks the page around the frame for a token. */
function newToken() {
  if (!host) return Promise.resolve(null);
  return new Promise((resolve) => {
    takeToken = resolve;
    setTimeout(resolve, TOKEN, null);
    tell("token");
  });
}

/* Requests */

/** What went wrong: `name` of a text in `failures`, with the seconds to wait where the server told them. */
class Failure extends Error {
  constructor(name, seconds = 0) {
    super(fill(TEXTS.failures[name] ?? TEXTS.failures.other, { seconds: seconds || 2 }));
    this.name = name;
  }
}

/** A reply of the API, whose status is good; else a Failure is thrown, or AbortError after an `abort()`. */
async function request(path, options = {}) {
  const reply = await fetched(path, options);
  if (reply.ok) return reply;
  const problem = await reply.json().catch(() => ({}));
  const name = String(problem.type ?? "").split("/").pop();
  throw new Failure(TEXTS.failures[name] || name === "not-found" ? name : "other", Number(reply.headers.get("Retry-After")));
}

async function fetched(path, options) {
  if (!SETTINGS.bearer) return attempt(path, options);
  const fresh = token === null;
  if (fresh) token = await newToken();
  if (token === null) throw new Failure("no-token");
  const reply = await attempt(path, options);
  if (reply.status !== 401 || fresh) return reply;
  token = await newToken(); // the one before has run out
  if (token === null) throw new Failure("no-token");
  return attempt(path, options);
}

async function attempt(path, options) {
  const headers = { ...(options.body && { "Content-Type": "application/json" }) };
  if (token !== null) headers.Authorization = `Bearer ${token}`;
  try {
    return await fetch(path, { ...options, headers, cache: "no-store" });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Failure("offline");
  }
}

/** The events of a question: [name, data], the last one "answer"; a Failure where it ends otherwise. */
async function* events(question, history, stop) {
  let silence = setTimeout(() => stop.abort("silence"), SILENCE);
  const body = JSON.stringify({ question, history, stream: true });
  try {
    const reply = await request("api/ask", { method: "POST", body, signal: stop.signal });
    const stream = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await stream.read();
      if (done) throw new Failure("offline");
      clearTimeout(silence);
      silence = setTimeout(() => stop.abort("silence"), SILENCE);
      text += value;
      const blocks = text.split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const name = /^event: (.*)$/m.exec(block)?.[1];
        if (!name) continue;
        const data = JSON.parse(/^data: (.*)$/m.exec(block)[1]);
        if (name === "error") throw new Failure(data.type.split("/").pop());
        yield [name, data];
        if (name === "answer") return;
      }
    }
  } catch (error) {
    throw error instanceof Failure ? error : new Failure("offline");
  } finally {
    clearTimeout(silence);
  }
}

/* An answer */

function byline(source, askedIn) {
  const tongue = source.lang && source.lang !== askedIn ? element("span", { class: "lang" }, TEXTS.language[source.lang]) : null;
  const parts = joined([source.outlet, when(source.published), tongue]);
  return parts.length ? element("p", { class: "byline" }, ...parts) : null;
}

function heading(source) {
  if (!source.title) return element("h3", {}, TEXTS.untitled);
  return element("h3", { lang: source.lang, dir: "auto" }, source.title);
}

function cite(citation) {
  const { number, article_id: id, start, end, quote } = citation;
  const name = fill(TEXTS.cite_name, { number, title: citation.title ?? TEXTS.untitled });
  return button("cite", `[${number}]`, name, (event) => openReader(id, start, end, quote, event.currentTarget));
}

function opens(source, text, name, start, end) {
  const full = fill(name, { title: source.title ?? TEXTS.untitled });
  return button("open", text, full, (event) => openReader(source.article_id, start, end, source.text ?? "", event.currentTarget));
}

/** The words of a quote, the phrase that answers in bold. */
function words({ quote, highlight, lang }) {
  const made = element("span", { class: "words", lang });
  if (!highlight || highlight[0] >= highlight[1]) made.append(quote);
  else made.append(slice(quote, 0, highlight[0]), element("strong", {}, slice(quote, ...highlight)), slice(quote, highlight[1]));
  return made;
}

function quoteBlock(citation, repeats) {
  const others = repeats.filter((one) => one.same_as === citation.number);
  const sources = others.flatMap((one) => [" ", cite(one), " ", ...joined([one.outlet ?? one.title, when(one.published)], ", ")]);
  return [
    element("blockquote", { dir: "auto" }, words(citation), " ", cite(citation)),
    others.length ? element("p", { class: "note" }, TEXTS.says_too, ...sources) : null,
  ];
}

function alsoIn(also) {
  if (!also.length) return null;
  const items = also.map((one) => {
    const text = [one.outlet ?? one.title, when(one.published)].filter(Boolean).join(", ") || one.path;
    return element("bdi", {}, link(one.url, text));
  });
  return element("p", { class: "note" }, `${TEXTS.also_in} `, ...joined(items, "; "));
}

function sourceBlock(citations, repeats, askedIn) {
  const also = new Map(citations.flatMap((one) => one.also).map((one) => [one.path, one]));
  return element(
    "section", { class: "card" }, heading(citations[0]), byline(citations[0], askedIn),
    ...citations.flatMap((one) => quoteBlock(one, repeats)), alsoIn([...also.values()]),
  );
}

/** One line with every figure on which the articles differ, where it stands and of when it is. */
function differing(answer) {
  if (!answer.figures.length) return null;
  const items = answer.figures.map((figure) => {
    const source = answer.citations.find((one) => one.number === figure.citation);
    const day = source.published ? when(source.published.slice(0, 10)) : TEXTS.undated;
    const from = `${source.outlet ?? slice(source.title ?? TEXTS.untitled, 0, 40)}, ${day}`;
    return element("span", {}, element("bdi", { lang: source.lang }, figure.text), " ", cite(source), " (", element("bdi", {}, from), ")");
  });
  return element("p", { class: "differ" }, `${TEXTS.differ} `, ...joined(items, ", "));
}

function cited(text, answer) {
  const parts = text.split(/\[(\d+)\]/).map((part, n) => {
    const citation = n % 2 ? answer.citations.find((one) => one.number === Number(part)) : null;
    return citation ? cite(citation) : n % 2 ? `[${part}]` : part;
  });
  return element("span", { class: "cited" }, ...parts);
}

/** What a language model wrote over the quotes; its citations open as theirs do. */
function prose(answer) {
  const { text, model, complete, faults, message } = answer.prose ?? {};
  if (!answer.prose) return [];
  // Citations that stand together keep to the punctuation after them, which must not begin a line.
  const parts = text.split(/((?:\[\d+\])+[.,;:!?…]?)/).map((part, n) => (n % 2 ? cited(part, answer) : part));
  const dropped = faults.length === 1 ? TEXTS.left_out_one : fill(TEXTS.left_out_many, { count: faults.length });
  const note = !complete ? fill(TEXTS.writing, { model }) : text ? fill(TEXTS.written_by, { model }) : "";
  return [
    text ? element("p", { class: "prose-text", lang: answer.lang, dir: "auto" }, ...parts) : null,
    message ? element("p", { class: "note", lang: answer.lang }, message) : null,
    note ? element("p", { class: "note" }, note, complete && faults.length ? ` ${dropped}` : "") : null,
  ].filter(Boolean);
}

function filterWords({ since, until, outlets }) {
  const [from, to] = [since && when(since), until && when(until)];
  const dates = since && since === until ? from
    : since && until ? fill(TEXTS.between, { since: from, until: to })
    : since ? fill(TEXTS.since, { since: from })
    : until ? fill(TEXTS.until, { until: to }) : "";
  return [dates, outlets.join(", ")].filter(Boolean).join(" · ");
}

/** What was searched for and where, as far as it is not the question in all articles. */
function remarks(answer) {
  const parts = [];
  const search = answer.searched_for;
  const plain = (text) => text.split(/\s+/).filter(Boolean).join(" ");
  if (search.trim() && plain(search) !== plain(answer.question)) {
    const text = element("span", { lang: answer.lang, dir: "auto" }, fill(TEXTS.searched_for, { text: search }));
    parts.push(element("p", { class: "note" }, text, " ", button("open", TEXTS.edit, TEXTS.edit_name, () => edit(search))));
  }
  if (answer.only) {
    const text = element("bdi", {}, fill(TEXTS.only_articles, { filter: filterWords(answer.only) }));
    const lift = button("open", TEXTS.without_filter, TEXTS.without_filter_name, () => ask(search));
    parts.push(element("p", { class: "note only" }, text, " ", lift));
  }
  return parts;
}

function body(answer) {
  const shown = answer.citations.filter((one) => one.same_as === null);
  const repeats = answer.citations.filter((one) => one.same_as !== null);
  const groups = new Map();
  for (const one of shown) groups.set(one.article_id, [...(groups.get(one.article_id) ?? []), one]);
  const closest = answer.status === "abstained" ? answer.passages : [];
  return [
    ...remarks(answer),
    answer.message ? element("p", { class: "message", lang: answer.lang, dir: "auto" }, answer.message) : null,
    differing(answer),
    ...[...groups.values()].map((citations) => sourceBlock(citations, repeats, answer.lang)),
    closest.length ? element("h3", { class: "closest" }, TEXTS.closest) : null,
    ...closest.map((one) => element(
      "section", { class: "card" }, heading(one), byline(one, answer.lang),
      element("p", { class: "words", lang: one.lang, dir: "auto" }, one.text.replaceAll("\n\n", "\n")),
      opens(one, TEXTS.open_passage, TEXTS.open_passage_name, one.start, one.end),
    )),
    ...answer.articles.map((one) => element(
      "section", { class: "card" }, heading(one), byline(one, answer.lang),
      opens(one, TEXTS.whole_article, TEXTS.open_article_name, 0, 0),
    )),
  ].filter(Boolean);
}

/* The conversation */

const asked = [];
let running = null;

function edit(text) {
  box.value = text;
  grow();
  box.focus();
}

function refuse(text) {
  document.getElementById("refused")?.remove();
  if (text) form.before(element("p", { id: "refused", role: "alert" }, text));
}

async function ask(question) {
  const length = Array.from(question).length;
  refuse(null);
  if (!question.trim()) return refuse(TEXTS.question_empty);
  if (length > SETTINGS.limit) return refuse(fill(TEXTS.question_long, { length, limit: SETTINGS.limit }));
  running?.abort("another");
  const stop = new AbortController();
  running = stop;
  welcome.hidden = true;
  box.value = "";
  grow();
  const place = element("div", { class: "answer", "aria-busy": "true" }, element("p", { class: "note" }, TEXTS.searching));
  const turn = element("section", { class: "turn" }, element("h2", { dir: "auto" }, question), place);
  turns.append(turn);
  turn.scrollIntoView({ block: "start" });
  setBusy(true);
  try {
    await follow(question, place, stop);
  } catch (error) {
    place.querySelector(".note:only-child")?.remove();
    const stopped = stop.signal.aborted && stop.signal.reason !== "silence";
    if (stopped) place.append(element("p", { class: "note" }, TEXTS.stopped));
    else fail(error instanceof Failure ? error : new Failure("other"), question, turn, place);
    if (!(error instanceof Failure)) console.error(error);
  } finally {
    place.removeAttribute("aria-busy");
    if (running === stop) setBusy(false);
  }
}

/** Shows an answer as it comes: the quotes once, a writer's text above them as it grows. */
async function follow(question, place, stop) {
  const history = SETTINGS.history ? asked.slice(-SETTINGS.history) : [];
  const started = performance.now();
  const above = element("div", { class: "prose" });
  let shown = null;
  for await (const [name, answer] of events(question, history, stop)) {
    const { timings_ms: timings, prose: written, ...rest } = answer;
    const now = JSON.stringify(rest);
    // What has not changed is left alone: somebody may be reading it, or stand on one of its buttons.
    if (now !== shown) place.replaceChildren(above, ...body(answer));
    shown = now;
    above.replaceChildren(...prose(answer));
    if (name !== "answer") continue;
    asked.push(question);
    announce(answer);
    const quotes = answer.citations.filter((one) => one.same_as === null).length;
    tell("answer", { status: answer.status, quotes, ms: Math.round(performance.now() - started) });
  }
}

function fail(failure, question, turn, place) {
  const again = button("again", TEXTS.again, null, () => {
    turn.remove();
    ask(question);
    box.focus();
  });
  place.append(element("div", { class: "problem", role: "alert" }, element("p", {}, failure.message), again));
  tell("error", { type: failure.name, message: failure.message });
}

/** Tells assistive technology the finished answer, and nothing before it. */
function announce(answer) {
  const quotes = answer.citations.filter((one) => one.same_as === null);
  if (!quotes.length) return said.replaceChildren(element("span", { lang: answer.lang }, answer.message));
  const head = quotes.length === 1 ? TEXTS.found_one : fill(TEXTS.found_many, { count: quotes.length });
  said.replaceChildren(`${head} `, element("span", { lang: quotes[0].lang }, quotes[0].quote));
}

function setBusy(busy) {
  if (!busy) running = null;
  else said.replaceChildren();
  sendButton.textContent = busy ? TEXTS.stop : TEXTS.send;
}

function grow() {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, innerHeight / 3)}px`;
}

/* The article */

let opener = null;
let reading = null;

/** Opens an article over the conversation, marks the quote, which was the code points [start, end), and scrolls to it. */
async function openReader(id, start, end, quote, from) {
  reading?.abort();
  const stop = new AbortController();
  reading = stop;
  opener = from;
  const back = button("back", `← ${TEXTS.back}`, null, closeReader);
  const place = element("div", { class: "article", "aria-busy": "true" }, element("p", { class: "note" }, TEXTS.panel_loading));
  reader.replaceChildren(back, place);
  reader.hidden = false;
  for (const part of [talk, form]) part.hidden = true;
  back.focus();
  try {
    const reply = await request(`api/articles/${encodeURIComponent(id)}`, { signal: stop.signal });
    const article = await reply.json();
    const at = placeOf(article.text, start, end, quote);
    place.replaceChildren(...articleParts(article, at.start, at.end));
    if (quote && at.start === at.end) place.prepend(element("p", { class: "note", role: "status" }, TEXTS.panel_changed));
    const mark = place.querySelector("mark");
    mark?.scrollIntoView({ block: "center" });
    mark?.focus({ preventScroll: true });
  } catch (error) {
    if (!(error instanceof Failure)) return; // it was closed meanwhile
    const text = error.name === "not-found" ? TEXTS.not_found_text : error.message;
    const again = button("again", TEXTS.again, null, () => openReader(id, start, end, quote, from));
    place.replaceChildren(element("div", { class: "problem", role: "alert" }, element("p", {}, text), again));
    tell("error", { type: error.name, message: text });
  } finally {
    place.removeAttribute("aria-busy");
  }
}

/** Where a quote stands in an article that may have been edited since; an empty range where it is not there any more. */
function placeOf(text, start, end, quote) {
  if (!quote || slice(text, start, end) === quote) return { start, end };
  const at = text.indexOf(quote);
  if (at < 0) return { start: 0, end: 0 };
  const from = Array.from(text.slice(0, at)).length;
  return { start: from, end: from + Array.from(quote).length };
}

function articleParts(article, start, end) {
  const facts = joined([article.outlet, when(article.published), article.author]);
  const links = [article.url ? link(article.url, TEXTS.original) : null];
  // The article's own page asks for credentials that a link cannot carry.
  if (!SETTINGS.bearer) {
    const href = `article/${encodeURIComponent(article.id)}#c${start}-${end}`;
    links.unshift(element("a", { href, target: "_blank", rel: "noopener noreferrer" }, TEXTS.whole_article));
  }
  const shown = links.filter((one) => one instanceof Node);
  return [
    element("h1", { lang: article.title ? article.lang : LOCALE, dir: "auto" }, article.title ?? TEXTS.untitled),
    facts.length ? element("p", { class: "byline" }, ...facts) : null,
    shown.length ? element("p", { class: "links" }, ...shown) : null,
    alsoIn(article.also),
    element("div", { class: "text", lang: article.lang }, ...paragraphs(article.text, start, end)),
  ].filter(Boolean);
}

/** The paragraphs of a text, the code points [start, end) in <mark>. */
function paragraphs(text, start, end) {
  const from = slice(text, 0, start).length;
  const to = from + slice(text, start, end).length;
  let at = 0;
  return text.split("\n\n").map((part) => {
    const offset = at;
    at += part.length + 2;
    const [first, last] = [from, to].map((place) => Math.min(Math.max(place - offset, 0), part.length));
    const marked = first < last ? element("mark", { tabindex: "-1" }, part.slice(first, last)) : null;
    return element("p", { dir: "auto" }, ...(marked ? [part.slice(0, first), marked, part.slice(last)] : [part]));
  });
}

function closeReader() {
  if (reader.hidden) return;
  reading?.abort();
  reader.hidden = true;
  reader.replaceChildren();
  for (const part of [talk, form]) part.hidden = false;
  if (opener?.isConnected) {
    opener.scrollIntoView({ block: "nearest" });
    opener.focus({ preventScroll: true });
  } else {
    box.focus();
  }
}

/* The start */

function starters(questions) {
  const items = questions.map((question) => element("li", {}, element("button", { type: "button", class: "starter", dir: "auto", click: () => {
    ask(question);
    box.focus();
  } }, question)));
  if (items.length) welcome.append(element("p", { class: "note" }, TEXTS.starters), element("ul", {}, ...items));
}

async function offerStarters() {
  const given = OPTIONS.get("starters");
  if (given !== null) return starters(given.split("|").map((one) => one.trim()).filter(Boolean));
  try {
    const { articles } = await (await request(`api/articles?limit=${STARTERS}`)).json();
    starters(articles.filter((one) => one.title).map(({ title }) => fill(TEXTS.starter_question, { title })));
  } catch {
    // They are a courtesy; what is wrong is told where a question fails.
  }
}

function applyTheme() {
  const root = document.documentElement;
  if (["light", "dark"].includes(OPTIONS.get("theme"))) root.dataset.theme = OPTIONS.get("theme");
  const accent = OPTIONS.get("accent");
  if (!accent || !CSS.supports("color", accent)) return;
  root.style.setProperty("--fill", accent);
  sendButton.style.color = accent;
  const [r, g, b] = getComputedStyle(sendButton).color.match(/[\d.]+/g).map((part) => (part / 255) ** 2.2);
  sendButton.style.color = "";
  // Black or white, whichever stands out from the colour.
  root.style.setProperty("--on-fill", 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000" : "#fff");
}

function begin() {
  const title = OPTIONS.get("title") || SETTINGS.name;
  document.documentElement.lang = LOCALE;
  document.title = title;
  const heading = document.getElementById("title");
  heading.textContent = title;
  heading.classList.toggle("unseen", POPUP); // the dialog around the frame shows it
  document.getElementById("start").remove();
  form.querySelector("label").textContent = TEXTS.box_label;
  form.ariaLabel = TEXTS.box_label;
  box.placeholder = TEXTS.box_hint;
  welcome.append(element("p", {}, SETTINGS.written ? TEXTS.promise_written : TEXTS.promise));
  if (SETTINGS.logged) welcome.append(element("p", { class: "note logged" }, TEXTS.logged));
  applyTheme();
  setBusy(false);
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (running) running.abort("stopped");
    else ask(box.value);
  });
  box.addEventListener("input", grow);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!running) ask(box.value);
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    if (reader.hidden) tell("close");
    else closeReader();
  });
  offerStarters();
}

begin();
