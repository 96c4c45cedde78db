"""Page furniture out, title, outlet, date and author from it where they stand there.

The rules drop or split whole lines and end pieces of lines; what remains is the article as printed, one paragraph a
line. A text without furniture comes back unchanged, and cleaning twice changes nothing: the passes run until nothing
moves. Counted over 126,864 lines of German and English news, speech and reviews (WMT 2021 to 2024), twelve to a page:
278 lines change, of which 135 are headlines that become titles; most of the rest are furniture or glued sentences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qa.reading import furniture, imprint
from qa.reading.dates import read_dates
from qa.reading.glue import mend
from qa.reading.headline import drop_repeats, read_page_title, take_title
from qa.reading.lines import SENTENCE_END, Line, Page, Zones, key, read_lines
from qa.text import normalise

_FULL_STOP = re.compile(r"[.…][\"”“»«’‘)\]]*$")
_STOPS = re.compile(r"[.!?…][\"”“»«’‘)\]]*(?=\s|$)")
#: A caption before its credit has at most two sentences and this many code points (the one in the originals has 123;
#: a lead that is taken for a caption is lost, so the bound is tight); one with the credit in its line may be longer.
_CAPTION, _CAPTION_SENTENCES = 160, 2
_CREDITED_CAPTION = 280
#: Lines before and behind a would-be caption that show how long a paragraph is on this page.
_CAPTION_CONTEXT = 20
#: Longest list of other articles, in lines.
_LIST = 60
#: Longest teaser below, and longest headline in, a list of other articles.
_TEASER, _LINK = 260, 150
#: Longest line that is read as a byline, a date or a source.
_META_LENGTH = 200
#: The passes end when nothing moves, by the third on every page tried; the bound is for the unforeseen.
_PASSES = 12
#: A mark of advertising that a scraper left between two sentences of a line.
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?“”\"])\s+(?:WERBUNG|ANZEIGE|ADVERTISEMENT)\s+(?=[„“\"]?[A-ZÄÖÜ])")
_TRANSCRIPT = re.compile(
    r"(?:[(\[]?(?:Foto|Photo|Bild)\s?:\s?[A-ZÄÖÜ][\w/ ]{1,40}?[)\]]?\s+)?"
    r"[(\[]?(?:Nachrichtensprecher(?:in)?|Anmoderation|Moderator(?:in)?|Anchor|Newsreader|Presenter)(?:[)\]]\s?:?|\s?:)\s*"
)
_REPORT = re.compile(r"(?:(?<=[.!?“”\"])\s+|^)[(\[]?(?:Bericht|Report)(?:[)\]]\s?:?|\s?:)\s*(?=[„“\"A-ZÄÖÜ])")
_CREDIT_START = re.compile(
    r"(?:Foto|Photo|Bild)\s?:\s?(?:YONHAP|AFP|AP|dpa|DPA|REUTERS|EPA|IMAGO|APA)(?:/\w+)*(?:\s+News)?\s+(?=[„“\"]?[A-ZÄÖÜ])"
)
_SOURCE_END = re.compile(r"(?<=[.!?“”\"])\s+(?:Quelle|Source)\s?:.{2,90}$")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text without furniture.

    Attributes:
        text: Paragraphs parted by a blank line, in the form of `qa.text.normalise`.
        title: Headline found in or above the text and taken out of it, or None.
        outlet: Publisher named by the furniture, or None.
        published: ISO 8601 date or minute, or None.
        author: Names as printed, or None.
        removed: What was taken out, line by line.
    """

    text: str
    title: str | None
    outlet: str | None
    published: str | None
    author: str | None
    removed: tuple[str, ...]


def clean(text: str, *, title: str | None = None) -> Cleaned:
    """Take the furniture out of a text.

    Args:
        text: One paragraph a line or paragraphs parted by blank lines.
        title: The title, if it is known: it is taken out of the head of the text, and no other is looked for.
    """
    page = Page(read_lines(text), title=title, known=title is not None)
    for _ in range(_PASSES):
        before = [line.text for line in page.lines]
        for step in (_split, _drop_lines, _drop_captions, _drop_related, read_page_title, drop_repeats, take_title):
            step(page)
        if before == [line.text for line in page.lines]:
            break
    cleaned = normalise("\n\n".join(line.text for line in page.lines))
    return Cleaned(cleaned, page.title, page.outlet, page.published, page.author, tuple(page.removed))


def _split(page: Page) -> None:
    """Part what a scraper ran together inside a line: transcript labels, sign-offs, advertising marks, sentences."""
    if page.lines and (match := _TRANSCRIPT.match(page.lines[0].text)):
        page.cut(0, 0, match.end())
        for index in range(len(page.lines) - 1, -1, -1):
            if report := _REPORT.search(page.lines[index].text):
                page.cut(index, report.start(), report.end())
    elif page.lines and (match := _CREDIT_START.match(page.lines[0].text)):
        page.cut(0, 0, match.end())
    if page.lines and (signed := imprint.read_sign_off(page.lines[-1].text)):
        page.learn(signed.imprint)
        page.cut(len(page.lines) - 1, signed.start)
    if page.lines and (match := _SOURCE_END.search(page.lines[-1].text)):
        source = imprint.read_source(match[0].strip())
        if source:
            page.learn(source)
            page.cut(len(page.lines) - 1, match.start())
    for index in range(len(page.lines) - 1, max(-1, len(page.lines) - 3), -1):
        start = imprint.agency_start(page.lines[index].text)
        if start is not None:
            page.cut(index, start)
    page.lines = [part for line in page.lines for part in _parts(page, line)]


def _parts(page: Page, line: Line) -> list[Line]:
    """The line, or what is left of it: without marks between its sentences, glued sentences parted."""
    stretches = _BETWEEN_SENTENCES.split(line.text)
    page.removed += [mark.strip() for mark in _BETWEEN_SENTENCES.findall(line.text)]
    bare = [furniture.without_inline_credits(stretch) for stretch in stretches]
    pieces = [piece for stretch in bare for piece in mend(stretch)]
    return [line] if pieces == [line.text] else [Line(piece, line.touched) for piece in pieces]


def _drop_lines(page: Page) -> None:
    """Lines that are furniture by themselves, with what they say about the article."""
    zones = page.zones()
    count = len(page.lines)
    index = 0
    while index < len(page.lines):
        text = page.lines[index].text
        at = index + count - len(page.lines)
        furnished = _is_stray(page.lines[index], below=at > zones.below) or _is_furniture(text, zones, at)
        if furnished or (len(text) <= _META_LENGTH and _read_meta(page, text, zones, at)):
            page.drop(index)
        elif index and at < zones.above and (role := imprint.read_role(text, page.lines[index - 1].text)):
            page.learn(role)
            page.drop(index)
            if role.author:  # the name stood in the line above
                index -= 1
                page.drop(index)
        else:
            index += 1


def _is_stray(line: Line, *, below: bool) -> bool:
    """Whether the line is a count ("61") or, below the article, a tag ("Europe") beside furniture."""
    tag = below and line.is_entry and not furniture.is_related_heading(line.text)
    return line.touched and (tag or line.text.isdigit())


def _is_furniture(text: str, zones: Zones, at: int) -> bool:
    label = furniture.is_label(text, edge=zones.at_edge(at))
    return label or furniture.is_prompt(text) or furniture.is_residue(text)


def _read_meta(page: Page, text: str, zones: Zones, at: int) -> bool:
    """Whether the line names the outlet, the author, the date or the title; what it says is kept."""
    found = imprint.read_source(text) or imprint.read_copyright(text)
    if found is not None and found.outlet is None and furniture.is_credit(text):
        return False  # its caption goes with it: `_drop_captions`
    if found is None and at < zones.above:
        found = imprint.read_breadcrumb(text)
    if found is None and zones.near_edge(at):
        found = imprint.read_byline(text)
        if found is None:
            return _read_date_line(page, text, above=at < zones.above)
    if found is None:
        return False
    page.learn(found)
    return True


def _read_date_line(page: Page, text: str, *, above: bool) -> bool:
    dates = read_dates(text)
    if dates is None:
        return False
    rest = dates.rest.strip(" .,|·•–—-/()")
    byline = imprint.read_byline(rest) if rest else None
    place = re.fullmatch(r"[A-ZÄÖÜ][\w-]+(?: [A-ZÄÖÜ][\w-]+)?|[\w.-]+\.(?:de|com|net|org|at|ch)", rest)
    if rest and byline is None and not furniture.is_label(rest, edge=True) and not (place and above):
        return False
    if byline:
        page.learn(byline)
    page.published = page.published or dates.published
    return True


def _drop_captions(page: Page) -> None:
    """Picture credits, and the captions that belong to them."""
    index = 0
    while index < len(page.lines):
        text = page.lines[index].text
        if furniture.is_credit(text):
            page.drop(index)
            if furniture.is_bare_credit(text) and index < len(page.lines) and _is_caption_below(page.lines[index]):
                page.drop(index)
            elif index and _is_caption(page, index - 1):
                page.drop(index - 1)
                index -= 1
            continue
        start = furniture.credit_start(text)
        if start is not None and not _is_labelled(text, start):
            index = _drop_credited(page, index, start)
            continue
        index += 1


def _is_labelled(text: str, start: int) -> bool:
    """Whether the would-be credit is part of a clause: "… unter das Foto: Kim"."""
    before = text[:start].rstrip().rsplit(" ", 1)[-1]
    bracketed = text[start:].lstrip()[:1] in ("(", "[", "©")
    return not bracketed and bool(before) and before[-1].isalnum() and before.islower()


def _drop_credited(page: Page, index: int, start: int) -> int:
    """Take out a caption with its credit, or only the credit behind a paragraph; gives where to go on."""
    text = page.lines[index].text
    caption = text[:start].strip()
    copyright_line = imprint.read_copyright(text[start:].strip())
    if copyright_line:
        page.learn(copyright_line)
    if len(caption) > _CREDITED_CAPTION or len(_STOPS.findall(caption)) > _CAPTION_SENTENCES:
        page.cut(index, start)
        return index + 1
    page.drop(index)
    for near in (index, index - 1):
        if 0 <= near < len(page.lines) and key(page.lines[near].text) == key(caption) != key(page.title or ""):
            page.drop(near)
            index = min(index, near)
    return index


def _is_caption(page: Page, index: int) -> bool:
    """Whether the line before a credit describes the picture and is no part of the article."""
    line = page.lines[index]
    if len(line.text) > _CAPTION or len(_STOPS.findall(line.text)) > _CAPTION_SENTENCES:
        return False
    if index == 0 and line.is_heading:
        return False
    near = page.lines[max(0, index - _CAPTION_CONTEXT) : index + 1 + _CAPTION_CONTEXT]
    others = sorted(len(other.text) for other in near if other is not line and other.is_prose)
    first = index <= _CAPTION_CONTEXT and not any(other.is_prose for other in page.lines[:index])
    return bool(others) and (first or len(line.text) < others[len(others) // 2] / 2)


def _is_caption_below(line: Line) -> bool:
    return len(line.text) <= _CAPTION and not line.is_prose and not SENTENCE_END.search(line.text)


def _drop_related(page: Page) -> None:
    """Links to other articles: the heading of a list with the headlines below it, often up to the end."""
    index = 0
    while index < len(page.lines):
        line = page.lines[index]
        if _is_single_link(line.text):
            page.drop(index)
        elif furniture.is_related_heading(line.text):
            for _ in range(_links_below(page, index) + 1):
                page.drop(index)
        else:
            index += 1


def _is_single_link(text: str) -> bool:
    """``Lesen Sie auch: Headline``."""
    label, colon, headline = text.partition(":")
    if not colon:
        label, colon, headline = text.partition("|")
    return bool(colon and furniture.is_related_heading(label) and headline.strip() and not _FULL_STOP.search(headline))


def _links_below(page: Page, index: int) -> int:
    """How many lines below the heading belong to its list."""
    below = page.lines[index + 1 : index + 2 + _LIST]
    count = next((n for n, line in enumerate(below) if not _is_link(line)), len(below))
    teasers = below[1::2]
    prose_before = sum(line.is_prose for line in page.lines[max(0, index - 2 * _LIST) : index])
    if (
        count == 1
        and len(below) <= _LIST
        and len(teasers) > 1
        and all(_is_link(line) for line in below[::2])
        and all(not _is_link(line) and len(line.text) <= _TEASER for line in teasers)
        and prose_before > len(teasers)
    ):
        return len(below)
    return count


def _is_link(line: Line) -> bool:
    short = len(line.text) <= _LINK
    return line.text.endswith("?") if line.is_prose else short and not _FULL_STOP.search(line.text)
