/** The page of one article: #c<start>-<end> marks these code points and scrolls to them. */

import { markRange } from "./mark.js";

function follow() {
  const place = /^#c(\d+)-(\d+)$/.exec(location.hash);
  const [start, end] = place ? [Number(place[1]), Number(place[2])] : [0, 0];
  const mark = markRange(document, start, end);
  if (mark) {
    mark.scrollIntoView({ block: "center" });
    mark.focus({ preventScroll: true });
  }
}

addEventListener("hashchange", follow);
follow();
