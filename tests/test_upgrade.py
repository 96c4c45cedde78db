"""An index that another version wrote: one message says so, and it is built again; a misspelt setting is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from qa.manifest import SCHEMA, read_manifest
from qa.publish import CURRENT_FILE, current_build
from tests.test_cli import Ran, place, qa  # noqa: F401 - fixtures

#: As article-qa with schema 2 wrote it.
OLDER = Path(__file__).parent / "data" / "manifest_schema_2.json"


def publish(root: Path, manifest: str) -> str:
    """Leave in ``root`` what another version published; gives the name of the build."""
    name = json.loads(manifest).get("build_id", "20991231T000000000000-00000000")
    (root / name).mkdir(parents=True)
    (root / name / "manifest.json").write_text(manifest, encoding="utf-8")
    (root / CURRENT_FILE).write_text(f"{name}\n", encoding="ascii")
    return name


NEWER = json.dumps({"schema": SCHEMA + 1, "what": "nobody knows yet"})


@pytest.mark.parametrize("manifest", [OLDER.read_text(encoding="utf-8"), NEWER], ids=["older", "newer"])
def test_an_index_of_another_schema_is_built_again_with_one_message(place: Path, qa, manifest: str) -> None:  # noqa: F811
    schema = json.loads(manifest)["schema"]
    said = f"index schema {schema}, this version writes {SCHEMA}"
    for command in (["build"], ["ask", "Welche Haubitzen prüft Seoul?"]):
        shutil.rmtree(place / "ix", ignore_errors=True)
        publish(place / "ix", manifest)
        ran: Ran = qa(*command, "--articles", "texts", "--index", "ix")
        assert ran.status == 0
        assert (ran.out + ran.err).count(said) == 1
        assert "Traceback" not in ran.err
        assert read_manifest(current_build(place / "ix")).schema == SCHEMA
        again = qa(*command, "--articles", "texts", "--index", "ix")
        assert said not in again.out + again.err


def test_without_leave_to_build_it_names_the_command(place: Path, qa) -> None:  # noqa: F811
    publish(place / "ix", OLDER.read_text(encoding="utf-8"))
    ran: Ran = qa("ask", "?", "--articles", "texts", "--index", "ix", "--no-build")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.count("\n") == 1
    assert f"has index schema 2, this version writes {SCHEMA} - qa build --articles texts --index ix\n" in ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["build", "--worker", "2"], "--workers"),
        (["ask", "?", "--artikles", "x"], "--articles"),
        (["serve", "--prot", "1"], "--port"),
        (["biuld"], "build"),
    ],
)
def test_a_misspelt_flag_or_command_is_refused_with_the_nearest(
    place: Path,  # noqa: F811
    qa,  # noqa: F811
    arguments: list[str],
    says: str,
) -> None:
    ran: Ran = qa(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert says in ran.err.partition("qa ")[0] + ran.err.partition(" - ")[0]


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("worker = 2", "unknown setting worker in qa.toml - did you mean workers?"),
        ("Threshold = 0.3", "unknown setting Threshold in qa.toml - did you mean threshold?"),
        ("chunk-words = 90", "unknown setting chunk-words in qa.toml - did you mean chunk_words?"),
        ("[server]\nport = 1", "unknown setting server in qa.toml"),
    ],
)
def test_a_misspelt_key_is_refused_with_the_nearest(place: Path, qa, toml: str, says: str) -> None:  # noqa: F811
    (place / "qa.toml").write_text(toml, encoding="utf-8")
    ran: Ran = qa("info")
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err


@pytest.mark.parametrize(
    ("name", "near"), [("QA_WORKER", "QA_WORKERS"), ("QA_TRESHOLD", "QA_THRESHOLD"), ("QA_ARTICLE", "QA_ARTICLES")]
)
def test_a_misspelt_variable_is_refused_with_the_nearest(
    place: Path,  # noqa: F811
    qa,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    near: str,
) -> None:
    monkeypatch.setenv(name, "1")
    ran: Ran = qa("info")
    assert ran.status == 2
    assert f"unknown setting {name} in the environment - did you mean {near}?" in ran.err
