"""Bytes of every type and encoding to text; bad files give a reason and nothing else."""

from __future__ import annotations

import contextlib
import io
import zlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from qa.errors import BadFileError
from qa.reading.formats import READERS, decode, markdown_to_text, parse, unwrap
from qa.reading.frontmatter import split_front_matter, valid_url
from qa.reading.pdf import MAX_PAGES, join_lines, read_pdf, without_running_heads

GERMAN = "Die Größe übertrifft Österreichs Maß: „Fünf Häfen“ für 10 € – „so viel wie nie“, sagte Jörg Müßig…"
SHORT = ["Größe", "„Ja“", "5 €", "Üben", "Maß", "Straße", "schön – und gut", "„Für wen?“, fragte Özil."]


# --- encodings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("text", [GERMAN, *SHORT, "The port stays closed, officials said.", GERMAN * 200])
def test_german_survives_every_encoding(text: str, encoding: str) -> None:
    if encoding in ("utf-16-le", "utf-16-be") and len(text) < 20:
        text = f"{text} ist der Anfang eines Satzes."
    assert decode(text.encode(encoding)).lstrip("\ufeff") == text


def test_big_endian_bom_and_line_ends() -> None:
    assert decode(b"\xfe\xff" + "Häfen".encode("utf-16-be")) == "Häfen"
    assert parse("Eins.\r\nZwei.\r\n".encode("cp1252"), ".txt").text.split() == ["Eins.", "Zwei."]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            "Äpfel Öl Übung ÄRZTE STRASSE groß Maß Söldner „nein“ ‚ja‘ »so« – — … 5 € § 3 20 °C Café à la 1,5 naïve Ärger "
            "Müller-Lüdenscheidt São Malmö Zürich’s façade año œuvre (Foto) Größe. hübsch! ÖPNV GRÖSSE süß, and \n".split(
                " "
            )
        ),
        min_size=1,
        max_size=30,
    ).map(" ".join)
)
def test_words_in_windows_1252_are_never_garbled(text: str) -> None:
    """Words as they are written: a capital umlaut inside a word in lower case would rightly be doubted."""
    sentence = f"Der Hafen ist groß, sagte sie. {text}"
    assert decode(sentence.encode("cp1252")) == sentence


def test_a_damaged_utf8_file_is_read_without_the_damage() -> None:
    data = (GERMAN * 20).encode()
    assert decode(data[:-2]).startswith(GERMAN)
    broken = data[:400] + b"\xff" + data[400:]
    assert "Ã" not in decode(broken)


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4,
        b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + zlib.compress(b"x" * 5000),
        b"\x00" * 400 + b"text",
        b"abc\x00def ghi",
        bytes(range(1, 32)) * 20,
        b"\xff\xfe" + bytes([0x00, 0xD8]) * 300,
        b"\x7fELF\x02\x01\x01" + b"\x00" * 9 + bytes(range(200)),
    ],
)
def test_binary_data_is_named_as_such(data: bytes) -> None:
    with pytest.raises(BadFileError, match="binary"):
        parse(data, ".txt")


@pytest.mark.parametrize("suffix", sorted(READERS))
@pytest.mark.parametrize("data", [b"", b" \r\n\t ", b"\xef\xbb\xbf", b"\xff\xfe", b"\xef\xbb\xbf \n"])
def test_empty_files(data: bytes, suffix: str) -> None:
    with pytest.raises(BadFileError, match="empty"):
        parse(data, suffix)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(sorted(READERS)))
@example(b"---\na: [\n---\n", ".md")
@example(b"%PDF-1.4\n%%EOF", ".pdf")
@example(b"%PDF-1.7\nxref\n0 1\ntrailer<</Root 1 0 R/Size 1>>startxref\n9\n%%EOF", ".pdf")
@example(b"<html><body><p>x", ".html")
def test_any_bytes_give_text_or_a_bad_file_error(data: bytes, suffix: str) -> None:
    try:
        parsed = parse(data, suffix)
    except BadFileError as error:
        assert str(error).strip()
        assert "\n" not in str(error)
    else:
        assert parsed.text.strip()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_flipped_byte_in_a_pdf_raises_nothing_else(position: int, value: int) -> None:
    data = bytearray(pdf([["Ein Satz über den Hafen von Nordstadt."]]))
    data[position % len(data)] = value
    with contextlib.suppress(BadFileError):
        parse(bytes(data), ".pdf")


# --- front matter --------------------------------------------------------------------------------------------------


def front(block: str, body: str = "Ein Satz.") -> bytes:
    return f"---\n{block}\n---\n\n{body}\n".encode()


@pytest.mark.parametrize("suffix", [".md", ".txt"])
def test_front_matter_is_read_and_taken_off(suffix: str) -> None:
    parsed = parse(
        front(
            "title: 'Häfen: eine Bilanz'\noutlet: Nordbote\npublished: 2024-10-24\nlang: de\n"
            "author: [Ada Berg, Max Muster]\nurl: https://example.org/a?b=c\nsource: a.txt\nother: 7"
        ),
        suffix,
    )
    meta = parsed.meta
    assert parsed.text.strip() == "Ein Satz."
    assert (meta.title, meta.outlet, meta.published, meta.lang) == (
        "Häfen: eine Bilanz",
        "Nordbote",
        "2024-10-24",
        "de",
    )
    assert (meta.author, meta.url, meta.source) == ("Ada Berg, Max Muster", "https://example.org/a?b=c", "a.txt")


@pytest.mark.parametrize(
    ("written", "published"),
    [
        ("2024-10-24T14:17:33Z", "2024-10-24T14:17"),
        ("2024-10-24 14:17", "2024-10-24T14:17"),
        ("'24.10.2024, 14:17 Uhr'", "2024-10-24T14:17"),
        ("24. Oktober 2024", "2024-10-24"),
        ("October 24, 2024", "2024-10-24"),
        ("2024-13-45", None),
        ("10/11/2024", None),
        ("bald", None),
        ("[2024-10-24]", None),
        ("", None),
        ("~", None),
    ],
)
def test_published(written: str, published: str | None) -> None:
    assert parse(front(f"published: {written}"), ".md").meta.published == published


def test_values_of_the_wrong_kind_are_left_out() -> None:
    meta = parse(front("title: [a, b]\noutlet: {a: b}\nlang: fr\nurl: javascript:alert(1)\nauthor:"), ".md").meta
    assert meta.title is meta.outlet is meta.lang is meta.url is meta.author is None
    meta = parse(front("title: 2024\noutlet: No\nlang: English"), ".md").meta
    assert (meta.title, meta.outlet, meta.lang) == ("2024", "No", "en")


@pytest.mark.parametrize(
    ("url", "valid"),
    [
        ("https://example.org", True),
        ("http://a.b/c d", False),
        ("ftp://a.b", False),
        ("//a.b", False),
        ("https://", False),
        ("https://[", False),
        ("java\nscript:x", False),
    ],
)
def test_only_web_addresses_are_kept(url: str, valid: bool) -> None:
    assert valid_url(url) == (url if valid else None)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\ntitle: a\nauthor: [b\n---\nText.", "line 4"),
        ("---\ntitle: a\n\tauthor: b\n---\nText.", "line 3"),
        ("---\ntitle: a\nText ohne Ende.", "line 1"),
        ("---\ntitle: 'a\n---\nText.", "line"),
    ],
)
def test_broken_front_matter_names_the_line(text: str, line: str) -> None:
    with pytest.raises(BadFileError, match=line):
        parse(text.encode(), ".md")


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    for text in ("---\n\nEin Satz.\n\n---\nNoch einer.", "Ein Satz.\n---\ntitle: a\n---\n"):
        assert split_front_matter(text).body == text


def test_yaml_that_refers_to_itself_ends() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{b}: &{b} [{','.join(f'*{a}' for _ in range(9))}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert parse(front(bomb + "author: *i\ntitle: T"), ".md").meta.title == "T"
    with pytest.raises(BadFileError):
        parse(front("a: " + "[" * 5000), ".md")


# --- Markdown and plain text ---------------------------------------------------------------------------------------


def test_markdown_becomes_plain_prose() -> None:
    source = """# Der *Titel* & mehr

Ein **fetter** Satz mit [Verweis](https://example.org "x"), `Code` und ~~alt~~
über zwei Zeilen. ![Bild](a.png)

<!-- Kommentar -->
<div class="x">HTML-Block</div>

## Zweite Überschrift ##

- erster Punkt
- zweiter *Punkt*
  1. darunter

> Ein Zitat: „so ist es“.

Name | Wert
---- | ----
Hafen | 10.000

```python
x = 1
```

Zeile eins\\
Zeile zwei mit <b>Tag</b> &amp; Zeichen \\*so\\*.
"""
    plain = markdown_to_text(source)
    assert plain.title == "Der Titel & mehr"
    assert plain.text.split("\n\n") == [
        "Der Titel & mehr",
        "Ein fetter Satz mit Verweis, Code und alt über zwei Zeilen.",
        "Zweite Überschrift",
        "erster Punkt",
        "zweiter Punkt",
        "darunter",
        "Ein Zitat: „so ist es“.",
        "Name | Wert",
        "Hafen | 10.000",
        "x = 1",
        "Zeile eins\nZeile zwei mit Tag & Zeichen *so*.",
    ]


def test_only_a_first_heading_of_level_one_is_the_title() -> None:
    assert markdown_to_text("## Zwei\n\nSatz.").title is None
    assert markdown_to_text("Satz.\n\n# Eins").title is None
    assert parse(front("title: A", "# B\n\nSatz."), ".md").meta.title == "A"


PARAGRAPH = (
    "Der Hafen von Nordstadt bleibt nach Angaben der Behörden bis Ende November gesperrt, weil eine Brücke beschädigt "
    "ist und die Reparatur sich hinzieht, wie die Stadt am Montag nach einer Sitzung mitteilte."
)


def wrap(text: str, width: int) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False))


@pytest.mark.parametrize("width", [60, 72, 76, 80, 100])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_hard_wrapped_text_is_joined(width: int, newline: str) -> None:
    wrapped = "\n\n".join(["Ein Titel", wrap(PARAGRAPH, width), wrap(f"{PARAGRAPH} {PARAGRAPH}", width)])
    paragraphs = unwrap(wrapped.replace("\n", newline)).split("\n\n")
    assert paragraphs == ["Ein Titel", PARAGRAPH, f"{PARAGRAPH} {PARAGRAPH}"]


def test_a_paragraph_a_line_stays() -> None:
    for lines in (
        ["Titel", "24.10.2024", PARAGRAPH, "Zwischentitel", PARAGRAPH * 3],
        ["Titel", "Teilen", "Werbung", "Ein kurzer Satz.", "Noch ein kurzer Satz."],
        ["Ein kurzer Satz steht hier.", "Und hier steht noch einer.", "Der dritte Satz ist etwas länger als die zwei."],
    ):
        assert unwrap("\n".join(lines)).split("\n") == lines


@given(
    st.lists(st.lists(st.sampled_from(PARAGRAPH.split()), min_size=50, max_size=90), min_size=2, max_size=5),
    st.integers(60, 90),
)
@settings(max_examples=60, deadline=None)
def test_wrapping_is_undone(paragraphs: list[list[str]], width: int) -> None:
    texts = [" ".join(words) for words in paragraphs]
    assert unwrap("\n\n".join(wrap(text, width) for text in texts)).split("\n\n") == texts


# --- HTML ----------------------------------------------------------------------------------------------------------

SENTENCES = [
    "Der Hafen von Nordstadt bleibt laut den Behörden bis Ende November gesperrt, weil eine Brücke beschädigt ist.",
    "Die Reparatur kostet laut Bürgermeisterin Ada Berg rund 2,4 Millionen Euro, die Hälfte kommt vom Land.",
    "„Wir rechnen mit sechs Wochen“, sagte Berg am Montag vor Journalisten, die das Gelände besichtigen durften.",
    "Die Reeder weichen inzwischen auf den Hafen von Südstadt aus, der dafür zwei Liegeplätze freigeräumt hat.",
]
HTML = f"""<!DOCTYPE html><html lang="de"><head><meta charset="{{charset}}">
<title>Hafen bleibt gesperrt | Nordbote</title>
<meta property="og:title" content="Hafen bleibt gesperrt"><meta property="og:site_name" content="Nordbote">
<meta name="author" content="Ada Berg"><meta property="article:published_time" content="2024-10-24T14:17:00+02:00">
<link rel="canonical" href="https://nordbote.example.org/hafen">
<script>var x = "tracking";</script><style>p {{{{ color: red }}}}</style></head>
<body><nav><ul><li><a href="/">Startseite</a></li><li><a href="/p">Politik</a></li></ul></nav>
<article><h1>Hafen bleibt gesperrt</h1>
<p>{SENTENCES[0]}</p><p>{SENTENCES[1]}</p>
<h2>Sechs Wochen Arbeit</h2><p>{SENTENCES[2]}</p>
<ul><li>Erstens wird der Pfeiler der Brücke ersetzt.</li><li>Zweitens wird die Fahrrinne geräumt.</li></ul>
<table><tr><th>Hafen</th><th>Plätze</th></tr><tr><td>Südstadt</td><td>17</td></tr></table>
<p>{SENTENCES[3]}</p></article>
<footer><a href="/i">Impressum</a> <a href="/d">Datenschutz</a></footer></body></html>"""


@pytest.mark.parametrize("charset", ["utf-8", "windows-1252"])
def test_html(charset: str) -> None:
    parsed = parse(HTML.format(charset=charset).encode(charset), ".html")
    for sentence in SENTENCES:
        assert sentence in parsed.text
    for piece in ("Pfeiler der Brücke ersetzt.", "Südstadt", "17", "Sechs Wochen Arbeit"):
        assert piece in parsed.text
    for piece in ("Impressum", "Startseite", "tracking", "<p>", "color"):
        assert piece not in parsed.text
    assert not parsed.text.startswith("-")
    meta = parsed.meta
    assert (meta.title, meta.outlet, meta.author) == ("Hafen bleibt gesperrt", "Nordbote", "Ada Berg")
    assert (meta.url, meta.published) == ("https://nordbote.example.org/hafen", "2024-10-24")


def test_html_without_metadata_makes_none_up() -> None:
    body = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)
    meta = parse(
        f"<html><body><article>{body}<p>Am 3. Mai 2019 war es ebenso.</p></article></body></html>".encode(), ".htm"
    ).meta
    assert meta.published is meta.url is meta.author is meta.outlet is None


def test_short_html_is_read_and_empty_html_is_bad() -> None:
    assert "Nur ein Satz." in parse(b"<html><body><p>Nur ein Satz.</p></body></html>", ".html").text
    with pytest.raises(BadFileError, match="no text"):
        parse(b"<html><head><title>x</title></head><body><script>1</script></body></html>", ".html")


# --- PDF -----------------------------------------------------------------------------------------------------------


def pdf(
    pages: list[list[str]], *, title: str | None = None, author: str | None = None, password: str | None = None
) -> bytes:
    """A small PDF in Helvetica (Windows-1252), a line per entry."""
    objects: list[bytes] = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    kids = []
    for lines in pages:
        escaped = [line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("cp1252") for line in lines]
        stream = b"BT /F 11 Tf 14 TL 50 780 Td " + b" ".join(b"(" + line + b") Tj T*" for line in escaped) + b" ET"
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream))
        content = len(objects)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>>>/Contents %d 0 R>>"
            % content
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), b" ".join(kids))
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, io.SEEK_END)
    offsets = []
    for number, content_bytes in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, content_bytes))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    out.write(b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
    if title is None and author is None and password is None:
        return out.getvalue()
    writer = PdfWriter(clone_from=PdfReader(out))
    writer.add_metadata({key: value for key, value in (("/Title", title), ("/Author", author)) if value})
    if password is not None:
        writer.encrypt(password, algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def test_pdf_lines_become_paragraphs() -> None:
    document = read_pdf(
        pdf(
            [
                [
                    "Hafen von Nordstadt bleibt gesperrt",
                    "Der Hafen von Nordstadt bleibt nach Angaben der Behörden bis Ende Novem-",
                    "ber gesperrt. Das Geld kommt aus Nord- und Südstadt, sagte die Ukraine-",
                    "Beauftragte des Landes am Montag nach einer langen Sitzung im Rathaus.",
                    "Sie sprach von Kosten.",
                    "Die Reeder weichen inzwischen auf den Hafen von Südstadt aus, der dafür",
                    "zwei Liegeplätze freigeräumt hat.",
                ]
            ]
        )
    )
    assert document.text.split("\n\n") == [
        "Hafen von Nordstadt bleibt gesperrt",
        "Der Hafen von Nordstadt bleibt nach Angaben der Behörden bis Ende November gesperrt. Das Geld kommt aus "
        "Nord- und Südstadt, sagte die Ukraine-Beauftragte des Landes am Montag nach einer langen Sitzung im Rathaus. "
        "Sie sprach von Kosten.",
        "Die Reeder weichen inzwischen auf den Hafen von Südstadt aus, der dafür zwei Liegeplätze freigeräumt hat.",
    ]


def test_pdf_running_heads_and_page_numbers_go() -> None:
    body = [
        f"Satz Nummer {word} steht auf einer eigenen Seite des Berichts." for word in ("eins", "zwei", "drei", "vier")
    ]
    pages = [["Nordbote, Ausgabe 17", sentence, f"Seite {n} von 4"] for n, sentence in enumerate(body, 1)]
    assert (
        read_pdf(pdf(pages)).text.split("\n\n") == [" ".join(body)] or read_pdf(pdf(pages)).text.split("\n\n") == body
    )
    lines = without_running_heads([["Kopf", "a b c", "12"], ["Kopf", "d e f", "- 13 -"], ["Kopf", "g h i", "14 / 20"]])
    assert lines == ["a b c", "d e f", "g h i"]
    assert without_running_heads([["Nur eine Seite", "mit Text"]]) == ["Nur eine Seite", "mit Text"]


def test_a_hyphen_stays_where_the_word_is_written_with_it() -> None:
    assert join_lines(["Ein long-term plan is a plan, and a second long-", "term plan is another."]).endswith(
        "second long-term plan is another."
    )


@pytest.mark.parametrize(
    ("title", "author", "kept"),
    [
        ("Bericht über den Hafen", "Ada Berg", ("Bericht über den Hafen", "Ada Berg")),
        ("Microsoft Word - bericht.docx", "Microsoft Office User", (None, None)),
        ("untitled", "admin", (None, None)),
        ("scan 0001.pdf", "user@example.org", (None, None)),
    ],
)
def test_pdf_properties_only_where_a_person_wrote_them(title: str, author: str, kept: tuple[str | None, ...]) -> None:
    parsed = parse(pdf([["Ein Satz über den Hafen."]], title=title, author=author), ".pdf")
    assert (parsed.meta.title, parsed.meta.author) == kept
    assert parsed.meta.published is None


def test_pdf_that_cannot_be_read() -> None:
    lines = [["Ein Satz über den Hafen."]]
    assert read_pdf(pdf(lines, password="")).text == lines[0][0]
    for data, reason in (
        (pdf(lines, password="geheim"), "password"),
        (pdf([[]]), "no text"),
        (pdf(lines)[:200], "damaged"),
        (b"%PDF-1.4\nnothing", "damaged"),
        (b"Das ist gar kein PDF.", "not a PDF"),
        (pdf([["x"]] * (MAX_PAGES + 1)), "pages"),
    ):
        with pytest.raises(BadFileError, match=reason):
            parse(data, ".pdf")


def test_nothing_is_printed_about_bad_files(capfd: pytest.CaptureFixture[str]) -> None:
    for data, suffix in (
        (pdf([["Ein Satz."]])[:-200], ".pdf"),
        (b"%PDF-1.4\nx", ".pdf"),
        (b"<html><body></body>", ".html"),
    ):
        with contextlib.suppress(BadFileError):
            parse(data, suffix)
    assert capfd.readouterr() == ("", "")


def test_pdf_that_draws_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.reading.pdf.MAX_OPERATIONS", 50)
    with pytest.raises(BadFileError, match="too much work"):
        read_pdf(pdf([["Ein Satz."] * 40] * 2))
    monkeypatch.setattr("qa.reading.pdf.MAX_OPERATIONS", 5000)
    monkeypatch.setattr("qa.reading.pdf.MAX_CHARACTERS", 100)
    with pytest.raises(BadFileError, match="characters"):
        read_pdf(pdf([["Ein Satz."] * 40]))
