/** Puts a question back into the box: an earlier one, which is then asked anew in its place, or what was searched for. */

import { labels } from "./labels.js";

function box() {
  return document.querySelector("#qa-box textarea");
}

/** Sets one of Gradio's text fields as if it had been typed. */
function fill(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Which question the next one replaces: its number, or "" for none. Gradio sends it with the question. */
function replaces(number) {
  const field = document.querySelector("#qa-cut :is(input, textarea)");
  if (field && field.value !== number) fill(field, number);
}

/** Puts a text into the box, unless an answer is on its way. */
export function edit(text) {
  const field = box();
  if (!field || field.disabled) return false;
  fill(field, text);
  field.focus();
  field.setSelectionRange(text.length, text.length);
  return true;
}

function note() {
  return document.getElementById("qa-again-note");
}

/** Ends the changing of an earlier question; what was typed stays. */
function endAgain() {
  note()?.remove();
  for (const row of document.querySelectorAll(".qa-changing")) row.classList.remove("qa-changing");
}

function again(button) {
  if (!edit(button.parentElement.querySelector(".qa-question").textContent)) return;
  endAgain();
  replaces(button.value);
  const cancel = document.createElement("button");
  cancel.type = "button";
  cancel.textContent = labels().cancel;
  cancel.addEventListener("click", () => {
    replaces("");
    endAgain();
    edit("");
    button.focus({ preventScroll: true });
  });
  const told = document.createElement("p");
  told.id = "qa-again-note";
  told.setAttribute("role", "status");
  document.getElementById("qa-ask").prepend(told);
  told.append(`${labels().again_note} `, cancel);
  button.closest(".qa-asked").classList.add("qa-changing");
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".qa-again");
  if (button) again(button);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !note() || event.target !== box()) return;
  event.preventDefault();
  note().querySelector("button").click();
});

/** Once the question is on its way the box is shut, and nothing is being changed any more. */
export function tidyAgain() {
  if (note() && box()?.disabled) endAgain();
}
