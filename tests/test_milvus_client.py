"""The connection to a server: tokens, certificates, lost replies, and every failure in one line."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from qa.config import Settings
from qa.errors import ConfigError, IndexDamagedError, StoreError
from qa.milvus import client as clients
from qa.milvus import collection as collections
from qa.milvus.client import Client, Server
from qa.milvus.store import MilvusStore
from tests.milvus_door import Door, open_door

KEYS = np.arange(5, dtype=np.int64)
VECTORS = np.eye(5, 4, dtype=np.float32)


def server(uri: str, token: str = "", ca: Path | None = None) -> Server:
    return Server(uri, token=token, ca=ca, timeout_s=5.0, backoff_s=(0.0, 0.0, 0.0))


def test_a_token_is_asked_for_and_checked_and_never_shown(tmp_path: Path) -> None:
    with open_door(tmp_path, Door(token="root:right")) as uri:
        client = Client(server(uri, "root:right"))
        assert client.collections() == []
        client.close()
        with pytest.raises(StoreError, match="refuses the token - correct QA_MILVUS_TOKEN") as caught:
            Client(server(uri, "root:wrong"))
        assert "wrong" not in str(caught.value)
        with pytest.raises(StoreError, match="asks for a token - export QA_MILVUS_TOKEN=user:password"):
            Client(server(uri))
        assert "right" not in repr(server(uri, "root:right"))


def test_a_certificate_is_checked_against_the_authority_that_is_named(tmp_path: Path) -> None:
    with open_door(tmp_path, Door(), secure=True) as uri:
        client = Client(server(uri, ca=tmp_path / "ca.pem"))
        store = MilvusStore.create(client, "secured", 4)
        store.add(KEYS, VECTORS)
        assert len(store) == 5
        client.close()
        with pytest.raises(StoreError, match=r"cannot be reached - start it, or correct milvus_uri or milvus_ca"):
            Client(server(uri))
        with pytest.raises(StoreError, match="cannot be reached"):
            Client(server(uri.replace("https", "http")))


def test_a_lost_reply_adds_nothing_twice_and_a_passing_failure_is_waited_out(tmp_path: Path) -> None:
    door = Door()
    with open_door(tmp_path, door) as uri:
        client = Client(server(uri))
        store = MilvusStore.create(client, "lost", 4)
        door.lost = {"Insert": 1, "Upsert": 1}
        door.away = {"Upsert": 1}
        store.add(KEYS, VECTORS)
        assert [name for name in door.calls if name in {"Insert", "Upsert"}] == ["Insert", "Upsert", "Upsert"]
        assert len(store) == 5
        assert store.search(VECTORS[:1], 5).keys[0].tolist() == [0, 1, 2, 3, 4]
        door.lost = {"Delete": 1}
        assert store.remove(KEYS[:2]) == 2
        assert len(store) == 3
        door.away = {"Upsert": 9, "Insert": 9}
        with pytest.raises(StoreError, match="cannot be reached"):
            store.add(KEYS[:1], VECTORS[:1])
        door.away = {"Search": 1}
        with pytest.raises(StoreError, match="cannot be reached"):  # a question does not wait
            store.search(VECTORS[:1], 1)
        client.close()


def test_a_server_that_was_away_is_found_again_by_those_who_knew_it(tmp_path: Path) -> None:
    with open_door(tmp_path, Door()) as uri:
        client = Client(server(uri))
        store = MilvusStore.create(client, "away", 4)
        store.add(KEYS, VECTORS)
        store.save(tmp_path)
    port = int(uri.rsplit(":", 1)[1])
    quick = replace(client.server, timeout_s=0.3)
    client.server = quick
    for _ in range(2):
        with pytest.raises(StoreError, match="cannot be reached"):
            store.search(VECTORS[:1], 2)
    with open_door(tmp_path, Door(), port=port):
        assert store.search(VECTORS[1:2], 1).keys.tolist() == [[1]]
        store.add(KEYS + 10, VECTORS)
        assert len(store) == 10
        client.close()


def test_wrong_lengths_and_collections_that_are_gone_are_told(tmp_path: Path) -> None:
    with open_door(tmp_path, Door()) as uri:
        client = Client(server(uri))
        store = MilvusStore.create(client, "four", 4)
        with pytest.raises(IndexDamagedError, match=r"four of Milvus at .* holds vectors of length 4, not of length 5"):
            MilvusStore.open(client, "four", 5)
        assert MilvusStore.open(client, "four", 4).dim == 4
        client.drop("four")
        client.drop("four")
        for asking in (lambda: MilvusStore.open(client, "four", 4), lambda: store.search(VECTORS[:1], 1)):
            with pytest.raises(IndexDamagedError, match=r"is gone from Milvus at .* - qa index copy --to milvus"):
                asking()
        client.close()


def test_an_alias_is_moved_in_one_call(tmp_path: Path) -> None:
    door = Door()
    with open_door(tmp_path, door) as uri:
        client = Client(server(uri))
        for name in ("one", "two"):
            MilvusStore.create(client, name, 4)
        assert client.alias("current") is None
        client.point("current", "one")
        door.calls.clear()
        client.point("current", "two")
        assert [name for name in door.calls if "Alias" in name] == ["DescribeAlias", "AlterAlias"]
        assert client.alias("current") == "two"
        client.drop("two")
        assert client.collections() == ["one"]
        assert client.alias("current") is None
        client.close()


def test_a_grown_collection_gets_another_index_and_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "EXACT_UP_TO", 40)
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((60, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with open_door(tmp_path, Door()) as uri:
        client = Client(server(uri))
        store = MilvusStore.create(client, "grown", 8)
        store.add(np.arange(40, dtype=np.int64), vectors[:40])
        store.save(tmp_path)
        kind = client.call(lambda c, _: c.describe_index("grown", "vector"))["index_type"]
        store.add(np.arange(40, 60, dtype=np.int64), vectors[40:])
        before = store.search(vectors[:9], 5)
        store.save(tmp_path)
        after = store.search(vectors[:9], 5)
        grown = client.call(lambda c, _: c.describe_index("grown", "vector"))["index_type"]
        assert (kind, grown) == ("FLAT", "HNSW")
        assert after.keys.tolist() == before.keys.tolist()
        assert np.allclose(after.scores, before.scores, atol=1e-5)
        client.close()


def test_many_that_are_let_in_are_found_without_naming_them_and_few_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collections, "NAMED", 10)
    monkeypatch.setattr(collections, "FILTER_KEYS", 8)
    rng = np.random.default_rng(4)
    vectors = rng.standard_normal((90, 6)).astype(np.float32)
    keys = rng.permutation(1000)[:90].astype(np.int64)
    with open_door(tmp_path, Door()) as uri:
        client = Client(server(uri))
        store = MilvusStore.create(client, "filtered", 6)
        store.add(keys, vectors)
        for chosen in (keys[:5], keys[:10], keys[:30], keys[:80], keys):
            hits = store.search(vectors[:3], 7, store.select(chosen))
            for query, found, scores in zip(vectors[:3], hits.keys, hits.scores, strict=True):
                exact = {int(key): float(row @ query) for key, row in zip(chosen, vectors, strict=False)}
                best = sorted(exact, key=lambda key: (-exact[key], key))[:7]
                assert found.tolist() == best + [-1] * (7 - len(best))
                assert scores[: len(best)] == pytest.approx([exact[key] for key in best], abs=1e-4)
        # All that are let in lie at the end: naming them is the only way.
        far = np.argsort(vectors @ vectors[0])[:11]
        hits = store.search(vectors[:1], 11, store.select(keys[far]))
        assert sorted(hits.keys[0].tolist()) == sorted(keys[far].tolist())
        client.close()


def test_pymilvus_that_is_not_installed_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def missing(name: str) -> ModuleType:
        if name == "pymilvus":
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(clients.importlib, "import_module", missing)
    with pytest.raises(StoreError, match=r'pymilvus is not installed - pip install "article-qa\[milvus\]"'):
        Client(Server("http://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"milvus_uri": None}, "no Milvus server is set"),
        ({"milvus_ca": Path("ca.pem")}, "does not begin with https://"),
        ({"milvus_uri": "https://milvus", "milvus_ca": Path("none.pem")}, "none.pem is not there"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Server.of(replace(Settings(store="milvus", milvus_uri="http://milvus:19530"), **changed))


def test_a_server_without_bm25_is_told_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_door(tmp_path, Door()) as uri:
        client = Client(server(uri))
        monkeypatch.setattr(client._client, "get_server_version", lambda timeout: "v2.3.5-lite")
        with pytest.raises(StoreError, match=r"version v2.3.5-lite: it has no BM25 - set milvus_bm25 = false"):
            client.create_texts("words", 1.2, 0.75)
        assert client.collections() == []
        client.close()


def test_only_one_module_names_pymilvus() -> None:
    package = Path(clients.__file__).parents[1]
    naming = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if 'import_module("pymilvus")' in path.read_text(encoding="utf-8")
        or "import pymilvus" in path.read_text(encoding="utf-8")
    ]
    assert naming == ["milvus/client.py"]
    code = "import sys, qa.hosting, qa.dense, qa.milvus.words; print('pymilvus' in sys.modules, 'grpc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
