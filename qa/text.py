"""Normalising, sentence spans, word tokens and the language of a text.

`sentences` is our own splitter: a stop ends a sentence unless the words around it say otherwise. We compared it with
three libraries: share right of 86 German and 32 English hard cases (tests/data/sentences_de_en.jsonl; the rules were
written with them in view), boundary F1 on 1,200 runs of five lines of WMT sources and translations a language,
joined by blanks and split again (not in view; a line may hold several sentences, so 1 is out of reach: of 200 of our
boundaries inside lines, 8 were wrong), and speed on those, in million characters a second on one shared core.

    ================  =======  =======  =======  =======  =====
    splitter          de hard  en hard  de F1    en F1    speed
    ================  =======  =======  =======  =======  =====
    this one          1.000    1.000    .9737    .9521      6
    sentencex 1.0.32  .791     .906     .9614    .9493     30
    syntok 1.4.4      .733     .781     .9466    .9457      1.2
    pysbd 0.3.4       .721     .938     .9628    .9448      0.2
    ================  =======  =======  =======  =======  =====

`language` sums weights of letter n-grams (data/language_ngrams.json, made by `qa.train.language`). Accuracy on 120
short questions of ours (tests/data/questions_de_en.tsv), the 1,308 of OMoS-QA train and dev, the 2,380 of XQuAD, and
on the last two words, lower-cased, of those of OMoS-QA train and of XQuAD, which is how people search. No question
was trained on. Lingua would add 96 MB.

    ============  =====  =====  =====  =========  ==========
    detector      ours   OMoS   XQuAD  OMoS tail  XQuAD tail
    ============  =====  =====  =====  =========  ==========
    this one      .992   .9992  .9979  .963       .955
    lingua 2.1.1  .975   .9801  .9912  .946       .926
    py3langid .4  .967   1.000  .9996  .873       .906
    ============  =====  =====  =====  =========  ==========
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

from qa.types import Lang, Span

_DATA = Path(__file__).parent / "data"

_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028]")
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_BLANKS = re.compile(r"[^\S\n]+")
_HYPHENATED = re.compile(r"\xad[^\S\n]*\n(?=[a-zäöüß])")
_PARAGRAPH_BREAK = re.compile(r"\n\s*\n")

_QUOTES = "\"'„“”‚‘’»«›‹"
_CLOSING = re.escape("\"'”“’‘»«›‹") + r")\]}"
_END = re.compile(rf"[.!?…]+[{_CLOSING}]*(?:\[\d{{1,3}}\])*|\n")
_BRACKET = re.compile(rf"[(\[)\]]|[.!?…]+[{_CLOSING}]*|\n")
# What may stand between a stop and the next word; bounded, so that a run of dashes is not read again and again.
_NEXT = re.compile(rf"[\s{re.escape(_QUOTES)}(\[{{–—•*·¿¡-]{{0,12}}([^\W_]*)")
_TO_BLANK = re.compile(r"\S{0,40}")
_DASH = re.compile(r"\s[-–—]")
# Ends like an initial or the number of a king, but is a unit ("90 km/h", "5 m") or a type ("Cheongung-II").
_UNIT = re.compile(r"(?:\d\s[ghlmst]|/[a-z]|\w\w-[IVXLC]+)$")
_LETTERS = re.compile(r"(?<!\w)(?:[^\W\d_]\.\s?)*[^\W\d_]$")
_LAST_WORD = re.compile(rf"[^\s\-–—/(\[{re.escape(_QUOTES)}]*$")
_GLUED = re.compile(rf"[{re.escape(_QUOTES)}]?[A-ZÄÖÜ][a-zäöüß]{{2}}")
_ROMAN = re.compile(r"[IVXLC]+$")
_VOWEL = re.compile(r"[aeiouyäöü]", re.IGNORECASE)
_ORDINALS_BEFORE = re.compile(r"\d\.\s+(?:und|oder|bis|,|/)\s*$")

_MONTHS = "januar|jänner|februar|feber|märz|april|mai|juni|juli|august|september|oktober|november|dezember"
_ITEM = re.compile(rf"\s*(?:[-–—•*·‣▪]\s|\(?\d{{1,3}}[.)]\s(?!(?i:{_MONTHS})\b))")
_ORDINAL_RIGHT = re.compile(
    rf"(?:{_MONTHS}|jan|feb|mär|apr|jun|jul|aug|sept?|okt|nov|dez|fc|sc|sv|fsv|tsv|ss|aufl|jh|jhdt?|.*(?:jahrhundert|"
    r"jahrtausend|weltkrieg|weltkrieges|klasse|platz|tage?|mal|liga|stock|minute|auflage|etage|bezirk|runde|akt|kapitel|"
    r"lebensjahr|staffel|position|division|regiment|bataillon|brigade|armee|korps|präsident|spiel|linie|sitzung|"
    r"woche|semester|stufe|rang|ausgabe|saison|periode))(?:e?s)?$"
)
_DAY_OR_ZONE = re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|[ecmp][sde]?t|gmt|utc|bst|cest")
_NO_STARTERS = frozenset({"s", "t", "d", "m", "ll", "re", "ve", "may", "will", "am", "us", "an", "man", "war", "je"})
_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ẞ": "SS"})
_CONTENT_ELSEWHERE = frozenset({"war", "die", "man", "hat", "bin", "gab", "not", "most"})
_DOMAINS = frozenset({"com", "org", "net", "info", "online", "html"})

#: How far a word list looks back from a stop; longer than any entry and its neighbour.
_LOOK_BACK = 40
#: Brackets longer than this are taken for text of their own; also bounds the damage of one that is never closed.
_BRACKET_LENGTH = 300
#: Paragraphs whose widest line is shorter than this were not wrapped to a width: each of their lines stands alone.
_WRAPPED_WIDTH = 40
#: Longest number read as an ordinal ("zum 100. Geburtstag"); four digits are a year.
_ORDINAL_DIGITS = 3
#: Unknown short words without a vowel ("Hptm.", "Rdnr.") are abbreviations; longer ones are names of firms.
_VOWELLESS = 5
#: Shortest word before a stop after which a space may have been lost; "z.Beispiel" and "St.Pölten" are shorter.
_GLUED_WORD = 3
#: Words that `language` looks at, about, evenly spread. Ten decide 99.9 % of windows; articles have quotations.
_LANGUAGE_WORDS = 400


def normalise(text: str) -> str:
    r"""The form in which texts are stored and compared; applying it twice changes nothing.

    Unicode NFC; LF line ends; BOM, soft hyphens, zero-width, bidirectional and other control characters gone; every
    kind of space is one ``" "``; lines have no outer blanks; paragraphs are parted by exactly ``"\n\n"``.
    """
    text = _LINE_ENDS.sub("\n", text).replace("\u2029", "\n\n")
    text = _INVISIBLE.sub("", _HYPHENATED.sub("", text))
    text = unicodedata.normalize("NFC", _BLANKS.sub(" ", text))
    text = "\n".join(line.strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def paragraphs(text: str) -> list[Span]:
    """Spans of the paragraphs: what blank lines part, without outer whitespace."""
    spans, start = [], 0
    for match in _PARAGRAPH_BREAK.finditer(text):
        spans.append(_stripped(text, start, match.start()))
        start = match.end()
    spans.append(_stripped(text, start, len(text)))
    return [span for span in spans if span.start < span.end]


def _stripped(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    return Span(start, start + len(piece.strip()))


def sentences(text: str, lang: Lang) -> list[Span]:
    """Spans of the sentences, in order: every non-space character lies in exactly one, none crosses a blank line.

    A quotation is split like other text; its closing mark goes with the sentence it ends. Brackets inside a sentence
    are not split. A single line break parts sentences before a list item and where the line was not simply full.
    A space lost between two sentences ("könnten.Nordkorea") is seen. Time grows with the length of ``text`` only.
    """
    spans: list[Span] = []
    for paragraph in paragraphs(text):
        start = paragraph.start
        for end in _boundaries(text, paragraph, lang):
            spans.append(_stripped(text, start, end))
            start = end
        spans.append(_stripped(text, start, paragraph.end))
    return spans


def _boundaries(text: str, paragraph: Span, lang: Lang) -> list[int]:
    """Where a sentence of the paragraph ends and another follows."""
    found: list[int] = []
    start = paragraph.start
    bracketed = _bracketed(text, paragraph)
    width = _wrapped_width(paragraph.of(text).split("\n"))
    for match in _END.finditer(text, paragraph.start, paragraph.end):
        end = match.end()
        if end >= paragraph.end or match.start() <= start or bracketed.get(end, -1) > start:
            continue
        if match[0] == "\n":
            ends = _line_ends(text, start, end, width)
        elif text[end].isspace():
            ends = _ends(_Stop.read(text, start, match, lang))
        else:
            ends = _is_glued(text, match)
        if ends:
            found.append(end)
            start = end
            while text[start].isspace():
                start += 1
    return found


def _bracketed(text: str, paragraph: Span) -> dict[int, int]:
    """Ends of possible sentences that lie inside a bracket, with the place where the (outermost) bracket opens."""
    inside: dict[int, int] = {}
    opened: list[int] = []
    ends: list[list[int]] = []
    for match in _BRACKET.finditer(text, paragraph.start, paragraph.end):
        if match[0] in "([":
            opened.append(match.start())
            ends.append([])
            continue
        if ends and match[0] not in ")]":
            ends[-1].append(match.end())
        for closing in range(match[0].count(")") + match[0].count("]")):
            if not opened:
                break
            start, inner = opened.pop(), ends.pop()
            # The stop that this very bracket follows ("... gut.)") is its own end, not inside.
            inner = [end for end in inner if closing or end != match.end()]
            if match.end() - start <= _BRACKET_LENGTH:
                inside.update(dict.fromkeys(inner, start))
                if ends:
                    ends[-1].extend(inner)
    return inside


@dataclass(frozen=True, slots=True)
class _Stop:
    """A run of ``.!?…`` before whitespace, and what stands around it.

    Attributes:
        mark: The run without closing quotes and brackets.
        before: Up to `_LOOK_BACK` characters of the sentence before it.
        token: Last word of ``before``.
        first: Whether ``token`` starts the sentence.
        word: The next word, without quotes and dashes; "" where none follows.
        dash: Whether a dash follows.
        lang: Language of the text.
    """

    mark: str
    before: str
    token: str
    first: bool
    word: str
    dash: bool
    lang: Lang

    @classmethod
    def read(cls, text: str, start: int, match: re.Match[str], lang: Lang) -> _Stop:
        at = match.start()
        before = text[max(start, at - _LOOK_BACK) : at]
        token = _found(_LAST_WORD.search(before), 0)
        return cls(
            mark=match[0].rstrip(_QUOTES + ")]}0123456789["),
            before=before,
            token=token,
            first=at - start - len(token) <= len(_QUOTES) and not before[: -len(token)].strip(_QUOTES + "([-–—•*· "),
            word=_found(_NEXT.match(text, match.end()), 1),
            dash=_DASH.match(text, match.end()) is not None,
            lang=lang,
        )


def _found(match: re.Match[str] | None, group: int) -> str:
    return match[group] if match else ""


def _ends(stop: _Stop) -> bool:
    """Whether the stop ends a sentence."""
    if stop.word[:1].islower() and not stop.word[1:2].isupper():
        return False
    if stop.before[-1:] in ("(", "["):  # "(!)", "[...]"
        return False
    if stop.mark != ".":
        return True
    if _goes_on(stop):
        return False
    return stop.word.casefold() in _starters(stop.lang) or not _may_go_on(stop)


def _goes_on(stop: _Stop) -> bool:
    """Whether the stop can never end a sentence: a title, "z. B.", a list number, "Nr. 5"."""
    letters = _found(_LETTERS.search(stop.before), 0)
    short = ("".join(letters.split()) or stop.token).casefold()
    if stop.token in _sentence_words("title") or short in _sentence_words("inside"):
        return True
    if stop.first and stop.token.isdigit() and len(stop.token) <= _ORDINAL_DIGITS:
        return True
    if stop.dash and stop.token in _sentence_words("state"):
        return True
    return stop.word[:1].isdigit() and short in _sentence_words("number")


def _may_go_on(stop: _Stop) -> bool:
    """Whether the sentence goes on, given that the next word has a capital or a digit and is no function word."""
    short, following = stop.token.casefold(), stop.word.casefold()
    if stop.token.isdigit():
        return stop.lang == "de" and _is_ordinal(stop, following)
    if short in ("a.m", "p.m"):
        return _DAY_OR_ZONE.fullmatch(following) is not None
    return _is_abbreviation(stop, short) or (short.endswith("str") and following[:1].isdigit())


def _is_abbreviation(stop: _Stop, short: str) -> bool:
    if stop.token in _sentence_words("state") or short in _sentence_words("maybe"):
        return True
    if _UNIT.search(stop.before):
        return False
    if _LETTERS.search(stop.before) or (stop.lang == "de" and _ROMAN.match(stop.token)):
        return True
    return 1 < len(short) <= _VOWELLESS and short.isalpha() and not stop.token.isupper() and not _VOWEL.search(short)


def _is_ordinal(stop: _Stop, following: str) -> bool:
    if len(stop.token) > _ORDINAL_DIGITS:
        return False
    if following[:1].isdigit() or _ORDINAL_RIGHT.match(following):
        return True
    left = stop.before[: -len(stop.token)]
    last = left.split()[-1:] or [""]
    return last[0].casefold() in _sentence_words("determiner") or _ORDINALS_BEFORE.search(left) is not None


def _is_glued(text: str, match: re.Match[str]) -> bool:
    """Whether a space was lost between two sentences: "könnten.Nordkorea weist"."""
    if not _GLUED.match(text, match.end()):
        return False
    chunk = text[max(0, match.start() - _LOOK_BACK) : match.start()].split()[-1:] or [""]
    token = chunk[0].lstrip(_QUOTES + "(")
    if len(token) < _GLUED_WORD or not token.isalpha() or not token[-_GLUED_WORD:].islower():
        return False
    if not _VOWEL.search(token):  # "www."
        return False
    if token in _sentence_words("title") or token.casefold() in _sentence_words("inside") | _sentence_words("maybe"):
        return False
    return _found(_NEXT.match(text, match.end()), 1).casefold() not in _DOMAINS


def _wrapped_width(lines: list[str]) -> int:
    """Width to which the lines were wrapped: most have no room for the next word. 0 where they were not wrapped."""
    width = max(map(len, lines))
    full = sum(len(line) + 1 + len(_found(_TO_BLANK.match(after), 0)) > width for line, after in pairwise(lines))
    return width if width >= _WRAPPED_WIDTH and 2 * full >= len(lines) - 1 else 0


def _line_ends(text: str, start: int, end: int, width: int) -> bool:
    """Whether the line break before ``end`` parts two sentences."""
    before = text[max(start, end - _LOOK_BACK) : end].rstrip()
    word = _found(_NEXT.match(text, end), 1)
    line = end - 1 - (text.rfind("\n", 0, end - 1) + 1)
    chosen = not width or line + 1 + len(_found(_TO_BLANK.match(text, end), 0)) <= width
    if _ITEM.match(text, end):
        return chosen or not text[end].isdigit() or before.endswith((".", "!", "?", ":", ";"))
    last = _found(_LAST_WORD.search(before), 0)
    if word[:1].islower() or before.endswith((",", "-", "–")) or last in _sentence_words("determiner"):
        return False
    return chosen


@cache
def _sentence_words(kind: str) -> frozenset[str]:
    tables = tomllib.loads((_DATA / "sentence_words.toml").read_text(encoding="utf-8"))
    return frozenset(tables[kind].split())


@cache
def _stop_words(lang: Lang) -> frozenset[str]:
    return frozenset((_DATA / f"stopwords_{lang}.txt").read_text(encoding="utf-8").casefold().split())


@cache
def _starters(lang: Lang) -> frozenset[str]:
    """Function words: those that have a capital start a sentence."""
    return _stop_words(lang) - _NO_STARTERS


#: Raised whenever `words` or `content_words` may give others by what `words_id` does not see.
WORDS_VERSION = 1

_WORD = re.compile(r"(?<!\d)\d{1,3}(?:[.,'’]\d{3})+(?!\d)|[^\W_]+")
_SEPARATOR = re.compile(r"[.,'’]")
_LETTERS_ONLY = re.compile(r"[^\W\d_]+")


def words(text: str) -> list[str]:
    """Case-folded words in order: runs of letters and digits; hyphens part; ``10.000`` and ``10,000`` are ``10000``."""
    folded = unicodedata.normalize("NFC", text.casefold())
    # Only a number with separators is not of letters and digits alone.
    return [token if token.isalnum() else _SEPARATOR.sub("", token) for token in _WORD.findall(folded)]


def content_words(text: str, lang: Lang | None = None) -> list[str]:
    """`words` without the function and question words of ``lang``, by default of both languages.

    Of both means: what the text's own language reads as content stays ("war", "die" and "man" in English).
    """
    own = lang or language(text)
    other: Lang = "en" if own == "de" else "de"
    stop = _stop_words(own) if lang else _stop_words(own) | (_stop_words(other) - _CONTENT_ELSEWHERE)
    return [word for word in words(text) if word not in stop]


@cache
def words_id() -> str:
    """Hex digest of what decides `content_words`: an index holds those of its passages, cut with the same."""
    deciding = [WORDS_VERSION, _WORD.pattern, _SEPARATOR.pattern, sorted(_CONTENT_ELSEWHERE)]
    stop = [sorted(_stop_words("de")), sorted(_stop_words("en"))]
    return hashlib.sha256(json.dumps([*deciding, *stop]).encode()).hexdigest()


def is_function_word(word: str) -> bool:
    """Whether German or English takes a word for a function or question word."""
    folded = word.casefold()
    return folded in _stop_words("de") or folded in _stop_words("en")


def umlauts_spelt_out(text: str) -> str:
    """``ae``, ``oe``, ``ue`` and ``ss`` for umlauts and sharp s, as people type them on a foreign keyboard."""
    return text.translate(_SPELT_OUT)


def language(text: str) -> Lang:
    """The language of an article or a question; ``en`` where nothing speaks for either. Never raises.

    The sign of the summed weights of the n-grams of its words; words with digits say nothing.
    """
    found = _LETTERS_ONLY.findall(text.lower())
    step = max(1, len(found) // _LANGUAGE_WORDS)
    return "de" if sum(map(_german, found[::step])) > 0 else "en"


@lru_cache(maxsize=1 << 14)
def _german(word: str) -> int:
    """How much a lower-case word speaks for German, below 0 for English, in hundredths of a nat."""
    table = _ngrams()
    padded = f" {word[:_LOOK_BACK]} "
    return sum(table.get(gram, 0) for gram in letter_ngrams(padded))


def letter_ngrams(padded: str) -> list[str]:
    """All stretches of 1 to 4 characters of a word that has a blank at each side."""
    return [padded[at : at + size] for size in range(1, 5) for at in range(len(padded) - size + 1)]


@cache
def _ngrams() -> dict[str, int]:
    table: dict[str, int] = json.loads((_DATA / "language_ngrams.json").read_text(encoding="utf-8"))
    return table


def shortened(text: str, longest: int) -> str:
    """One line of at most about ``longest`` code points, cut between words and marked where it was."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: line.rfind(" ", 0, longest)] + " …"
