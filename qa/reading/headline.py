"""The headline of a page: found where it is evident, taken out of the text, never made up."""

from __future__ import annotations

from qa.reading import furniture, imprint
from qa.reading.lines import Line, Page, key

#: Up to this length a line above the headline is a kicker ("Ukraine-Krieg"), set off by a colon; in code points.
_KICKER = 40
_DASHES = " – "
#: Lines of a headline that nothing else gives away, at most.
_BARE_HEAD = 2


def read_page_title(page: Page) -> None:
    """``Headline | Outlet`` above the body, where the headline stands again or the outlet is surely one."""
    for index, line in enumerate(page.lines[: page.above]):
        found = imprint.read_page_title(line.text)
        if found is None or found.title is None or found.outlet is None or furniture.is_label(found.outlet, edge=True):
            continue
        others = [key(other.text) for n, other in enumerate(page.lines[: page.above + 1]) if n != index]
        again = key(found.title) in others or key(found.title) == key(page.title or "")
        if again or ("|" in line.text and imprint.names_outlet(found.outlet)):
            page.learn(found)
            page.drop(index)
            return


def drop_repeats(page: Page) -> None:
    """A headline that stands twice, and lines that only repeat the title."""
    index = 1
    while index < len(page.lines):
        line, previous = page.lines[index], page.lines[index - 1]
        if not line.is_prose and key(line.text) == key(previous.text):
            page.drop(index)
        else:
            index += 1
    if page.title:
        for index in range(min(page.above + 1, len(page.lines)) - 1, -1, -1):
            if key(page.lines[index].text) == key(page.title):
                page.drop(index)
                if not page.known and all(line.is_entry for line in page.lines[:index]):
                    for _ in range(index):
                        page.drop(0)
                return


def take_title(page: Page) -> None:
    """A headline above the body, where it is evident."""
    if page.known or not page.above or page.above == len(page.lines):
        return
    body = page.lines[page.above].text.lstrip("„“\"»«'‚‘(")[:1]
    if not (body.isupper() or body.isdigit()):
        return
    head = page.lines[: page.above]
    if page.title is None and any(line.touched for line in head):
        _take_evident_title(page, head)
        if page.title is not None or len(head) != page.above:
            return
    # Without furniture around it, as a second cleaning would find it.
    if len(head) <= _BARE_HEAD and all(line.is_heading for line in head) and head[-1].is_statement:
        _entitle(page, 0, len(head))


def _take_evident_title(page: Page, head: list[Line]) -> None:
    """The first headline between furniture; the short lines above it are entries of a menu."""
    found = [n for n, line in enumerate(head) if line.is_heading and line.is_headline]
    if len(found) > 1 and imprint.names_outlet(head[found[0]].text) and head[found[0]].text.istitle():
        page.learn(imprint.Imprint(outlet=head[found[0]].text))
        page.drop(found[0])
        return
    first = found[0] if found else None
    if first is None or not all(line.is_entry for line in head[:first]):
        return
    for _ in range(first):
        page.drop(0)
    below = head[first + 1 :]
    if len(below) == 1 and imprint.is_name(below[0].text):
        page.drop(1)
        below = []
    _entitle(page, 0, 1 + (len(below) == 1 and below[0].is_heading))


def _entitle(page: Page, start: int, count: int) -> None:
    """Make lines of the head the title, or add them to it."""
    for line in page.lines[start : start + count]:
        kicker = page.title is not None and len(page.title) <= _KICKER and not page.title.endswith(("?", "!"))
        page.title = f"{page.title}{': ' if kicker else _DASHES}{line.text}" if page.title else line.text
    for _ in range(count):
        page.drop(start)
