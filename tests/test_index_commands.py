from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from qa.cli import main
from qa.config import load_settings
from qa.doctor import Check, examine
from qa.index_commands import index_commands

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("--articles", "texts", "--index", "i")


class Ran:
    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def qa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs a command in a folder with two builds of one article, which says first Seoul and then Busan."""
    (tmp_path / "texts").mkdir()
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([*arguments, *FOLDERS])
        captured = capsys.readouterr()
        return Ran(int(left.value.code or 0), captured.out, captured.err)

    for town in ("Seoul", "Busan"):
        (tmp_path / "texts" / "a.md").write_text(f"Die Haubitzen stehen in {town} bereit.", encoding="utf-8")
        run("build")
    return run


ASKED = ("ask", "Wo stehen die Haubitzen?")


def test_an_operator_goes_back_and_forth(qa, monkeypatch: pytest.MonkeyPatch) -> None:
    newest, older = (line.split()[0] for line in qa("index", "list").out.splitlines()[:2])
    back = qa("index", "rollback")
    assert (back.status, back.err) == (0, "")
    assert f"Rolled back to {older}" in back.out
    assert "the articles folder is no longer as it was then" in back.out

    answer = qa(*ASKED)
    assert "Seoul" in answer.out
    assert answer.err.count("\n") == 1
    assert answer.err.startswith(
        f"Not building: a rollback holds build {older}, the articles in texts have changed since"
    )
    listed = json.loads(qa("index", "list", "--json").out)
    assert [(one["id"], one["current"], one["held"]) for one in listed["builds"]] == [
        (newest, False, False),
        (older, True, True),
    ]
    assert "held by a rollback" in qa("info").out
    monkeypatch.setitem(sys.modules, "gradio", ModuleType("gradio"))  # takes six seconds to import
    held = Check(
        "articles",
        ok=True,
        found="1 indexed, 0 copies, a rollback holds it whatever the folder is now (qa build ends that)",
    )
    assert held in examine(load_settings({"articles": "texts", "index": "i"}))

    assert f"The rollback to {older} is over" in qa("build").out
    again = qa(*ASKED)
    assert "Busan" in again.out
    assert again.err == ""
    assert qa("index", "prune", "--keep", "0").out.endswith("freed\n")
    assert qa("index", "prune", "--keep", "0").out == "Nothing to remove\n"
    nothing = qa("index", "rollback")
    assert (nothing.status, nothing.out, nothing.err.count("\n")) == (2, "", 1)


def test_errors_are_one_line(qa, tmp_path: Path) -> None:
    for arguments, says in (
        (("index", "rollback", "nope"), "there is no build nope in i - qa index list shows"),
        (("index", "prune", "--keep", "-1"), "--keep"),
    ):
        ran = qa(*arguments)
        assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
        assert says in ran.err
    (tmp_path / "i" / "CURRENT").write_text("gone\n")
    ran = qa("index", "prune")
    assert (ran.status, ran.err.count("\n")) == (1, 1)
    assert "names 'gone', which is not there - qa build --articles texts --index i" in ran.err


def test_every_command_is_documented() -> None:
    text = (ROOT / "docs" / "RELIABILITY.md").read_text(encoding="utf-8")
    for command in index_commands.registered_commands:
        assert f"qa index {command.name}" in text
