/** The row under an answer: copy it as Markdown, say whether it is right; and the whole conversation as a file. */

import { labels } from "./labels.js";

/** The reasons that `POST /api/feedback` knows and their texts, by the status of the answer. */
const REASONS = {
  answered: { "wrong passage": "why_passage", "not in the articles": "why_absent", "out of date": "why_old" },
  abstained: { missed: "why_missed" },
};
const REMARK_LIMIT = 500;
/** Milliseconds for which a button says that it has done its work. */
const SAID = 4000;

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** One line for the eye and for assistive technology at the end of the row. */
function say(row, text, lasting = false) {
  let line = row.querySelector(".qa-said");
  if (!line) {
    line = element("span", { className: "qa-said" });
    line.setAttribute("role", "status");
    row.append(line);
  }
  line.textContent = text;
  clearTimeout(line.timer);
  if (!lasting) line.timer = setTimeout(() => (line.textContent = ""), SAID);
}

/* Markdown. All text in it was escaped by the server, so "](/article/" can only be a link of ours. */

/** The answer of a copy button, with a writer's prose where there is some, as Markdown. */
function markdown(button) {
  const parts = [...document.querySelectorAll("#qa-chat .qa-prose-copy, #qa-chat .qa-copy")];
  const before = parts[parts.indexOf(button) - 1];
  const prose = before?.matches(".qa-prose-copy") ? before.value : "";
  const [question, ...rest] = button.value.split("\n\n");
  const blocks = prose ? [question, prose.trimEnd(), ...rest] : [question, ...rest];
  return blocks.join("\n\n").replaceAll("](/article/", `](${location.origin}/article/`);
}

/** Browsers give the clipboard to pages of https and localhost alone; the older way works on the others too. */
async function toClipboard(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = element("textarea", { value: text, className: "qa-clipboard" });
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  if (!copied) throw new Error("the browser refused");
}

async function copy(button) {
  const row = button.closest(".qa-tools");
  try {
    await toClipboard(markdown(button));
    say(row, labels().copied);
  } catch {
    say(row, labels().copy_failed);
  }
}

function download() {
  const now = new Date();
  const moment = now.toLocaleString(navigator.language, { dateStyle: "long", timeStyle: "short" });
  const answers = [...document.querySelectorAll("#qa-chat .qa-copy")].map(markdown);
  const text = [`# ${labels().conversation}, ${moment}`, `<${location.origin}/>`, ...answers]
    .map((part) => part.trim())
    .join("\n\n");
  const day = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0"));
  const address = URL.createObjectURL(new Blob([text], { type: "text/markdown;charset=utf-8" }));
  element("a", { href: address, download: `article-qa-${day.join("-")}.md` }).click();
  setTimeout(() => URL.revokeObjectURL(address), SAID);
}

/* Verdicts */

async function send(button, verdict) {
  const row = button.closest(".qa-tools");
  const body = JSON.stringify({ ...JSON.parse(button.value), ...verdict });
  try {
    const headers = { "Content-Type": "application/json" };
    const response = await fetch("/api/feedback", { method: "POST", headers, body });
    if (!response.ok) throw new Error(`status ${response.status}`);
    for (const thumb of row.querySelectorAll(".qa-thumb")) thumb.ariaPressed = String(thumb === button);
    say(row, labels().kept, true);
    return true;
  } catch {
    say(row, labels().not_kept, true);
    return false;
  }
}

let forms = 0;

function askWhy(button) {
  const answer = button.closest(".qa-answer");
  const open = answer.querySelector(".qa-why");
  if (open) {
    closeWhy(open, button);
    return;
  }
  const text = labels();
  const name = `qa-why-${(forms += 1)}`;
  const reasons = Object.entries(REASONS[JSON.parse(button.value).status] ?? {}).map(([value, label]) =>
    element("label", {}, element("input", { type: "radio", name, value, required: true }), ` ${text[label]}`),
  );
  const remark = element("textarea", { rows: 2, maxLength: REMARK_LIMIT });
  const cancel = element("button", { type: "button", className: "qa-cancel", textContent: text.cancel });
  const give = element("button", { type: "submit", className: "qa-give", textContent: text.give });
  const form = element(
    "form",
    { className: "qa-why" },
    element("fieldset", {}, element("legend", { textContent: text.why }), ...reasons),
    element("label", { className: "qa-remark" }, text.remark, remark),
    element("p", { className: "qa-note", textContent: text.kept_note }),
    element("div", { className: "qa-why-row" }, give, cancel),
  );
  if (reasons.length === 1) form.querySelector("input").checked = true;
  cancel.addEventListener("click", () => closeWhy(form, button));
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    closeWhy(form, button);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    give.disabled = true;
    const reason = form.querySelector("input:checked")?.value ?? null;
    if (await send(button, { verdict: "wrong", reason, remark: remark.value })) closeWhy(form, button);
    give.disabled = false;
  });
  answer.append(form);
  button.ariaExpanded = "true";
  form.querySelector("input")?.focus({ preventScroll: true });
  form.scrollIntoView({ block: "nearest" });
}

function closeWhy(form, button) {
  form.remove();
  button.ariaExpanded = "false";
  button.focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".qa-copy, .qa-thumb, #qa-download");
  if (!button) return;
  if (button.matches(".qa-copy")) copy(button);
  else if (button.matches("#qa-download")) download();
  else if (button.matches(".qa-up")) {
    button.closest(".qa-answer").querySelector(".qa-why")?.remove();
    send(button, { verdict: "right" });
  } else askWhy(button);
});
