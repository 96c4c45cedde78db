"""What stands between ``---`` lines at the top of a Markdown or text file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

import yaml

from qa.errors import BadFileError
from qa.reading.dates import parse_date
from qa.types import Lang

_FENCE = re.compile(r"\ufeff?\s{0,3}?---[ \t]*(?:\r\n?|\n)")
_END = re.compile(r"(?m)^(?:---|\.\.\.)[ \t]*\r?$")
_KEY = re.compile(r"\s*(?:#.*\n\s*)*[\"']?[A-Za-z_][\w -]{0,40}[\"']?\s*:(?:\s|$)")
_LIMIT = 20_000
_VALUE_LIMIT = 1000
_NULLS = frozenset(["", "~", "null", "Null", "NULL"])


@dataclass(frozen=True, slots=True)
class Meta:
    """What a file says about its text. ``published`` is ISO 8601, ``url`` http or https."""

    title: str | None = None
    outlet: str | None = None
    published: str | None = None
    lang: Lang | None = None
    author: str | None = None
    url: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The metadata of a text, and the text below it."""

    meta: Meta
    body: str


def split_front_matter(text: str) -> FrontMatter:
    """Part the front matter, if there is one, from the text.

    Unknown keys and values of the wrong kind are left out; a date that cannot be read and an address that is not http
    or https become None.

    Raises:
        BadFileError: It is not closed or is no YAML; the message names the line.
    """
    opening = _FENCE.match(text)
    if opening is None or not _KEY.match(text, opening.end()):
        return FrontMatter(Meta(), text)
    closing = _END.search(text, opening.end(), opening.end() + _LIMIT)
    if closing is None:
        raise BadFileError("the front matter that starts on line 1 is never closed with ---")
    values = _load(text[opening.end() : closing.start()])
    return FrontMatter(_meta(values), text[closing.end() :])


def _load(source: str) -> Mapping[Any, Any]:
    try:
        # BaseLoader builds nothing but strings, lists and mappings: a title "2024" or "No" stays as written, and an
        # impossible date is one field without a value, not a file that cannot be read.
        values = yaml.load(source, Loader=yaml.BaseLoader)  # noqa: S506 - safer than safe_load, see above
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise BadFileError(f"the front matter cannot be read: line {line}, {error.problem or 'not YAML'}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadFileError("the front matter that starts on line 1 cannot be read: it is not YAML") from error
    if not isinstance(values, Mapping):
        raise BadFileError("the front matter that starts on line 1 has no `key: value` lines")
    return values


def _meta(values: Mapping[Any, Any]) -> Meta:
    known = {field.name: _string(values.get(field.name), joined=field.name == "author") for field in fields(Meta)}
    published = known["published"]
    lang = (known["lang"] or "").casefold()
    return Meta(
        title=known["title"],
        outlet=known["outlet"],
        published=parse_date(published) if published else None,
        lang="de" if re.match("de|ger|deu", lang) else "en" if lang.startswith("en") else None,
        author=known["author"],
        url=valid_url(known["url"]),
        source=known["source"],
    )


def _string(value: object, *, joined: bool) -> str | None:
    if joined and isinstance(value, list):
        names = [name for name in (_string(item, joined=False) for item in value[:50]) if name]
        return ", ".join(names) or None
    if not isinstance(value, str) or value in _NULLS or len(value) > _VALUE_LIMIT:
        return None
    return " ".join(value.split()) or None


def valid_url(value: str | None) -> str | None:
    """The address, if it is http or https with a host and without blanks; else None."""
    if not value:
        return None
    try:
        parts = urlsplit(value.strip())
        usable = parts.scheme in ("http", "https") and parts.hostname
    except ValueError:
        return None
    return value.strip() if usable and not re.search(r"[\s<>\"\x00-\x1f]", value.strip()) else None
