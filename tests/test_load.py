"""The load run: what it makes, measures and writes, and a small one against a real server over seeds/."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import httpx
import pytest

from eval.load import UNLIMITED, ask_alone, ask_together, faults, judge, main, saturate, unlike_alone
from eval.load_clients import Reply, Run, ask, differences, percentile
from eval.load_corpus import KINDS, Asked, Pair, make_questions, read_pairs, write_articles
from eval.load_report import Load, Saturation, load_table, put_under, saturation_table
from eval.load_server import Memory, build_once, running
from eval.load_watch import Watch
from qa.articles import list_files, read_article
from qa.errors import QAError
from qa.server.models import AskRequest
from tests.loops import run

ROOT = Path(__file__).resolve().parent.parent
CLIENTS, QUESTIONS = 5, 100

PAIRS = [
    Pair(
        f"Die {n}. Fähre nach Nordhafen bringt heute {n * 7} Fahrgäste über den breiten Fluss.",
        f"Ferry {n} is late today.",
    )
    for n in range(60)
]


def asked_of_seeds() -> list[Asked]:
    """Our own questions, each third one with the two before it as its history, and nonsense."""
    lines = (ROOT / "eval" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [str(json.loads(line)["question"]) for line in lines][: QUESTIONS - 20]
    asked = [
        Asked("own", {"question": text, "history": texts[n - 2 : n] if n % 3 == 2 else []})
        for n, text in enumerate(texts)
    ]
    return [*asked, *(Asked("nonsense", {"question": f"xqz {n} vvk?"}) for n in range(QUESTIONS - len(asked)))]


def test_a_server_over_seeds_answers_many_as_it_answers_one(seeds: Path, tmp_path: Path) -> None:
    index, asked = tmp_path / "index", asked_of_seeds()
    build_once(seeds, index)
    with running(seeds, index, UNLIMITED | {"concurrent": 2, "waiting": CLIENTS}) as server:
        alone = run(ask_alone(server, asked))
        load = run(ask_together([server], asked, CLIENTS, alone))
        few = Run(alone.replies[:40], 0.0)
        crowded = run(saturate(server, asked[:40], few, 2 + CLIENTS, seconds=2.0))
    assert [*load.wrong, *load.health.failures] == []
    assert {one.body["status"] for one in load.crowd.replies} >= {"answered", "abstained"}
    assert load.memory.private
    assert [*crowded.faults, *crowded.health.failures] == []
    assert {one.status for one in crowded.replies} == {200, 503}
    assert crowded.recovered.status == 200
    assert crowded.freed < 10
    assert f"| questions over 7 passages | {QUESTIONS} | {QUESTIONS} |" in list(load_table(load, 7))
    assert any(line.startswith("| status 503 |") for line in saturation_table(crowded))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand_questions_by_fifty_clients(shared: Path) -> None:
    """The whole run, 20 minutes on a quiet machine of four cores."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["eval.load"])
        with pytest.raises(SystemExit, match="0"):
            main()


def test_a_server_that_does_not_start_is_told(tmp_path: Path) -> None:
    wanted = pytest.raises(QAError, match="the server did not start: ")
    with wanted, running(tmp_path / "none", tmp_path / "index", {"concurrent": -1}):
        pass


def test_articles_are_the_same_for_a_seed_and_have_the_passages_asked_for(tmp_path: Path) -> None:
    made = [write_articles(tmp_path / name, PAIRS, 40, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    texts = [[path.read_bytes() for path in list_files(tmp_path / name).files] for name in "abc"]
    assert texts[0] == texts[1] != texts[2]
    assert made[0] == made[1] >= 40
    first = read_article(list_files(tmp_path / "a").files[0], tmp_path / "a")
    assert first.title
    assert first.outlet
    assert first.published


def test_questions_are_of_every_kind_all_different_and_ones_that_the_server_takes() -> None:
    asked = make_questions(PAIRS, 400, 3)
    assert asked == make_questions(PAIRS, 400, 3)
    assert set(Counter(one.kind for one in asked)) == set(KINDS)
    assert len({json.dumps(one.body) for one in asked}) == 400
    for one in asked:
        AskRequest.model_validate(one.body)
    assert {len(one.body["history"]) for one in asked if one.kind == "follow-up"} == {1, 2}


def test_pairs_are_read_each_once(shared: Path) -> None:
    pairs = read_pairs()
    assert len({one.german for one in pairs}) == len(pairs) > 50_000
    with pytest.raises(QAError, match="put the shared data beside"):
        read_pairs(shared / "none")


def test_answers_differ_only_past_rounding_and_not_by_their_times() -> None:
    one = {"confidence": 0.5, "citations": [{"quote": "Ja.", "score": 1.0}], "timings_ms": {"read": 1}, "only": None}
    assert list(differences(one, {**one, "confidence": 0.5004, "timings_ms": {"read": 9}})) == []
    assert list(differences(one, {**one, "confidence": 0.502})) == ["confidence: 0.5 and 0.502"]
    other = {**one, "citations": [{"quote": "Nein.", "score": 1.0}]}
    assert list(differences(one, other)) == ["citations[0].quote: 'Ja.' and 'Nein.'"]
    assert list(differences(one, {**one, "citations": []}))
    assert list(differences({"a": True}, {"a": False}))
    assert list(differences({"a": 1}, {}))


def reply(status: int, retry_after: str | None = None, **body: object) -> Reply:
    return Reply(status, 0.01, body, retry_after)


def test_only_the_right_answer_or_a_refusal_that_says_when_to_come_again_will_do() -> None:
    alone = Run([reply(200, question="x", message="a")], 1.0)
    good = [
        reply(200, question="x", message="a"),
        reply(503, "2", type="/problems/busy"),
        reply(429, "1", type="/problems/rate-limited"),
    ]
    assert faults(alone, [good]) == []
    bad = [
        reply(200, question="x", message="b"),
        reply(503, None, type="/problems/busy"),
        reply(0, title="lost"),
        reply(504, "2", title="late"),
    ]
    assert len(faults(alone, [bad])) == len(bad)
    assert list(unlike_alone(reply(0, title="lost"), good[0])) == ["status 0: lost"]


def test_a_leak_slow_health_and_wrong_answers_are_named() -> None:
    run = Run([reply(200)], 1.0)
    seconds = [float(n) for n in range(100)]
    answered = [20 * n for n in range(100)]
    level = Memory(seconds, [400.0] * 100, [300.0] * 100, answered)
    leaking = Memory(seconds, [400.0] * 100, [300.0 + n for n in range(100)], answered)
    assert leaking.slope() == pytest.approx(60)
    assert leaking.growth() == pytest.approx(49)
    assert level.growth() == 0
    assert Memory().growth() == 0
    assert list(judge(Load(2, 1, run, run, [], Watch(), level), None)) == []
    assert list(judge(Load(2, 1, run, run, ["x"], Watch(), leaking), None)) == [
        "x",
        "memory grew by 49.0 MiB in the last half",
    ]
    filling = [300.0 + n * 0.15 for n in range(100)]
    short, long = (Memory(seconds, filling, filling, [count * n for n in range(100)]) for count in (20, 200))
    assert (short.filled, long.filled) == (False, True)
    assert short.growth() == long.growth() == pytest.approx(7.35)
    assert list(judge(Load(2, 1, run, run, [], Watch(), short), None)) == []
    assert list(judge(Load(2, 1, run, run, [], Watch(), long), None)) == ["memory grew by 7.4 MiB in the last half"]
    assert "caches still filling" in "".join(load_table(Load(2, 1, run, run, [], Watch(), short), 7))
    assert "caches full" in "".join(load_table(Load(2, 1, run, run, [], Watch(), long), 7))
    slow = Watch({"/healthz": [5.0] * 90 + [500.0] * 10})
    found = list(judge(None, Saturation(2, 9, [], [], slow, reply(503), float("inf"))))
    assert len(found) == 3


def test_the_last_half_is_that_of_the_questions() -> None:
    """Of the time it would be another one: the first questions take longer."""
    found = Memory([0.0, 8.0, 9.0, 10.0], [0.0] * 4, [0.0, 80.0, 80.0, 80.0], [0, 50, 90, 100])
    assert found.growth() == 0


def test_percentiles() -> None:
    assert percentile([1, 2, 3, 4], 0.5) == 3
    assert percentile([1, 2, 3, 4], 0.99) == 4
    assert percentile([], 0.5) != percentile([], 0.5)


def test_a_part_of_a_document_is_put_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "P.md"
    put_under(path, "Load", "one", "Title")
    put_under(path, "Size", "big", "Title")
    put_under(path, "Load", "two\n\nmore", "Title")
    assert path.read_text(encoding="utf-8") == "# Title\n\n## Load\n\ntwo\n\nmore\n\n## Size\n\nbig\n"
    put_under(path, "Size", "small", "Title")
    assert path.read_text(encoding="utf-8").endswith("more\n\n## Size\n\nsmall\n")


def test_a_client_gets_what_cannot_be_reached_as_an_error() -> None:
    async def refused() -> Reply:
        async with httpx.AsyncClient(base_url="http://127.0.0.1:9", trust_env=False) as client:
            return await ask(client, {"question": "x"})

    found = run(refused())
    assert found.status == 0
    assert "ConnectError" in str(found.body["title"])
