from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from qa import __version__
from qa.cli import app, main

ROOT = Path(__file__).resolve().parent.parent

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}

STORY = """---
title: Haubitzen aus Seoul
outlet: Beispielblatt
published: 2024-10-23
---
Seoul prüft die Lieferung von K9-Haubitzen an die Ukraine. Das sagte ein Sprecher am Dienstag in Seoul.

In Kursk stehen nach Angaben aus Kiew rund 2.600 Soldaten aus Nordkorea.
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with one article, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in [name for name in os.environ if name.startswith("QA_")]:
        monkeypatch.delenv(name)
    work = tmp_path / "work"
    (work / "texts").mkdir(parents=True)
    (work / "texts" / "a.md").write_text(STORY, encoding="utf-8")
    monkeypatch.chdir(work)
    return work


class Ran:
    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def qa(capsys: pytest.CaptureFixture[str]):
    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        captured = capsys.readouterr()
        return Ran(int(left.value.code or 0), captured.out, captured.err)

    return run


def test_asking_builds_on_the_fly_into_the_cache_and_answers(place: Path, qa) -> None:
    ran = qa("ask", "Which howitzers could Seoul deliver to Ukraine?", "--articles", "texts")
    assert ran.status == 0
    assert "[1] Seoul prüft die Lieferung von K9-Haubitzen an die Ukraine.\n" in ran.out
    assert "Haubitzen aus Seoul · Beispielblatt · 2024-10-23" in ran.out
    assert "Building the index" in ran.err
    assert sorted(path.name for path in place.iterdir()) == ["texts"]
    again = qa("ask", "Which howitzers could Seoul deliver to Ukraine?", "--articles", "texts", "--no-build")
    assert (again.out, again.err) == (ran.out, "")


def test_json_is_one_answer_with_the_documented_fields(place: Path, qa) -> None:
    ran = qa("ask", "Wie viele Soldaten stehen in Kursk?", "--articles", "texts", "--json")
    answer = json.loads(ran.out)
    assert ran.out.count("\n") == 1
    assert answer["status"] == "answered"
    first = answer["citations"][0]
    assert first["number"] == 1
    assert "2.600" in first["quote"]
    documented = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "ANSWER.md").read_text(encoding="utf-8")))
    assert set(answer) | set(first) | set(answer["passages"][0]) <= documented


def test_explain_shows_ranks_in_both_forms(place: Path, qa) -> None:
    shown = qa("ask", "Haubitzen", "--articles", "texts", "--explain").out
    assert "cosine" in shown
    assert "BM25" in shown
    explained = json.loads(qa("ask", "Haubitzen", "--articles", "texts", "--explain", "--json").out)["explain"]
    assert explained[0]["dense_rank"] == 1


def test_questions_are_read_from_standard_input(place: Path, qa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "sys.stdin", io.StringIO("Welche Haubitzen prüft Seoul?\n\nWhat is the capital of Australia?\n")
    )
    ran = qa("ask", "-", "--articles", "texts", "--json")
    answers = [json.loads(line) for line in ran.out.splitlines()]
    assert [(a["question"], a["status"]) for a in answers] == [
        ("Welche Haubitzen prüft Seoul?", "answered"),
        ("What is the capital of Australia?", "abstained"),
    ]


def test_a_question_may_lean_on_the_ones_before_it(place: Path, qa) -> None:
    asked = ["ask", "Und über die Soldaten?", "--articles", "texts", "--json"]
    ran = qa(*asked, "--after", "Wer ist Kim?", "--after", "Was sagt Kiew über die Raketen?")
    assert json.loads(ran.out)["searched_for"] == "Was sagt Kiew über die Soldaten?"
    alone = json.loads(qa(*asked).out)
    assert alone["searched_for"] == "Und über die Soldaten?"


def test_what_was_searched_for_is_shown_where_it_is_not_what_was_typed(place: Path, qa) -> None:
    ran = qa(
        "ask", "Wie viele?", "--articles", "texts", "--after", "Stehen Soldaten aus Nordkorea in Kursk?", "--explain"
    )
    assert ran.out.startswith("Gesucht wurde nach: Stehen Soldaten, Nordkorea, Kursk: Wie viele?\n")
    assert "2.600" in ran.out
    assert "Gesucht" not in qa("ask", "Wie viele  Soldaten stehen in Kursk?", "--articles", "texts").out


def test_a_filter_is_said_and_keeps_to_it(place: Path, qa) -> None:
    (place / "texts" / "b.md").write_text(
        "---\noutlet: Nordpresse\npublished: 2025-01-02\n---\nDie K9-Haubitzen aus Seoul sind in Kiew angekommen.",
        "utf-8",
    )
    asked = ["ask", "Welche K9-Haubitzen prüft Seoul?", "--articles", "texts"]
    ran = qa(*asked, "--since", "2024-10", "--until", "2024", "--outlet", "beispielblatt")
    assert ran.out.startswith("Nur Artikel: Oktober 2024 bis 2024 · Beispielblatt\n[1] Seoul prüft")
    assert "Kiew angekommen" not in ran.out
    record = json.loads(qa(*asked, "--outlet", "Nordpresse", "--outlet", "Beispielblatt", "--json").out)
    assert record["only"] == {"since": None, "until": None, "outlets": ["Nordpresse", "Beispielblatt"]}
    wrong = qa(*asked, "--outlet", "Beispiel")
    assert (wrong.status, wrong.out) == (2, "")
    assert wrong.err == "qa: no article is from an outlet called 'Beispiel' - did you mean 'Beispielblatt'?\n"
    silent = qa(*asked, "--until", "2023").out
    assert "Ohne den Filter gibt es eine Antwort." in silent
    explained = json.loads(qa(*asked, "--since", "2025", "--json", "--explain").out)["explain"]
    assert {passage["outlet"] for passage in explained} == {"Nordpresse"}


def test_an_abstention_is_an_answer_not_an_error(place: Path, qa) -> None:
    ran = qa("ask", "Was ist die Hauptstadt von Australien?", "--articles", "texts")
    assert ran.status == 0
    assert ran.out.startswith("Dazu steht nichts in den Artikeln.\n")
    assert "[1]" not in ran.out


def test_a_question_about_the_articles_lists_them(place: Path, qa) -> None:
    ran = qa("ask", "Which articles are there?", "--articles", "texts")
    assert (ran.status, ran.out) == (
        0,
        "There is one article:\n  - Haubitzen aus Seoul · Beispielblatt · 2024-10-23\n",
    )
    answer = json.loads(qa("ask", "Welche Artikel gibt es?", "--articles", "texts", "--json").out)
    assert (answer["status"], answer["lang"]) == ("about", "de")
    listed = answer["articles"]
    assert [(one["title"], one["published"]) for one in listed] == [("Haubitzen aus Seoul", "2024-10-23")]
    documented = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "ANSWER.md").read_text(encoding="utf-8")))
    assert set(listed[0]) <= documented


def test_a_greeting_is_answered_without_quotes(place: Path, qa) -> None:
    ran = qa("ask", "hi", "--articles", "texts")
    assert ran.status == 0
    assert ran.out.startswith("Hello! I answer questions with word-for-word sentences from one article")


def test_what_was_searched_for_is_told_where_words_were_mended(place: Path, qa) -> None:
    ran = qa("ask", "Welche Haubizen prüft Söul?", "--articles", "texts")
    assert ran.out.startswith("Gesucht wurde nach: Welche Haubitzen prüft Seoul?\n")
    assert "Gesucht" not in qa("ask", "Welche Haubitzen  prüft Seoul?", "--articles", "texts").out


def test_no_build_refuses_with_the_command_that_mends_it(place: Path, qa) -> None:
    ran = qa("ask", "x", "--articles", "texts", "--index", "i", "--no-build")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "qa: no index in i - qa build --articles texts --index i\n"


def test_a_build_takes_workers_and_an_engine(place: Path, qa) -> None:
    assert "1 articles" in qa("build", "--articles", "texts", "--index", "i", "--workers", "2").out
    wrong = qa("build", "--articles", "texts", "--engine", "spark")
    assert (wrong.status, wrong.out) == (2, "")
    assert wrong.err == ("qa: --engine = 'spark' in the command line does not do - it must be one of processes, ray\n")
    assert "it must lie between 0 and 1024" in qa("build", "--articles", "texts", "--workers", "-1").err


def test_build_reports_bad_files_and_leaves_with_3(place: Path, qa) -> None:
    assert qa("build", "--articles", "texts", "--index", "i").status == 0
    (place / "texts" / "bad.pdf").write_bytes(b"no pdf")
    (place / "texts" / "notes.docx").write_bytes(b"x")
    ran = qa("build", "--articles", "texts", "--index", "i")
    assert ran.status == 3
    assert re.search(r"^bad +bad\.pdf: \S", ran.out, re.MULTILINE)
    assert re.search(r"^skipped +notes\.docx: \S", ran.out, re.MULTILINE)
    asked = qa("ask", "Haubitzen", "--articles", "texts", "--index", "i")
    assert asked.status == 0
    assert "1 file could not be read" in asked.err


def test_info_tells_what_is_indexed(place: Path, qa) -> None:
    qa("build", "--articles", "texts", "--index", "i")
    shown = qa("info", "--articles", "texts", "--index", "i").out
    for expected in ("1 from", "bundled, 384 dimensions", "Haubitzen aus Seoul (Beispielblatt · 2024-10-23 · de)"):
        assert expected in shown
    record = json.loads(qa("info", "--articles", "texts", "--index", "i", "--json").out)
    assert record["article_count"] == 1
    assert record["bytes"] > 0


def test_doctor_finds_nothing_in_a_sound_installation(place: Path, qa) -> None:
    qa("build", "--articles", "texts", "--index", "i")
    ran = qa("doctor", "--articles", "texts", "--index", "i")
    assert ran.status == 0, ran.out
    assert "FAIL" not in ran.out
    for name in ("faiss", "gradio", "encoder", "index", "articles", "vectors", "search"):
        assert f"ok   {name}:" in ran.out


def test_doctor_names_what_mends(place: Path, qa) -> None:
    ran = qa("doctor", "--articles", "texts", "--index", "i")
    assert ran.status == 1
    assert "FAIL index: no index in i" in ran.out
    assert "mend: qa build" in ran.out
    qa("build", "--articles", "texts", "--index", "i")
    (place / "texts" / "b.md").write_text("Noch ein Bericht. Er ist neu.", encoding="utf-8")
    ran = qa("doctor", "--articles", "texts", "--index", "i")
    assert ran.status == 1
    assert "FAIL articles: texts has changed" in ran.out


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["ask", "x", "--articles", "nowhere"], 1, "there is no articles folder nowhere - name it with --articles DIR"),
        (["ask", "x"], 1, "there is no articles folder seeds"),
        (["ask", "x", "--articles", "texts", "--top", "99"], 2, "--top = 99 in the command line does not do"),
        (
            ["ask", "x", "--articles", "texts", "--since", "Oktober"],
            2,
            "since 'Oktober' is not a date - write 2024-10-24",
        ),
        (["ask"], 2, "Missing argument 'question'"),
        (["ask", "x", "--nonsense"], 2, "No such option: --nonsense"),
        (["frobnicate"], 2, "No such command 'frobnicate'"),
        (["ask", "x", "--articles", "texts", "--encoder", "./none"], 1, "none"),
    ],
)
def test_an_error_is_one_line_on_stderr(
    place: Path, qa, arguments: list[str], status: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    ran = qa(*arguments)
    assert (ran.status, ran.out) == (status, "")
    assert says in ran.err
    assert ran.err.startswith("qa: ")
    assert ran.err.count("\n") == 1


def test_an_unexpected_error_is_one_line_too_and_debug_shows_the_traceback(
    place: Path, qa, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the disk\nis on fire")

    monkeypatch.setattr("qa.embed.load_encoder", fail)
    ran = qa("ask", "x", "--articles", "texts")
    assert ran.status == 1
    assert ran.err.startswith("qa: unexpected RuntimeError: the disk is on fire - ")
    assert ran.err.count("\n") == 1
    assert "Traceback" in qa("ask", "x", "--articles", "texts", "--debug").err


def test_a_reader_that_leaves_early_is_no_error(place: Path) -> None:
    command = f"{sys.executable} -m qa ask - --articles texts | head -n 1"
    asked = "Welche Haubitzen?\n" * 20
    done = subprocess.run(  # noqa: S602
        command, shell=True, input=asked, capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert done.stdout == "Welche Haubitzen?\n"
    assert "rror" not in done.stderr


def test_keys_are_made_listed_and_revoked(place: Path, qa) -> None:
    made = qa("token", "add", "intranet")
    assert made.status == 0
    assert made.out.startswith("qa_")
    assert made.out.strip() not in (place / "tokens.json").read_text(encoding="utf-8")
    qa("token", "add", "prometheus", "--metrics")
    listed = [line.split("\t")[:2] for line in qa("token", "list").out.splitlines()]
    assert listed == [["intranet", "ask"], ["prometheus", "metrics"]]
    assert qa("token", "revoke", "intranet").status == 0
    assert qa("token", "list").out.startswith("prometheus")
    refused = qa("token", "revoke", "intranet")
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "there is no key named intranet" in refused.err


def test_another_address_is_refused_before_anything_slow_is_done(place: Path, qa) -> None:
    ran = qa("serve", "--articles", "texts", "--host", "0.0.0.0")  # noqa: S104
    assert ran.status == 2
    assert ran.err.startswith("qa: listening on 0.0.0.0 would let everyone on the network ask and read - set auth")
    assert ran.err.count("\n") == 1


def test_the_version_is_printed(qa) -> None:
    assert qa("--version").out == f"qa {__version__}\n"


def test_every_command_is_documented() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"`qa {command.callback.__name__}" in readme
        assert command.callback.__doc__
    for flag in ("--after", "--since", "--until", "--outlet"):
        assert f"`{flag}" in readme
    assert "`qa token`" in readme
