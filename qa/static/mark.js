/** Marks a quote in an article. Offsets are code points into the article's text, as everywhere in article-qa. */

/** Index into a UTF-16 string of its n-th code point. */
function unitsBefore(text, codePoints) {
  let units = 0;
  let left = codePoints;
  for (const character of text) {
    if (left <= 0) break;
    units += character.length;
    left -= 1;
  }
  return units;
}

/**
 * Wraps the code points [start, end) in <mark> and takes away earlier marks.
 * @param {Element} root holds the paragraphs, each with its own offset in data-start
 * @returns {HTMLElement|null} the first mark, or null where the range is not in the text
 */
export function markRange(root, start, end) {
  let first = null;
  for (const paragraph of root.querySelectorAll("[data-start]")) {
    const text = paragraph.textContent;
    const offset = Number(paragraph.dataset.start);
    const from = unitsBefore(text, start - offset);
    const to = unitsBefore(text, end - offset);
    if (from >= to) {
      if (paragraph.firstElementChild) paragraph.textContent = text;
      continue;
    }
    const mark = document.createElement("mark");
    mark.textContent = text.slice(from, to);
    mark.tabIndex = -1;
    paragraph.replaceChildren(text.slice(0, from), mark, text.slice(to));
    first ??= mark;
  }
  return first;
}

/** "smooth", or "auto" for people who asked for less motion. */
export function scrollBehavior() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}
