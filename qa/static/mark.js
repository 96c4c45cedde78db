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

/**
 * Marks a quote where it stands now: the article may have been edited since it was quoted.
 * @param {string} quote what [start, end) was when it was quoted; "" where that is not known
 * @returns {HTMLElement|null} the first mark, or null where the article does not have the quote any more
 */
export function markQuote(root, start, end, quote) {
  const wanted = words(quote);
  const mark = markRange(root, start, end);
  const marked = [...root.querySelectorAll("mark")].flatMap((one) => words(one.textContent));
  if (!wanted.length || marked.join(" ") === wanted.join(" ")) return mark;
  // A quote may be a run of paragraphs: what parts them here is as long as in the article, and as good as any blank.
  let text = "";
  let length = 0;
  for (const paragraph of root.querySelectorAll("[data-start]")) {
    const gap = Number(paragraph.dataset.start) - length;
    const own = paragraph.textContent;
    text += "\n".repeat(Math.max(gap, 0)) + own;
    length += gap + Array.from(own).length;
  }
  const escaped = wanted.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  const found = new RegExp(escaped.join("\\s+"), "u").exec(text);
  if (!found) return markRange(root, 0, 0);
  const from = Array.from(text.slice(0, found.index)).length;
  return markRange(root, from, from + Array.from(found[0]).length);
}

function words(text) {
  return text.split(/\s+/).filter(Boolean);
}

/** "smooth", or "auto" for people who asked for less motion. */
export function scrollBehavior() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}
