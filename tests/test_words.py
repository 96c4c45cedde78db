"""The list of common words from parallel lines."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from qa.errors import QAError
from qa.slips import MOST_COMMON
from qa.train.pairs import Line
from qa.train.words import common, main, write


def test_lines_are_counted_whatever_their_wordings() -> None:
    lines = [
        Line(("Water, WATER",), ("Wasser",)),
        Line(("water",), ("Wasser", "Gewässer und Wasser")),
        Line(("sea",), ("See",)),
    ]
    assert common(lines, min_lines=2) == ["wasser", "water"]
    assert common(lines, min_lines=1) == ["wasser", "water", "gewässer"]


def test_figures_and_short_words_are_left_out() -> None:
    assert common([Line(("the 1999 K9x0 brought-in",), ("die",))], min_lines=1) == ["brought"]


def test_the_command_writes_a_list_with_its_origin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"g": "a", "p": "en-de", "s": f"Clear water {n}", "t": [f"Klares Wasser {n}"]} for n in range(4)]
    (tmp_path / "wmt_lines.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    main(["--data", str(tmp_path), "--out", str(tmp_path / "out.gz")])
    head, *words = gzip.decompress((tmp_path / "out.gz").read_bytes()).decode().splitlines()
    assert head.startswith("# German and English words")
    assert words == ["clear", "klares", "wasser", "water"]
    assert "4 words" in capsys.readouterr().out


def test_without_data_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(QAError, match="no lines to learn from"):
        main(["--data", str(tmp_path), "--out", str(tmp_path / "out.txt")])


def test_only_the_most_common_keep_their_order(tmp_path: Path) -> None:
    first, rare = [f"z{n:06}" for n in range(MOST_COMMON, 0, -1)], ["bald", "alt"]
    write([*first, *rare], tmp_path / "out.gz")
    assert gzip.decompress((tmp_path / "out.gz").read_bytes()).decode().splitlines()[1:] == [*first, "alt", "bald"]
