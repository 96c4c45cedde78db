"""Generated inputs for everything that reads what others wrote, and what each reader may do with them.

Most inputs are real files that were damaged: random bytes end at the first check of a format. Every input follows from
the name of the target and its number, so that a failure can be had again: ``python -m tests.fuzzing .pdf 1234 1``.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

from qa.articles import read_article
from qa.chunks import chunk_article, embedding_text, sentence_texts
from qa.config import load_settings
from qa.errors import QAError
from qa.manifest import SCHEMA, Manifest, Recipe, read_manifest
from qa.measuring.datasets import load_dataset
from qa.measuring.floors import read_floors
from qa.server.tokens import TokenFile

if TYPE_CHECKING:
    from httpx import Response
    from starlette.testclient import TestClient

    from qa.bot import Bot

#: Longest time for one input, in seconds.
LIMIT_S = 5.0

ROOT = Path(__file__).resolve().parent.parent


class HangError(Exception):
    """An input took too long."""


@dataclass
class Course:
    """What became of the inputs of a target."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0

    @property
    def count(self) -> int:
        return self.outcomes.total()

    def __str__(self) -> str:
        told = ", ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items()))
        return f"{self.count} inputs ({told}), the slowest {self.slowest_s:.2f} s"


@dataclass(frozen=True)
class Target:
    """A reader: the real inputs that are damaged, the pieces that are put into them, and how it is called.

    ``read`` gives a word for what became of an input; whatever it raises is a failure.
    """

    name: str
    seeds: Sequence[bytes]
    tokens: Sequence[bytes]
    read: Callable[[bytes], str]


def attack(target: Target, first: int, count: int) -> Course:
    """Give a target its inputs ``first`` up to ``first + count``; a failure names the input."""
    course = Course()
    for number in range(first, first + count):
        data = damaged(random.Random(f"{target.name} {number}"), target.seeds, target.tokens)
        started = time.process_time()
        try:
            with limited():
                course.outcomes[target.read(data)] += 1
        except Exception as error:
            error.add_note(f"python -m tests.fuzzing {target.name} {number} 1: {data[:200]!r}")
            raise
        course.slowest_s = max(course.slowest_s, time.process_time() - started)
    return course


@contextmanager
def limited() -> Iterator[None]:
    """Interrupt what has used more of the processor than `LIMIT_S`: on a busy machine the clock would accuse others."""

    def stop(_number: int, _frame: object) -> None:
        raise HangError(f"more than {LIMIT_S:g} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def damaged(rng: random.Random, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """One of the seeds after one to eight accidents; one in twenty is bytes or pieces alone."""
    if rng.random() < 0.05:
        size = rng.randrange(400)
        return rng.randbytes(size) if rng.random() < 0.5 else b"".join(rng.choices(tokens, k=1 + size // 8))
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5, 8))):
        rng.choice(_ACCIDENTS)(rng, data, seeds, tokens)
    return bytes(data)


def _place(rng: random.Random, data: bytearray) -> slice:
    start = rng.randrange(len(data) + 1)
    return slice(start, min(len(data), start + int(rng.expovariate(1 / 30)) + 1))


def _flip(rng: random.Random, data: bytearray, *_: Sequence[bytes]) -> None:
    for _n in range(rng.choice((1, 1, 4, 30))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite(rng: random.Random, data: bytearray, *_: Sequence[bytes]) -> None:
    place = _place(rng, data)
    data[place] = rng.randbytes(place.stop - place.start)


def _truncate(rng: random.Random, data: bytearray, *_: Sequence[bytes]) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _delete(rng: random.Random, data: bytearray, *_: Sequence[bytes]) -> None:
    del data[_place(rng, data)]


def _repeat(rng: random.Random, data: bytearray, *_: Sequence[bytes]) -> None:
    place = _place(rng, data)
    data[place] = bytes(data[place]) * rng.choice((2, 10, 200))


def _move(rng: random.Random, data: bytearray, *_: Sequence[bytes]) -> None:
    piece = bytes(data[_place(rng, data)])
    at = rng.randrange(len(data) + 1)
    data[at:at] = piece


def _insert(rng: random.Random, data: bytearray, _: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.choice(tokens) * rng.choice((1, 1, 1, 3, 1000))


def _replace(rng: random.Random, data: bytearray, _: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    """Put a piece in the place of another one that stands in the input."""
    known = [token for token in tokens if token in data]
    if known:
        old = rng.choice(known)
        data[:] = data.replace(old, rng.choice(tokens), rng.choice((1, -1)))


def _splice(rng: random.Random, data: bytearray, seeds: Sequence[bytes], _: Sequence[bytes]) -> None:
    other = rng.choice(seeds)
    data[rng.randrange(len(data) + 1) :] = other[rng.randrange(len(other) + 1) :]


def _number(rng: random.Random, data: bytearray, *_: Sequence[bytes]) -> None:
    """Another number where one stands: lengths and offsets are numbers."""
    digits = [at for at, byte in enumerate(data) if 48 <= byte <= 57]
    if digits:
        at = rng.choice(digits)
        data[at : at + 1] = rng.choice((b"-1", b"0", b"999999999", b"1e309", b"NaN", b"2147483648", b"00", b"\xd9\xa3"))


_ACCIDENTS = [_flip, _overwrite, _truncate, _delete, _repeat, _move, _insert, _replace, _splice, _number]


# --- articles ------------------------------------------------------------------------------------------------------

_SENTENCES = (
    "Der Hafen von Nordstadt bleibt geschlossen, sagte eine Sprecherin am Dienstag. ",
    "„Wir prüfen alles“, erklärte das Amt am 23. Oktober 2024 um 14:17 Uhr (Foto: AFP). ",
    "The committee met again and put off its decision on 1.5 million euros until the autumn. ",
)


def _html() -> bytes:
    rows = "".join(f"<p class='x'>{sentence * 3}</p>" for sentence in _SENTENCES)
    head = (
        '<!DOCTYPE html><html lang="de"><head><meta charset="utf-8"><title>Der Hafen &amp; der Sturm</title>'
        '<meta property="og:site_name" content="Nordblatt"><meta name="author" content="A. Beispiel">'
        '<meta property="article:published_time" content="2024-10-24T14:17:00+02:00">'
        '<script type="application/ld+json">{"@type":"NewsArticle","headline":"Der Hafen","author":{"name":"B"},'
        '"datePublished":"2024-10-24"}</script></head><body><nav><a href="/">Start</a></nav><article><h1>Der Hafen</h1>'
    )
    table = "<table><tr><td>1</td><td>zwei</td></tr></table><ul><li>eins<li>zwei</ul><!-- nichts --><img src=x alt=y>"
    return f"{head}<time datetime='2024-10-24'>24.10.</time>{rows}{table}</article><footer>©</footer></body></html>".encode()


def article_seeds(suffix: str) -> list[bytes]:
    """Real files of a type."""
    from tests.test_formats import pdf

    texts = [path.read_bytes() for path in sorted((ROOT / "seeds").glob("*.md"))]
    bodies = [data.split(b"---\n", 2)[-1] for data in texts]
    if suffix == ".pdf":
        pages = [[sentence.strip() for sentence in _SENTENCES * 3] for _ in range(3)]
        return [pdf(pages), pdf(pages[:1]), _zipped_pdf(pages)]
    if suffix in (".html", ".htm"):
        return [_html(), _html().decode().encode("cp1252"), b"<p>" + bodies[0], _html() + bodies[1]]
    own = [
        b'| a | b |\n|---|---|\n| 1 | 2 |\n\n> Zitat\n\n```\ncode\n```\n\n1. [x](https://a.de "t") ![i](j) <b>&amp;</b>\n'
    ]
    umlauts = bodies[0].decode().encode("cp1252", "replace")
    return [*texts, *bodies, *own, umlauts, bodies[1].decode().encode("utf-16"), "".join(_SENTENCES * 5).encode()]


def _zipped_pdf(pages: list[list[str]]) -> bytes:
    """The same with its streams and its tables compressed, as most programs write them."""
    import io

    from pypdf import PdfReader, PdfWriter

    from tests.test_formats import pdf

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(pages))))
    for page in writer.pages:
        page.compress_content_streams()
    writer.add_metadata({"/Title": "Der Hafen und der Sturm", "/Author": "Anna Beispiel"})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


_TEXT_TOKENS = (
    "---\n|title: |published: 2024-10-24\n|outlet: Nordblatt\n|author: [|url: https://a.de/|lang: de\n|&a |*a |!!python/object:os |"
    "<<: *a\n|? |\t|\r\n|\n\n|\u2028|\u0085|\x00|\ufeff|\ufffd|\u202e|e\u0301|\u200b|ﬁ|İ|ß|𝔘|👩‍👩‍👧|\ud7ff|> |# |[a](|![](|```\n|~~~|***|"
    "<div>|&#x110000;|&#0;|\\|`|$$|1. |- |  - |: |© dpa|(Foto: |Foto: AFP|Lesen Sie auch: |Quelle: |Von Anna Beispiel\n|"
    "23. Oktober 2024, 14:17 Uhr\n|Nachrichtensprecher: |Bericht: |WERBUNG |Mehr zum Thema\n|„|“|«|…|99.999.999.999|31.02.2024|²|٣"
)
_HTML_TOKENS = (
    "<div>|</div>|<p>|<table>|<tr>|<td>|<script>|</script>|<style>|<!--|-->|<![CDATA[|]]>|<!DOCTYPE x [<!ENTITY a 'b'>]>|&a;|&#0;|"
    '&#x110000;|&amp;|<meta charset="utf-16">|<meta charset="x-nothing">|<meta charset="idna">|<meta charset="zip">|<svg>|<math>|'
    '<time datetime="9999-99-99">|<base href="//">|<a href="http://[">|<meta property="og:url" content="http://[::1">|'
    '<meta name="date" content="0000-00-00">|{"@graph":[|"|\'|<|>|/|=|\x00|\ufeff|<iframe>|<select><option>|<template>|'
    '<script type="application/ld+json">|<body>|<html>|<head>|<title>|"datePublished":|null|[]|{}|1e309'
)
_PDF_TOKENS = (
    "obj|endobj|stream\n|endstream|xref\n|trailer|startxref|%%EOF|<<|>>|[|]|(|)|/|/Length |/Filter /FlateDecode|/Filter /LZWDecode|"
    "/Filter /ASCII85Decode|/Filter [/FlateDecode /FlateDecode]|/Parent 2 0 R|/Kids [3 0 R]|/Kids [2 0 R]|/Count -1|/Count 999999|"
    "/Contents 1 0 R|/Encrypt 1 0 R|/Prev 0|/XRefStm 0|/Type /ObjStm|/Type /XRef|/W [1 2 1]|/Index [0 99999999]|/Predictor 15|"
    "/ToUnicode 4 0 R|/Encoding /Identity-H|/Font <<>>|/Resources 3 0 R|BT|ET|Tj|TJ|'|Tf|Tm|Do|q|Q|BI|ID|EI|1 0 R|9 0 R|0 0 R|null|"
    "-1|true|\x00|\\|\\777|begincmap|beginbfrange <00> <ff> <00> endbfrange|/Title (|/Info 1 0 R|/Root 1 0 R|/MediaBox [0 0 0 0]"
)
_ARTICLE_TOKENS = {".md": _TEXT_TOKENS, ".txt": _TEXT_TOKENS, ".html": _HTML_TOKENS, ".pdf": _PDF_TOKENS}


def _tokens(text: str) -> list[bytes]:
    return [token.encode("utf-8", "surrogatepass") for token in text.split("|")] + [b"\xff", b"\xc3", b"|"]


def article_target(suffix: str, folder: Path) -> Target:
    """A file through parsing, cleaning and cutting, as a build does it."""
    path = folder / f"a{suffix}"

    def read(data: bytes) -> str:
        path.write_bytes(data)
        try:
            article = read_article(path, folder)
        except QAError as error:
            return refused(error)
        assert article.text.strip()
        chunked = chunk_article(article, max_words=100)
        for chunk, texts in zip(chunked.chunks, sentence_texts(article, chunked), strict=True):
            assert article.text[chunk.start : chunk.end] == chunk.text
            embedding_text(article, chunk).encode()
            "".join(texts).encode()
        json.dumps([article.title, article.author, article.outlet, article.url, article.published]).encode()
        return "read"

    return Target(suffix, article_seeds(suffix), _tokens(_ARTICLE_TOKENS[suffix]), read)


def refused(error: QAError) -> str:
    """An error may be shown: it is one line with something in it."""
    line = str(error)
    assert line.strip()
    assert "\n" not in line
    line.encode()
    return "refused"


# --- question sets, settings, the files that the program writes ------------------------------------------------------

_JSON_TOKENS = _tokens(
    '{|}|[|]|"|,|:|null|true|false|0|-1|1e309|NaN|Infinity|\\ud800|\\u0000|\\|\n|\r\n|\t|\ufeff|\u2028|[[[[[[[[|{"a":|"id":|'
    '"question":|"answers":|"context":|"lang": "de"|"lang": "fr"|"answerable": true|"evidence": [[]]|"data": |'
    '"paragraphs": |"qas": |"title": |"_id": |"text": |""|{}|[]|99999999999999999999|query-id\tcorpus-id\tscore|٣|²'
)
_OWN = [
    b"\n".join((ROOT / "eval" / "questions.jsonl").read_bytes().split(b"\n")[start : start + 4])
    for start in (0, 60, 120)
]
_SQUAD = json.dumps(
    {
        "version": "1.1",
        "data": [
            {
                "title": "Hafen",
                "paragraphs": [
                    {
                        "context": _SENTENCES[0] * 2,
                        "qas": [
                            {
                                "id": "1",
                                "question": "Was bleibt zu?",
                                "answers": [{"text": "Der Hafen", "answer_start": 0}],
                            },
                            {"id": "2", "question": "Wer?", "is_impossible": True, "answers": []},
                        ],
                    }
                ],
            }
        ],
    }
).encode()
_OMOSQA = b"\n".join(
    json.dumps(
        {"id": n, "question": "Was ist zu?", "context": f"Titel\n{_SENTENCES[0]}\n{_SENTENCES[1]}", "answers": [1]}
    ).encode()
    for n in range(3)
)
_CORPUS = b"\n".join(json.dumps({"_id": f"d{n}", "title": "T", "text": _SENTENCES[n]}).encode() for n in range(3))
_QUERIES = b'{"_id": "q1", "text": "Was ist zu?"}\n{"_id": "q2", "text": "Wer tagt?"}\n'
_QRELS = b"query-id\tcorpus-id\tscore\nq1\td0\t1\nq2\td2\t2\n"


def file_target(
    name: str, path: Path, seeds: Sequence[bytes], tokens: Sequence[bytes], use: Callable[[], object]
) -> Target:
    """A file that is read by ``use``."""

    def read(data: bytes) -> str:
        path.write_bytes(data)
        try:
            use()
        except QAError as error:
            return refused(error)
        return "read"

    return Target(name, seeds, tokens, read)


def beir_target(name: str, folder: Path) -> Target:
    """One file of a BEIR folder, the others whole."""
    whole = {"corpus.jsonl": _CORPUS, "queries.jsonl": _QUERIES, "qrels/test.tsv": _QRELS}
    (folder / "qrels").mkdir(parents=True)
    for one, data in whole.items():
        (folder / one).write_bytes(data)
    return file_target(f"BEIR-{name}", folder / name, [whole[name]], _JSON_TOKENS, lambda: load_dataset(folder))


_TOML = [
    b"articles = 'texts'\nindex = \"index\"\ntop = 4\nthreshold = 0.25\nport = 7860\nhost = '::1'\nauth = 'token'\n",
    b"allowed_origins = ['https://intern.example', 'http://[::1]:80']\nproxies = ['10.0.0.0/8']\nhosts = ['qa.intern']\n",
    b"writer = 'openai'\nbase_url = 'http://127.0.0.1:11434/v1'\nmodel = 'm'\nwriter_timeout = 1.5\nlog_questions = true\n",
]
_TOML_TOKENS = _tokens(
    "[|]|[[|]]|{|}|=|.|'|\"|\"\"\"|'''|#|\n|\r\n|true|nan|inf|-inf|1e400|0x|0o7|1979-05-27T07:32:00Z|99999999999999999999|-1|[writer]\n|"
    "api_key = 'x'\n|\\u0000|\\ud800|\x00|://|http://[|https://*|@|:99999|/33|::|top|port|thresold|{a={a=|[[[[[[[["
)
_FLOORS = [(ROOT / "eval" / "floors.json").read_bytes()]
_MANIFEST = Manifest(
    SCHEMA,
    "20261122T050000000000-abcdef01",
    "2026-11-22T05:00:00+00:00",
    Recipe("bundled", "a" * 64, 384, "", "", 1, 1, 100, "faiss", "c" * 64),
    "/a",
    "d",
    1,
    2,
    3,
    {"x.pdf": "empty"},
    {"keys.npy": "b" * 64},
)


def file_targets(folder: Path) -> list[Target]:
    """Question sets in every format, the configuration from its file and from the environment, files of our own."""
    config = folder / "config"
    config.mkdir()

    def environment(data: bytes) -> str:
        """Each line a variable, as the system would give it: bytes that are no text come as half surrogates."""
        lines = (line.split(b"=", 1) for line in data.split(b"\n") if b"=" in line)
        given = {f"QA_{key.decode('utf-8', 'surrogateescape').strip().upper()}": value for key, value in lines}
        try:
            load_settings(folder=folder, environ={k: v.decode("utf-8", "surrogateescape") for k, v in given.items()})
        except QAError as error:
            return refused(error)
        return "read"

    def find() -> object:
        return TokenFile(folder / "tokens.json").find("qa_key")

    written = TokenFile(folder / "written.json")
    written.add("intranet", "ask")
    _MANIFEST.write(folder)
    return [
        file_target("questions", folder / "q.jsonl", _OWN, _JSON_TOKENS, lambda: load_dataset(folder / "q.jsonl")),
        file_target("SQuAD", folder / "q.json", [_SQUAD], _JSON_TOKENS, lambda: load_dataset(folder / "q.json")),
        file_target("OMoS-QA", folder / "o.jsonl", [_OMOSQA], _JSON_TOKENS, lambda: load_dataset(folder / "o.jsonl")),
        *(
            beir_target(name, folder / f"beir-{name[:3]}")
            for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")
        ),
        file_target(
            "qa.toml", config / "qa.toml", _TOML, _TOML_TOKENS, lambda: load_settings(folder=config, environ={})
        ),
        Target("environment", _TOML, _TOML_TOKENS, environment),
        file_target(
            "manifest",
            folder / "manifest.json",
            [(folder / "manifest.json").read_bytes()],
            _JSON_TOKENS,
            lambda: read_manifest(folder),
        ),
        file_target("keys", folder / "tokens.json", [(folder / "written.json").read_bytes()], _JSON_TOKENS, find),
        file_target("floors", folder / "f.json", _FLOORS, _JSON_TOKENS, lambda: read_floors(folder / "f.json")),
    ]


# --- questions and requests --------------------------------------------------------------------------------------------

_ASKED = [json.loads(line)["question"].encode() for data in _OWN for line in data.split(b"\n")] + [
    b"Und wie viele davon?",
    b"Was stand vor dem 3. November 2024 in der Nordpresse?",
    b"hallo! danke, was ist mit den K9-Haubitzen?",
    b"which weapons did Seoul consider in October?",
]
_ASKED_TOKENS = _tokens(
    '?|!|"|„|“|*|~|^|(|)|[|:|AND |OR |NOT |+|-|title:|\\|/|\x00|\u2028|\ufffd|\u202e|e\u0301|\u200b|İ|ß|𝔘|👩‍👩‍👧|٣|²|vor dem |'
    "nach |seit 2024|31.02.2024|zwischen 9999 und 0000 |in den letzten 99999999999 Tagen |wie viele |warum |und |oder |"
    "99999999999999999999|1e309|Waffenlieferungsverhandlungsrunde|aaaaaaaaaaaaaaaaaaaa|<b>|&amp;|https://a.de/|\n|\t| "
)


def question_target(bot: Bot) -> Target:
    """A question as typed, after one that it may lean on."""

    def read(data: bytes) -> str:
        # As the command line gets it: bytes that are no text come as half surrogates.
        text = data.decode("utf-8", "surrogateescape")[:2000]
        answer = bot.ask(text, history=["Welche Waffen prüft Seoul?"] if len(text) % 3 == 0 else [])
        json.dumps(answer.to_dict(), ensure_ascii=False).encode()
        for citation in answer.citations:
            article = bot.article(citation.article_id)
            assert article is not None
            assert article.text[citation.start : citation.end] == citation.quote
        return answer.status

    return Target("question", _ASKED, _ASKED_TOKENS, read)


_BODIES = [
    json.dumps(
        {"question": "Was ist zu?", "history": ["Wer?"], "since": "2024-10", "top": 3, "outlet": ["A"]}
    ).encode(),
    json.dumps({"question": "Was ist zu?", "until": "2024-02-29", "outlet": "A", "stream": True}).encode(),
    b'{"question": "\\u00fcber wen?"}',
]
_QUERIES_TO_API = [b"q=Hafen&lang=de&offset=0&limit=10", b"q=&offset=1000000000", b"limit=1"]
_PATHS = [
    b"/api/articles/hafen-12345678",
    b"/article/hafen-12345678",
    b"/problems/not-found",
    b"/static/qa/widget.js",
    b"/api/ask",
]
_HEADERS = [
    b"authorization: Bearer qa_key",
    b"origin: https://a.example",
    b"host: testserver",
    b"content-type: application/json; charset=utf-8",
    b"accept-language: de-DE,de;q=0.9,en;q=0.8",
    b"content-length: 17",
    b"x-forwarded-for: 10.0.0.1",
    b"range: bytes=0-10",
    b'if-none-match: "x"',
]
_WEB_TOKENS = _tokens(
    "..|/|//|%00|%2e%2e%2f|%ff|%|?|#|&|=|;|,|:|q=|lang=|offset=|limit=|-1|99999999999999999999|null|[|]|\x00|*|q=1.5|é|😀"
)


def api_targets(client: TestClient) -> list[Target]:
    """Bodies, queries, paths and headers of requests; ``client`` must not raise what the server fails with."""

    def check(reply: Response) -> str:
        assert reply.status_code < 500, reply.text[:500]
        if reply.status_code >= 400 and reply.request.url.path.startswith("/api/"):
            assert reply.headers["content-type"].startswith("application/problem+json")
            assert reply.json()["status"] == reply.status_code
        assert "Traceback" not in reply.text
        return str(reply.status_code)

    def body(data: bytes) -> str:
        return check(client.post("/api/ask", content=data, headers={"content-type": "application/json"}))

    def query(data: bytes) -> str:
        return check(client.get("/api/articles?" + quote_from_bytes(data, safe="=&;,+%")))

    def path(data: bytes) -> str:
        return check(client.get("http://testserver/" + quote_from_bytes(data, safe="/%.").lstrip("/")))

    def header(data: bytes) -> str:
        name, _, value = data.partition(b":")
        plain = bytes(byte for byte in name if byte < 128 and (chr(byte).isalnum() or byte == 45)) or b"x"
        sent = [(plain, bytes(byte for byte in value.strip() if byte >= 32 and byte != 127))]
        return check(
            client.post("/api/ask", content=_BODIES[0], headers=[(b"content-type", b"application/json"), *sent])
        )

    return [
        Target("body", _BODIES, _JSON_TOKENS, body),
        Target("query", _QUERIES_TO_API, _WEB_TOKENS, query),
        Target("path", _PATHS, _WEB_TOKENS, path),
        Target("header", _HEADERS, _WEB_TOKENS, header),
    ]


def targets(folder: Path) -> dict[str, Target]:
    """All that read files, by name."""
    found = [*(article_target(suffix, folder) for suffix in _ARTICLE_TOKENS), *file_targets(folder)]
    return {target.name: target for target in found}


def all_targets(folder: Path) -> dict[str, Target]:
    """Those of `targets` and what needs a bot or a server."""
    from starlette.testclient import TestClient

    from qa.bot import Bot
    from qa.build import ensure_index
    from qa.config import Settings
    from qa.embed import load_encoder
    from qa.web import create_app
    from tests.browser.fakes import FakeBot

    encoder = load_encoder(threads=1)
    bot = Bot(ensure_index(Settings(articles=ROOT / "seeds", index=folder / "index"), encoder), encoder)
    app = create_app(FakeBot(), settings=Settings(hosts=("testserver",), rate=10**6, rate_all=10**6))
    client = TestClient(app, client=("127.0.0.1", 50000), raise_server_exceptions=False)
    return {**targets(folder), **{target.name: target for target in (question_target(bot), *api_targets(client))}}


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        every = all_targets(Path(place))
        wanted, start, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
        for name in every if wanted == "all" else wanted.split(","):
            try:
                print(f"{name}: {attack(every[name], start, number)}", flush=True)
            except Exception:  # noqa: BLE001 - the others are to be seen too
                traceback.print_exc()
