"""The closed classes of German and English grammar (data/conversation_words.toml)."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qa.types import Lang

_CLASSES = Path(__file__).parent.parent / "data" / "conversation_words.toml"
#: Classes that count whatever the language of the question: "and Russland?".
_IN_BOTH = frozenset({"connective"})
_AS_TYPED = {"ä": "ae", "ö": "oe", "ü": "ue"}


@cache
def _classes() -> dict[str, dict[str, str]]:
    tables: dict[str, dict[str, str]] = tomllib.loads(_CLASSES.read_text(encoding="utf-8"))
    return tables


@cache
def closed_class(lang: Lang, name: str) -> frozenset[str]:
    """The words of a class, case-folded, umlauts also as two letters; empty where a language has no such class."""
    langs = _classes() if name in _IN_BOTH else (lang,)
    listed = " ".join(_classes()[one].get(name, "") for one in langs).casefold().split()
    return frozenset(listed) | {re.sub("[äöü]", lambda letter: _AS_TYPED[letter[0]], word) for word in listed}
