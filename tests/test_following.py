"""What ``qa serve`` starts with, by its flags and what is published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qa import reload, watch
from qa.build import build_index, ensure_index
from qa.config import Settings
from qa.embed import load_encoder
from qa.server.following import following
from qa.types import Encoder


@pytest.fixture
def folders(tmp_path: Path) -> Settings:
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "a.md").write_text("In Kursk stehen 2.600 Soldaten.", encoding="utf-8")
    return Settings(articles=tmp_path / "articles", index=tmp_path / "index")


@pytest.fixture(autouse=True)
def logged() -> Iterator[None]:
    """Leave the logs as they were: a server has them written to its standard error."""
    logs = (reload.LOG, watch.LOG)
    before = [(log.handlers, log.level, log.propagate) for log in logs]
    yield
    for log, (handlers, level, propagate) in zip(logs, before, strict=True):
        log.handlers, log.propagate = handlers, propagate
        log.setLevel(level)


def test_it_begins_with_the_index_that_it_is_given(folders: Settings) -> None:
    follow = following(folders, ensure_index)
    assert follow.bot.article_count == 1
    assert follow.bot.since is not None
    assert follow.watcher is None
    assert follow.reloader.look() is False
    follow.bot.close()


def test_with_nothing_published_it_waits_and_says_so(folders: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    follow = following(folders, None)
    assert follow.bot.index_id is None
    assert f"no index in {folders.index} yet; it is taken into use once it is published" in capsys.readouterr().err
    build_index(folders, load_encoder())
    assert follow.reloader.look() is True
    assert follow.bot.article_count == 1
    assert f"index {follow.bot.index_id} is in use: 1 articles" in capsys.readouterr().err
    follow.bot.close()


def test_with_what_is_published_damaged_it_waits_and_says_why(
    folders: Settings, encoder: Encoder, capsys: pytest.CaptureFixture[str]
) -> None:
    (build_index(folders, encoder).folder / "corpus.db").write_bytes(b"")
    follow = following(folders, None)
    assert follow.bot.index_id is None
    (told,) = capsys.readouterr().err.splitlines()
    assert "corpus.db is damaged" in told
    assert told.endswith("; there is none to answer from")


def test_articles_that_changed_after_the_build_do_not_keep_it_from_starting(
    folders: Settings, encoder: Encoder
) -> None:
    built = build_index(folders, encoder).manifest.build_id
    (folders.articles / "b.md").write_text("Noch ein Artikel.", encoding="utf-8")
    follow = following(folders, None)
    assert follow.bot.index_id == built
    follow.bot.close()


@pytest.mark.parametrize(("opens", "builds"), [(ensure_index, False), (None, True)])
def test_watching_builds_at_once_only_where_the_index_may_be_of_before(
    tmp_path: Path, folders: Settings, opens: object, builds: bool
) -> None:
    settings = Settings(
        articles=folders.articles, index=folders.index, watch=True, settle_seconds=0, watch_seconds=0.05
    )
    follow = following(settings, opens)  # type: ignore[arg-type]
    assert follow.watcher is not None
    for _ in range(2):
        follow.watcher.look()
    assert follow.watcher.state.built == int(builds)
    follow.reloader.look()
    assert follow.bot.article_count == 1
    follow.bot.close()
