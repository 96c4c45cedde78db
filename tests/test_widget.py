"""The widget's files and routes: how large, for whom, with which headers; nothing of an article without the door."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest

from qa.config import Settings
from qa.labels import LABELS
from qa.server.widget import widget_page
from qa.server.widget_texts import widget_texts
from qa.web import STATIC
from tests.browser.fakes import HOSTILE
from tests.sites import site

DOCS = Path(__file__).resolve().parent.parent / "docs" / "WIDGET.md"
ALLOWED = "https://intern.example"
FRAME = (STATIC / "widget-frame.js").read_text(encoding="utf-8")
LOADER = (STATIC / "widget-loader.js").read_text(encoding="utf-8")
DEMO = (STATIC / "widget-demo.html").read_text(encoding="utf-8")


def told(page: str) -> dict:
    content = re.search(r'<meta name="qa-widget" content="([^"]*)">', page)
    assert content
    return json.loads(html.unescape(content[1]))


def test_it_stays_light() -> None:
    page = widget_page("article-qa", Settings(widget=True), written=False)
    assert len(LOADER.encode()) < 10_000
    assert len((page + FRAME + (STATIC / "widget.css").read_text(encoding="utf-8")).encode()) < 60_000


@pytest.mark.parametrize("path", ["/widget", "/widget.js", "/widget-demo"])
def test_it_is_off_until_its_owner_turns_it_on_and_says_so(path: str) -> None:
    off = site().get(path)
    assert (off.status_code, off.json()["type"]) == (404, "/problems/not-found")
    assert "widget = true" in off.json()["detail"]
    assert site(widget=True).get(path).status_code == 200


def test_exactly_the_allowed_origins_embed_it_and_its_policy_is_strict() -> None:
    client = site(widget=True, allowed_origins=(ALLOWED,))
    policy = client.get("/widget").headers["content-security-policy"]
    assert f"frame-ancestors 'self' {ALLOWED}" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in client.get("/widget-demo").headers["content-security-policy"]
    assert "frame-ancestors 'self'" in site(widget=True).get("/widget").headers["content-security-policy"]


def test_the_loader_may_be_read_from_any_page_and_is_asked_for_again() -> None:
    client = site(widget=True)
    loader = client.get("/widget.js")
    assert loader.text == LOADER
    assert loader.headers["content-type"].startswith("text/javascript")
    assert loader.headers["cross-origin-resource-policy"] == "cross-origin"
    assert loader.headers["cache-control"] == "no-cache"
    assert client.get("/widget.js", headers={"if-none-match": loader.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("path", ["/widget", "/widget.js", "/widget-demo", "/static/qa/widget-frame.js"])
def test_no_cookie_is_set_and_no_word_of_an_article_told(path: str) -> None:
    reply = site(widget=True).get(path)
    assert "set-cookie" not in reply.headers
    assert "Fähr" not in reply.text
    assert not re.search(r"""(src|href)=["'](https?:)?//""", reply.text)


@pytest.mark.parametrize("auth", ["none", "token"])
def test_the_shell_is_open_and_what_it_asks_is_not(auth: str, tmp_path: Path) -> None:
    client = site(widget=True, auth=auth, token_file=tmp_path / "tokens.json")
    assert client.get("/widget").status_code == 200
    assert told(client.get("/widget").text)["bearer"] == (auth == "token")
    assert client.get("/api/articles").status_code == (401 if auth == "token" else 200)


def test_the_page_says_what_its_script_needs() -> None:
    settings = Settings(widget=True, allowed_origins=(ALLOWED,), log_questions=True, max_history=3)
    page = told(widget_page("Archive", settings, written=True))
    assert page["origins"] == [ALLOWED]
    assert (page["logged"], page["written"], page["history"], page["limit"]) == (True, True, 3, 2000)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text(name: str) -> None:
    page = widget_page(name, Settings(), written=False)
    assert page.count("<script") == 1
    assert told(page)["name"] == name


def test_every_text_that_the_script_shows_is_there_in_both_languages() -> None:
    texts = widget_texts()
    assert set(texts) == set(LABELS) == {"de", "en"}
    used = set(re.findall(r"\bTEXTS\.(\w+)", FRAME))
    for lang in texts:
        assert used == set(texts[lang])
        assert set(texts[lang]["failures"]) == set(texts["en"]["failures"])
        holes = {name: re.findall(r"{\w+}", text) for name, text in texts[lang].items() if isinstance(text, str)}
        other = {name: re.findall(r"{\w+}", text) for name, text in texts["en"].items() if isinstance(text, str)}
        assert {name: sorted(found) for name, found in holes.items()} == {n: sorted(f) for n, f in other.items()}


@pytest.mark.parametrize("script", [FRAME, LOADER])
def test_nothing_is_stored_made_from_text_or_sent_to_everyone(script: str) -> None:
    for banned in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "DOMParser",
    ):
        assert banned not in script
    for banned in ("localStorage", "sessionStorage", "indexedDB", "document.cookie", "import ", "import("):
        assert banned not in script
    assert not re.search(r"postMessage\([^;]*['\"]\*['\"]", script)
    assert "event.source !==" in script
    assert "event.origin !==" in script


def test_the_documentation_has_every_attribute_method_and_event() -> None:
    text = DOCS.read_text(encoding="utf-8")
    attributes = set(re.findall(r"options\.(\w+)", LOADER)) | {"starters", "theme", "accent"}
    for name in attributes:
        written = re.sub("([A-Z])", lambda capital: f"-{capital[0].lower()}", name)
        assert f"`data-{written}`" in text, name
    for method in re.findall(r"api\.(\w+) = ", LOADER):
        assert f"{method}(" in text, method
    for event in ("ready", "answer", "error"):
        assert f"`{event}`" in text


def test_the_demo_has_one_line_for_the_widget_and_no_inline_script() -> None:
    assert DEMO.count('<script src="widget.js"') == 1
    assert not re.search(r"<script(?![^>]*\bsrc=)", DEMO)
    assert not re.search(r"\son\w+=|style=", DEMO)
