"""Which files of a folder are read, and what becomes of each."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.articles import MAX_BYTES, article_id, list_files, read_article
from qa.errors import ArticlesError, BadFileError
from qa.types import Article

BODY = (
    "Der Hafen von Nordstadt bleibt laut den Behörden bis Ende November gesperrt, weil eine Brücke beschädigt ist.\n\n"
    "Die Reparatur kostet laut Bürgermeisterin Ada Berg rund 2,4 Millionen Euro. Die Hälfte kommt vom Land."
)


def put(folder: Path, name: str, text: str | bytes = BODY) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder: Path, name: str, text: str | bytes = BODY) -> Article:
    return read_article(put(folder, name, text), folder)


# --- listing -------------------------------------------------------------------------------------------------------


def test_folders_are_walked_in_the_order_of_paths(tmp_path: Path) -> None:
    names = ["b.txt", "a/z.md", "a.md", "a/b/c.HTML", "c.pdf", "B.markdown", "a-b.htm"]
    for name in names:
        put(tmp_path, name)
    listing = list_files(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in listing.files] == sorted(names)
    assert listing.skipped == ()


def test_what_is_not_read_is_listed_with_its_reason(tmp_path: Path) -> None:
    folder, outside = tmp_path / "articles", tmp_path / "outside"
    put(outside, "secret.txt")
    put(folder, "good.txt")
    put(folder, ".hidden.txt")
    put(folder, ".git/x.txt")
    put(folder, "table.xlsx")
    put(folder, "README")
    put(folder, "sub/deep.txt")
    (folder / "out.txt").symlink_to(outside / "secret.txt")
    (folder / "outdir").symlink_to(outside)
    (folder / "up").symlink_to(folder)
    (folder / "sub" / "again").symlink_to(folder / "sub")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    (folder / "gone.txt").symlink_to(folder / "nothing.txt")
    (folder / "same.txt").symlink_to(folder / "good.txt")
    os.mkfifo(folder / "pipe.txt")
    listing = list_files(folder)
    assert [path.relative_to(folder).as_posix() for path in listing.files] == ["good.txt", "same.txt", "sub/deep.txt"]
    reasons = {one.path: one.reason for one in listing.skipped}
    assert list(reasons) == sorted(reasons)
    for path, part in {
        ".hidden.txt": "hidden",
        ".git": "hidden",
        "table.xlsx": ".xlsx files are not read",
        "README": "without a known type",
        "out.txt": "link out of the folder",
        "outdir": "link out of the folder",
        "up": "link to a folder",
        "sub/again": "link to a folder",
        "loop.txt": "leads back to itself",
        "gone.txt": "link to nothing",
        "pipe.txt": "not a regular file",
    }.items():
        assert part in reasons.pop(path)
    assert reasons == {}


def test_a_folder_that_is_a_link_itself_is_walked(tmp_path: Path) -> None:
    put(tmp_path / "real", "a.txt")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert list_files(tmp_path / "link").files == (tmp_path / "link" / "a.txt",)


def test_file_names_that_are_not_utf8_are_skipped(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"h\xe4fen.txt")).write_text(BODY)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    listing = list_files(tmp_path)
    assert listing.files == ()
    assert "UTF-8" in listing.skipped[0].reason
    listing.skipped[0].path.encode()


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ArticlesError, match="no articles folder"):
        list_files(tmp_path / "missing")
    with pytest.raises(ArticlesError, match="is a file"):
        list_files(put(tmp_path, "file.txt"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_folders_and_files(tmp_path: Path) -> None:
    put(tmp_path, "sub/a.txt")
    bad = put(tmp_path, "b.txt")
    (tmp_path / "sub").chmod(0)
    bad.chmod(0)
    try:
        assert [one.path for one in list_files(tmp_path).skipped] == ["sub"]
        with pytest.raises(BadFileError, match="permission"):
            read_article(bad, tmp_path)
    finally:
        (tmp_path / "sub").chmod(0o700)


# --- names ---------------------------------------------------------------------------------------------------------


def test_article_id() -> None:
    digest = hashlib.sha256("sub/Größe & Maß (ä).txt".encode()).hexdigest()[:8]
    assert article_id("sub/Größe & Maß (ä).txt") == f"groesse-mass-ae-{digest}"
    assert article_id("a/x.md") != article_id("b/x.md")
    assert article_id("x.md") != article_id("x.txt")
    assert article_id("北京.txt").startswith("article-")


@given(st.text(min_size=1, max_size=120))
def test_article_ids_are_safe_in_an_address(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*-[0-9a-f]{8}", article_id(name))
    assert len(article_id(name)) <= 48 + 9
    assert article_id(unicodedata.normalize("NFC", f"{name}.txt")) == article_id(
        unicodedata.normalize("NFC", f"{name}.txt")
    )


# --- reading -------------------------------------------------------------------------------------------------------


def test_front_matter_goes_before_furniture(tmp_path: Path) -> None:
    page = f"Kopfzeile der Seite\n\nVon Max Muster\n\n24.10.2024, 14:17 Uhr\n\n{BODY}\n\nQuelle: nordbote.de, dpa"
    plain = read(tmp_path, "plain.txt", page)
    assert (plain.title, plain.author, plain.published) == ("Kopfzeile der Seite", "Max Muster", "2024-10-24T14:17")
    assert (plain.outlet, plain.url, plain.lang, plain.path) == ("nordbote.de", None, "de", "plain.txt")
    stated = read(
        tmp_path,
        "sub/stated.md",
        "---\ntitle: Hafen\u00ad sperre\noutlet: Südbote\npublished: 2024-10-25\nlang: en\nauthor: Ada Berg\nurl: https://example.org/\n---\n"
        + page,
    )
    assert (stated.title, stated.author, stated.published) == ("Hafen sperre", "Ada Berg", "2024-10-25")
    assert (stated.outlet, stated.url, stated.lang, stated.path) == (
        "Südbote",
        "https://example.org/",
        "en",
        "sub/stated.md",
    )
    assert BODY in stated.text


def test_title_of_markdown_is_not_in_the_text(tmp_path: Path) -> None:
    article = read(
        tmp_path, "a.md", f"---\ntitle: Hafen gesperrt\n---\n# Hafen gesperrt\n\n{BODY}\n\n## Kosten\n\n{BODY}"
    )
    assert article.title == "Hafen gesperrt"
    assert article.text == f"{BODY}\n\nKosten\n\n{BODY}"


def test_the_digest_covers_title_and_text_and_nothing_else(tmp_path: Path) -> None:
    one = read(tmp_path, "a.md", f"---\ntitle: T\n---\n{BODY}")
    assert one.sha256 == hashlib.sha256(f"T\0{BODY}".encode()).hexdigest()
    assert read(tmp_path, "b.md", f"---\ntitle: T\nauthor: X\n---\n\n{BODY}\n").sha256 == one.sha256
    assert read(tmp_path, "c.md", f"---\ntitle: U\n---\n{BODY}").sha256 != one.sha256
    assert read(tmp_path, "d.txt", BODY).sha256 == hashlib.sha256(f"\0{BODY}".encode()).hexdigest()


def test_language_is_detected_where_it_is_not_stated(tmp_path: Path) -> None:
    assert read(tmp_path, "a.txt").lang == "de"
    english = (
        "The port of Northtown will stay closed until the end of November because a bridge is damaged, officials said."
    )
    assert read(tmp_path, "b.txt", english).lang == "en"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_encoding_and_line_end_gives_the_same_article(tmp_path: Path, encoding: str) -> None:
    article = read(tmp_path, "a.txt", BODY.replace("\n", "\r\n").encode(encoding))
    assert article.text == BODY


def test_odd_characters_are_put_right(tmp_path: Path) -> None:
    messy = (
        BODY.replace("Hafen", "Ha\u00adfen")
        .replace(" von ", "\u00a0von\u2009 ")
        .replace("bleibt", "bl\u200beibt\ufeff")
    )
    messy = unicodedata.normalize("NFD", messy).replace("gesperrt", "\u202egesperrt\u202c\x07")
    assert read(tmp_path, "a.txt", f"\ufeff  {messy}\t \n\n\n\n").text == BODY


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=400))
def test_the_form_of_a_text_holds_for_any_file(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    path = folder / "any.txt"
    path.write_bytes(f"{text}\n{BODY}".encode("utf-8", "replace"))
    try:
        article = read_article(path, folder)
    except BadFileError:
        return
    assert article.text == unicodedata.normalize("NFC", article.text)
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\ufeff\u00a0]|\n{3}|  |^\s|\s$", article.text
    )
    assert all(paragraph == paragraph.strip() and "\n" not in paragraph for paragraph in article.text.split("\n\n"))


def test_bad_files_give_a_reason_in_one_line(tmp_path: Path) -> None:
    for name, data, reason in (
        ("empty.txt", b"", "empty"),
        ("blank.md", b" \n\t\n", "empty"),
        ("binary.txt", b"\x89PNG\x00\x01\x02" * 50, "binary"),
        ("renamed.pdf", BODY.encode(), "not a PDF"),
        ("broken.pdf", b"%PDF-1.7 nothing", "damaged"),
        ("broken.md", b"---\ntitle: [\n---\nText.", "line"),
        ("menu.txt", b"Home\nWerbung\nTeilen\nImpressum\n", "nothing is left"),
        ("script.html", b"<html><body><script>1</script></body></html>", "no text"),
    ):
        with pytest.raises(BadFileError, match=reason) as caught:
            read(tmp_path, name, data)
        assert "\n" not in str(caught.value)
        assert name not in caught.value.message


def test_missing_and_large_files(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="cannot be read: no such file"):
        read_article(tmp_path / "gone.txt", tmp_path)
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(BadFileError, match="cannot be read"):
        read_article(tmp_path / "folder.txt", tmp_path)
    path = put(tmp_path, "large.txt", BODY * 10)
    with pytest.raises(BadFileError, match="larger than"):
        read_article(path, tmp_path, max_bytes=len(BODY) * 5)
    assert read_article(path, tmp_path, max_bytes=MAX_BYTES).text


def test_the_originals(shared: Path) -> None:
    folder = shared / "articles"
    listing = list_files(folder)
    articles = [read_article(path, folder) for path in listing.files]
    assert len(articles) == 5
    assert len({article.id for article in articles}) == 5
    assert all(article.lang == "de" and len(article.text) > 2000 for article in articles)
    assert [article.outlet for article in articles] == ["KBS World Radio", None, None, "ntv.de", "euronews"]


def test_the_seeds_are_read_as_written(seeds: Path) -> None:
    listing = list_files(seeds)
    if not listing.files:
        pytest.skip("no seeds yet")
    for path in listing.files:
        article = read_article(path, seeds)
        assert article.title
        assert article.title not in article.text
        assert article.lang == "de"
