"""Many workers give the index that one process gives, and leave nothing behind when they fail."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.build import build_index
from qa.config import Settings
from qa.embed import BUNDLED, load_encoder
from qa.errors import ConfigError, EncoderError
from qa.index import load_index
from qa.manifest import checksums
from qa.parallel import AHEAD, WORTH_STARTING, Batch, Done, EncoderSpec, ParallelEncoder, encoded
from qa.process_team import ProcessTeam
from qa.publish import current_build
from qa.workers import many_workers
from tests.fakes import PieceEncoder, WordEncoder
from tests.processes import environment, still_running

if TYPE_CHECKING:
    from qa.types import Encoded, Encoder


class SlowTeam:
    """Workers that end in the order that the test chooses."""

    def __init__(self, encoder: Encoder, size: int, order: Sequence[int]) -> None:
        self.encoder, self.size, self.order = encoder, size, list(order)
        self.busy: dict[int, Encoded] = {}
        self.given = self.closed = 0

    def start(self) -> int:
        return self.size

    def give(self, worker: int, batch: Batch) -> None:
        assert worker not in self.busy
        self.given += 1
        self.busy[worker] = batch.encoded(self.encoder)

    def take(self) -> Done:
        if self.order and self.order[0] < 0:
            raise EncoderError("a worker was lost")
        place = self.order.pop(0) if self.order else 0
        worker = sorted(self.busy)[place % len(self.busy)]
        return Done(worker, self.busy.pop(worker))

    def close(self) -> None:
        self.closed += 1


def listed(one: Encoded) -> list[list[Any]]:
    return [part.tolist() for part in (one.vectors, one.pieces.codes, one.pieces.places, one.pieces.counts)]


@given(st.integers(1, 5), st.lists(st.integers(0, 9), max_size=40), st.integers(0, 40))
def test_vectors_and_pieces_come_in_order_whoever_is_done_first(size: int, order: list[int], count: int) -> None:
    plain = PieceEncoder(16)
    batches = [Batch([f"wort{n}", f"w{n} x"][: 1 + n % 2], n % 3 == 0) for n in range(count)]
    wide = ParallelEncoder(plain, SlowTeam(plain, size, order))
    got = list(wide.encode_batches(iter(batches)))
    assert [listed(one) for one in got] == [listed(batch.encoded(plain)) for batch in batches]
    assert [len(one.pieces.codes) > 0 for one in got] == [batch.pieces for batch in batches]


def test_what_is_not_in_batches_comes_back_as_from_one_encoder() -> None:
    plain = PieceEncoder(16)
    wide, texts = ParallelEncoder(plain, SlowTeam(plain, 3, [2, 1])), [f"wort{n} {n}" for n in range(1100)]
    assert listed(wide.encode_pieces(texts)) == listed(plain.encode_pieces(texts))
    assert listed(wide.encode_pieces([])) == listed(plain.encode_pieces([]))
    assert wide.piece_bytes == plain.piece_bytes


def test_a_fast_worker_does_not_run_away_from_a_slow_one() -> None:
    plain = WordEncoder(16)
    team = SlowTeam(plain, 2, [1] * 100)
    wide = ParallelEncoder(plain, team)
    worker_0 = next(wide.encode_batches(Batch([f"{n}"]) for n in range(100)))
    assert worker_0.vectors.shape == (1, 16)
    assert team.given <= 2 * AHEAD + 2


def test_little_work_is_done_here() -> None:
    plain = WordEncoder(16)
    team = SlowTeam(plain, 2, [])
    wide = ParallelEncoder(plain, team)
    assert len(wide.encode_passages(["a"] * 300)) == 300
    assert wide.encode_passages([]).shape == (0, 16)
    assert team.given == 0
    assert len(list(encoded(wide, [Batch(["a"])] * WORTH_STARTING))) == WORTH_STARTING == team.given


def test_all_else_is_the_encoder_s_own() -> None:
    plain = WordEncoder(16)
    wide = ParallelEncoder(plain, SlowTeam(plain, 2, []))
    assert (wide.name, wide.dim, wide.sha256, wide.prompts) == (plain.name, plain.dim, plain.sha256, plain.prompts)
    assert np.array_equal(wide.encode_queries(["a b"]), plain.encode_queries(["a b"]))
    assert np.array_equal(wide.encode_question("a b").vector, plain.encode_queries(["a b"]))
    assert np.array_equal(wide.encode_words(["a"]), plain.encode_words(["a"]))


def test_an_error_and_a_caller_who_leaves_end_the_team() -> None:
    plain = WordEncoder(16)
    team = SlowTeam(plain, 2, [0, -1])
    with pytest.raises(EncoderError, match="lost"):
        list(ParallelEncoder(plain, team).encode_batches([Batch(["a"])] * 9))
    assert team.closed == 1
    team = SlowTeam(plain, 2, [])
    rows = ParallelEncoder(plain, team).encode_batches([Batch(["a"])] * 9)
    next(rows)
    rows.close()
    assert team.closed == 1


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few articles make work for several workers."""
    monkeypatch.setattr("qa.ingest.EMBED_SLICE", 16)


def same_content(folder: Path) -> dict[str, str]:
    """Checksums of all but the BM25 index: tantivy names its files at random."""
    return {name: sha for name, sha in checksums(folder).items() if not name.startswith("lexical/")}


def same_index(settings: Settings, other: Settings, encoder: Encoder) -> None:
    """Both builds hold the same bytes, and their BM25 indexes find the same."""
    assert same_content(current_build(settings.index)) == same_content(current_build(other.index))
    one, two = load_index(settings, encoder), load_index(other, encoder)
    assert replace(one.manifest, build_id="", created="", files={}) == replace(
        two.manifest, build_id="", created="", files={}
    )
    for words in ("Waffen Ukraine", "Nordkorea Soldaten", "Seoul weapons"):
        found = one.lexical.search(words, 20)
        assert found
        assert found == two.lexical.search(words, 20)


@pytest.mark.usefixtures("small_batches")
def test_processes_give_the_index_of_one_process(encoder: Encoder, seeds: Path, tmp_path: Path) -> None:
    plain = Settings(articles=seeds, index=tmp_path / "plain")
    wide = Settings(articles=seeds, index=tmp_path / "wide", workers=2)
    build_index(plain, encoder)
    with many_workers(wide, encoder) as workers:
        assert isinstance(workers, ParallelEncoder)
        build_index(wide, workers)
    same_index(plain, wide, encoder)
    assert load_index(wide, encoder).piece_bytes == encoder.piece_bytes > 0


@pytest.mark.usefixtures("small_batches")
def test_a_team_gives_the_pieces_of_one_process(seeds: Path, tmp_path: Path) -> None:
    encoder = PieceEncoder(16)
    plain = Settings(articles=seeds, index=tmp_path / "plain")
    wide = Settings(articles=seeds, index=tmp_path / "wide")
    build_index(plain, encoder)
    team = SlowTeam(encoder, 3, [2, 1, 0, 1] * 50)
    build_index(wide, ParallelEncoder(encoder, team))
    assert team.given
    same_index(plain, wide, encoder)
    assert load_index(wide, encoder).manifest.piece_count > 0


@pytest.mark.slow
@pytest.mark.usefixtures("small_batches")
# Ray leaves files open for the interpreter to close.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_ray_gives_the_index_of_one_process(encoder: Encoder, seeds: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    plain = Settings(articles=seeds, index=tmp_path / "plain")
    wide = Settings(articles=seeds, index=tmp_path / "ray", workers=2, engine="ray")
    build_index(plain, encoder)
    with many_workers(wide, encoder) as workers:
        build_index(wide, workers)
    same_index(plain, wide, encoder)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_goes_wrong_on_ray_is_one_line(encoder: Encoder, tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    from qa.ray_team import RayTeam

    spec = EncoderSpec.of(encoder, threads=1)
    with pytest.raises(EncoderError, match=r"CPUs, too few for 1000 workers - name fewer workers"):
        list(ParallelEncoder(encoder, RayTeam(spec, 1000)).encode_batches([Batch(["a"])] * 9))
    assert not ray.is_initialized()
    other = ParallelEncoder(encoder, RayTeam(replace(spec, sha256="0"), 1))
    with pytest.raises(EncoderError, match=r"encoder bundled of a worker is not the one of the build"):
        list(other.encode_batches([Batch(["a"])] * 9))
    team = RayTeam(spec, 1)
    wide = ParallelEncoder(encoder, team)

    def killing() -> Iterator[Batch]:
        yield from [Batch(["a"])] * 5
        ray.kill(team._actors[0])
        yield from [Batch(["a"])] * 5

    with pytest.raises(EncoderError, match="a worker on the Ray cluster was lost; nothing was published") as caught:
        list(wide.encode_batches(killing()))
    assert "\n" not in str(caught.value)
    assert not ray.is_initialized()


def test_ray_that_is_not_installed_names_the_extra(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "qa.ray_team", raising=False)
    with (
        pytest.raises(ConfigError, match=r"pip install 'article-qa\[ray\]'"),
        many_workers(Settings(engine="ray"), encoder),
    ):
        pass


def test_one_worker_is_this_process(encoder: Encoder) -> None:
    with many_workers(Settings(), encoder) as same:
        assert same is encoder


@pytest.mark.usefixtures("small_batches")
def test_a_killed_worker_is_one_error_and_no_index(encoder: Encoder, seeds: Path, tmp_path: Path) -> None:
    team = ProcessTeam(EncoderSpec.of(encoder, threads=1), 2)
    settings = Settings(articles=seeds, index=tmp_path / "index")

    def kill_one(stage: str, done: int, total: int) -> None:
        if stage == "embed" and done < total and team.pids:
            os.kill(team.pids[0], signal.SIGKILL)

    with pytest.raises(
        EncoderError, match=r"was killed by signal 9 \(SIGKILL\) while it encoded; nothing was published"
    ) as caught:
        build_index(settings, ParallelEncoder(encoder, team), progress=kill_one)
    assert "\n" not in str(caught.value)
    assert {path.name for path in settings.index.iterdir()} <= {".lock", "seen.json"}
    assert team.pids == []


def test_a_worker_without_its_encoder_says_so(encoder: Encoder, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(BUNDLED, folder)
    spec = EncoderSpec.of(load_encoder(str(folder)), threads=1)
    shutil.rmtree(folder)
    (folder / "x").mkdir(parents=True)
    (folder / "config.json").write_text('{"format": 1, "pooling": "mean"}')
    with pytest.raises(EncoderError, match=r"config\.json cannot be read"):
        list(ParallelEncoder(encoder, ProcessTeam(spec, 2)).encode_batches([Batch(["a"])] * 9))


def test_another_encoder_or_version_is_refused(encoder: Encoder) -> None:
    spec = EncoderSpec.of(encoder, threads=1)
    assert spec.load().sha256 == encoder.sha256
    with pytest.raises(EncoderError, match="same files on all machines"):
        replace(spec, sha256="0").load()
    with pytest.raises(EncoderError, match="install one version"):
        replace(spec, version="0.0.1").load()


#: Encodes for ever with two workers, whose ids it prints.
ENDLESS = """
import signal
from qa.embed import load_encoder
from qa.parallel import Batch, EncoderSpec, ParallelEncoder
from qa.process_team import ProcessTeam

if __name__ == "__main__":
    # Of a shell's job in the background it is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    encoder = load_encoder(threads=1)
    team = ProcessTeam(EncoderSpec.of(encoder, 1), 2)
    rows = ParallelEncoder(encoder, team).encode_batches(iter(lambda: Batch(["Ein Satz."] * 8), None))
    next(rows)
    try:
        print(*team.pids, flush=True)
        for _ in rows:
            pass
    except KeyboardInterrupt:
        raise SystemExit(130)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_the_build(number: signal.Signals, tmp_path: Path) -> None:
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) == 2
    # Ctrl-C reaches every process of a terminal; the kill only the one.
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == (130 if number == signal.SIGINT else -9)
    assert stderr == ""
    assert still_running(pids, seconds=30) == []
