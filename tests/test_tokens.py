from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from qa.errors import QAError
from qa.server.tokens import TokenFile
from tests.processes import environment


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "tokens.json"


def test_a_key_opens_until_it_is_revoked(path: Path) -> None:
    keys, server = TokenFile(path), TokenFile(path)
    assert server.find("qa_x") is None
    key = keys.add("intranet")
    found = server.find(key)
    assert found is not None
    assert (found.name, found.use) == ("intranet", "ask")
    assert server.find(key[:-1]) is None
    keys.revoke("intranet")
    assert server.find(key) is None


def test_only_hashes_are_kept_and_only_the_owner_may_read_them(path: Path) -> None:
    before = os.umask(0)
    try:
        key = TokenFile(path).add("intranet")
    finally:
        os.umask(before)
    assert key not in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(json.loads(path.read_text(encoding="utf-8"))["tokens"][0]["sha256"]) == 64


def test_no_two_keys_are_alike_and_each_is_long(path: Path) -> None:
    keys = {TokenFile(path).add(f"k{number}") for number in range(5)}
    assert len(keys) == 5
    assert {len(key) for key in keys} == {46}
    assert all(key.startswith("qa_") for key in keys)


def test_names_are_taken_once_and_plain(path: Path) -> None:
    keys = TokenFile(path)
    keys.add("intranet")
    with pytest.raises(QAError, match="there is a key named intranet - qa token revoke intranet"):
        keys.add("intranet")
    with pytest.raises(QAError, match="cannot be the name of a key"):
        keys.add("a\tb")
    with pytest.raises(QAError, match="there is no key named other"):
        keys.revoke("other")
    assert [token.name for token in keys.tokens()] == ["intranet"]


@pytest.mark.parametrize("text", ["{", "[]", '{"tokens": [{"name": "x"}]}'])
def test_a_damaged_file_lets_nobody_in_and_says_so(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(QAError, match=r"the keys in .* cannot be read"):
        TokenFile(path).find("qa_x")


@pytest.mark.parametrize("key", ["", "\udc80", "ä" * 10_000])
def test_any_text_may_be_tried(path: Path, key: str) -> None:
    TokenFile(path).add("intranet")
    assert TokenFile(path).find(key) is None


@pytest.mark.parametrize("token", [{"sha256": 7}, {"sha256": "ä"}, {"name": None}, {"name": ["x"]}])
def test_a_key_that_is_no_text_is_an_error_and_opens_nothing(path: Path, token: dict[str, object]) -> None:
    keys = TokenFile(path)
    keys.add("intranet")
    record = json.loads(path.read_text(encoding="utf-8"))
    record["tokens"][0] |= token
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(QAError, match="cannot be read"):
        TokenFile(path).find("qa_x")


#: Killed when the new file is written and not yet in its place.
KILLED = """
import os, signal, sys
from pathlib import Path
from qa.server.tokens import TokenFile

os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
TokenFile(Path(sys.argv[1])).add("second")
"""


def test_a_command_that_is_killed_loses_no_key_and_the_next_leaves_nothing_of_it(path: Path) -> None:
    keys = TokenFile(path)
    keys.add("first")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], env=environment(), check=False)
    assert done.returncode == -signal.SIGKILL
    assert (path.parent / ".tokens.json.new").exists()
    assert [token.name for token in TokenFile(path).tokens()] == ["first"]
    keys.add("third")
    assert [token.name for token in TokenFile(path).tokens()] == ["first", "third"]
    assert sorted(one.name for one in path.parent.iterdir()) == [".tokens.json.lock", "tokens.json"]
