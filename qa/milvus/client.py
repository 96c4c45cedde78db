"""A connection to a Milvus server whose failures are told in one line. The only module that imports pymilvus."""

from __future__ import annotations

import importlib
import logging
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from qa.config import milvus_token
from qa.errors import ConfigError, IndexDamagedError, QAError, StoreError

if TYPE_CHECKING:
    from types import ModuleType

    from qa.config import Settings

    Result = TypeVar("Result")

KEY, VECTOR, TERMS, SPARSE = "key", "vector", "terms", "sparse"

#: Up to how many passages ``milvus_index = "auto"`` compares every vector, and what is built of the other kinds. 384
#: dimensions at 100,000: recall@10 of HNSW with 32 neighbours is 1.0 from ef 64 on (FAISS, synthetic vectors); twice
#: that is asked for, as it costs a millisecond.
EXACT_UP_TO = 100_000
_BUILT = {
    "flat": {},
    "hnsw": {"M": 32, "efConstruction": 200},
    "ivf_sq8": {"nlist": 4096},
    "diskann": {},
}

#: Longest text of a field, in bytes: Milvus's own limit.
MAX_TEXT = 65_535

#: Waits between tries of a call that failed for a moment, in seconds: Milvus 2.3.5 is back 30 s after it is started.
BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)

#: How long a collection may take to be written to disk or loaded, in seconds.
SETTLING_S = 3600.0

#: Codes of Milvus: not ready, too many requests, rate limited, clock behind, not fully loaded, channel or node away.
_PASSING = frozenset({1, 4, 8, 11, 103, 503, 901, 902})
_NOT_FOUND, _NOT_LOADED = 100, 101
_NO_ACCESS = frozenset({1400, 1401})
_NO_CONNECTION = 2
_AWAY = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED"})


class NotLoadedError(StoreError):
    """A collection is there but not in the server's memory: Milvus Lite forgets what was loaded when it ends."""


@dataclass(frozen=True, slots=True)
class Server:
    """A Milvus server and how to use it.

    Attributes:
        uri: ``http(s)://host:port``, or a file of Milvus Lite.
        token: ``user:password`` or a key; "" for none. Never shown.
        ca: PEM file of the authority that signed the server's certificate, or None for the well-known ones.
        timeout_s: Longest time for a call.
        index: ``auto``, ``flat``, ``hnsw``, ``ivf_sq8`` or ``diskann``.
        shards: Shards of a new collection.
        replicas: Copies of a collection held in memory.
        backoff_s: Waits between the tries of a call that changes something.
    """

    uri: str
    token: str = field(default="", repr=False)
    ca: Path | None = None
    timeout_s: float = 10.0
    index: str = "auto"
    shards: int = 1
    replicas: int = 1
    backoff_s: tuple[float, ...] = BACKOFF_S

    @classmethod
    def of(cls, settings: Settings) -> Server:
        """The server of the settings, with the token of the environment.

        Raises:
            ConfigError: No server is set, or its authority is given without TLS.
        """
        uri = settings.milvus_uri
        if uri is None:
            raise ConfigError("no Milvus server is set", "set milvus_uri in qa.toml")
        secure = isinstance(uri, str) and uri.startswith("https://")
        if settings.milvus_ca is not None and not secure:
            raise ConfigError("milvus_ca is set, but milvus_uri does not begin with https://", "correct one of them")
        if settings.milvus_ca is not None and not settings.milvus_ca.is_file():
            raise ConfigError(f"milvus_ca: {settings.milvus_ca} is not there", "name the PEM file")
        return cls(
            str(uri),
            milvus_token(),
            settings.milvus_ca,
            settings.milvus_timeout,
            settings.milvus_index,
            settings.milvus_shards,
            settings.milvus_replicas,
        )


class Client:
    """A connection to a server whose failures are told in one line."""

    def __init__(self, server: Server) -> None:
        """Connect.

        Raises:
            QAError: pymilvus is not installed, or the server cannot be reached or refuses the token.
        """
        self.server = server
        self._pymilvus = _pymilvus()
        self._lock = threading.Lock()
        self._client: Any = None
        self._end: Callable[[], object] = lambda: None
        try:
            self._connected()
        except self._errors() as error:
            raise self._told(error) from None

    def _connected(self) -> Any:  # noqa: ANN401
        """Pymilvus's client; a new one where the last was given up."""
        with self._lock:
            if self._client is None:
                server = self.server
                secured = {"server_pem_path": str(server.ca)} if server.ca else {}
                # dedicated: else a connection is shared by address, whatever certificate it was checked against.
                self._client = self._pymilvus.MilvusClient(
                    server.uri, token=server.token, timeout=server.timeout_s, dedicated=True, **secured
                )
                # pymilvus holds on to every connection that is not ended.
                self._end = weakref.finalize(self, self._client.close)
            return self._client

    def _give_up(self, client: Any) -> None:  # noqa: ANN401
        """Begin anew with the next call: a client whose server was away once finds it away for ever."""
        with self._lock:
            if client is self._client:
                self._end()
                self._client = None

    def close(self) -> None:
        """End the connection, as does forgetting it."""
        with self._lock:
            self._end()

    def call(
        self,
        doing: Callable[[Any, float], Result],
        *,
        again: Callable[[Any, float], Result] | None = None,
        timeout_s: float | None = None,
    ) -> Result:
        """Do something with pymilvus's client.

        Args:
            doing: Is given the client and a timeout in seconds.
            again: What to do instead once it has failed for a moment, as often as `Server.backoff_s` has waits; None
                gives up at once.
            timeout_s: Default: the server's.

        Raises:
            StoreError: The server cannot be reached or refuses.
            IndexDamagedError: The collection is gone.
        """
        limit = self.server.timeout_s if timeout_s is None else timeout_s
        waits = iter(self.server.backoff_s if again is not None else ())
        while True:
            client = None
            try:
                client = self._connected()
                return doing(client, limit)
            except self._errors() as error:
                away = _is_away(error)
                if away and client is not None:
                    self._give_up(client)
                wait = next(waits, None) if away or getattr(error, "code", None) in _PASSING else None
                if wait is None:
                    raise self._told(error) from None
            time.sleep(wait)
            doing = again or doing

    def collections(self) -> list[str]:
        """Names of all collections."""
        return list(self.call(lambda client, limit: client.list_collections(timeout=limit)))

    def drop(self, name: str) -> None:
        """Drop a collection with the aliases that point to it; one that is not there is no error."""
        if not self.call(lambda client, limit: client.has_collection(name, timeout=limit)):
            return
        aliases = self.call(lambda client, limit: client.list_aliases(name, timeout=limit)).get("aliases", [])
        for alias in aliases:
            self.drop_alias(alias)
        self._repeat(lambda client, limit: client.drop_collection(name, timeout=limit))

    def drop_alias(self, alias: str) -> None:
        """Take an alias away; the collection stays."""
        self._repeat(lambda client, limit: client.drop_alias(alias, timeout=limit))

    def alias(self, alias: str) -> str | None:
        """The collection that an alias points to, or None."""
        try:
            found = self.call(lambda client, limit: client.describe_alias(alias, timeout=limit))
        except (StoreError, IndexDamagedError):
            self.collections()  # no alias is no error, no server is one
            return None
        return str(found["collection_name"]) if found.get("collection_name") else None

    def point(self, alias: str, name: str) -> None:
        """Let an alias point to a collection: one call, so that nobody sees it point nowhere."""
        if self.alias(alias) is None:
            self._repeat(lambda client, limit: client.create_alias(name, alias, timeout=limit))
        else:
            self._repeat(lambda client, limit: client.alter_alias(name, alias, timeout=limit))

    def create(self, name: str, schema: Any, index: Any) -> None:  # noqa: ANN401 - pymilvus has no types
        """Make a collection and load it, so that what is added can be searched."""
        server = self.server
        # Strong: who adds rows sees them. Readers of a published build, which does not change, ask for less.
        self._repeat(
            lambda client, limit: client.create_collection(
                name, schema=schema, num_shards=server.shards, consistency_level="Strong", timeout=limit
            )
        )
        self._repeat(lambda client, _limit: client.create_index(name, index, timeout=SETTLING_S))
        self.load(name)

    def load(self, name: str) -> None:
        """Have a collection in the server's memory, as one that was restarted may not."""
        replicas = self.server.replicas
        self._repeat(lambda client, _limit: client.load_collection(name, replica_number=replicas, timeout=SETTLING_S))

    def schema(self) -> Any:  # noqa: ANN401
        """A schema with the key alone."""
        made = self._pymilvus.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        made.add_field(KEY, self._pymilvus.DataType.INT64, is_primary=True)
        return made

    def create_vectors(self, name: str, dim: int) -> None:
        """Make a collection for vectors of length ``dim``."""
        schema = self.schema()
        schema.add_field(VECTOR, self._pymilvus.DataType.FLOAT_VECTOR, dim=dim)
        self.create(name, schema, self._vector_index("flat" if self.server.index == "auto" else self.server.index))

    def grown(self, name: str, rows: int) -> bool:
        """Give a collection that has grown too large to compare every vector another index; whether it was so."""
        if self.server.index != "auto" or rows <= EXACT_UP_TO:
            return False
        index = self._vector_index("hnsw")
        self._repeat(lambda client, limit: client.release_collection(name, timeout=limit))
        self._repeat(lambda client, limit: client.drop_index(name, VECTOR, timeout=limit))
        self._repeat(lambda client, _limit: client.create_index(name, index, timeout=SETTLING_S))
        return True

    def reload(self, name: str) -> None:
        """Have a collection loaded with the index that it has now, and not with the one that it had."""
        self._repeat(lambda client, limit: client.release_collection(name, timeout=limit))
        self.load(name)

    def _vector_index(self, kind: str) -> Any:  # noqa: ANN401
        index = self._pymilvus.MilvusClient.prepare_index_params()
        index.add_index(VECTOR, index_type=kind.upper(), metric_type="IP", params=_BUILT[kind])
        return index

    def create_texts(self, name: str, k1: float, b: float) -> None:
        """Make a collection for texts that Milvus ranks by its own BM25, words parted by blanks.

        Raises:
            StoreError: The server has no BM25.
        """
        types, schema = self._pymilvus.DataType, self.schema()
        schema.add_field(
            TERMS,
            types.VARCHAR,
            max_length=MAX_TEXT,
            enable_analyzer=True,
            analyzer_params={"tokenizer": "standard"},  # the one tokenizer that Milvus and Milvus Lite both have
        )
        schema.add_field(SPARSE, types.SPARSE_FLOAT_VECTOR)
        schema.add_function(self._pymilvus.Function("bm25", self._pymilvus.FunctionType.BM25, [TERMS], [SPARSE]))
        index = self._pymilvus.MilvusClient.prepare_index_params()
        params = {"bm25_k1": k1, "bm25_b": b, "inverted_index_algo": "DAAT_MAXSCORE"}
        index.add_index(SPARSE, index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params=params)
        # Milvus 2.3 passes over the function in silence and then refuses every row.
        version = str(self.call(lambda client, limit: client.get_server_version(timeout=limit)))
        if version.removeprefix("v").startswith(("0.", "1.", "2.0", "2.1", "2.2", "2.3", "2.4")):
            raise StoreError(
                f"Milvus at {self.where} is version {version}: it has no BM25", "set milvus_bm25 = false, or upgrade it"
            )
        self.create(name, schema, index)

    @property
    def where(self) -> str:
        """The server as people are told of it."""
        return self.server.uri

    def _repeat(self, doing: Callable[[Any, float], Result]) -> Result:
        return self.call(doing, again=doing)

    def _errors(self) -> tuple[type[Exception], ...]:
        return (self._pymilvus.MilvusException, importlib.import_module("grpc").RpcError)

    def _told(self, error: Exception) -> QAError:
        """The error as one line of ours."""
        states, code = _states(error), getattr(error, "code", None)
        text = str(getattr(error, "message", "") or error).splitlines()[0][:300] if str(error) else ""
        if "UNAUTHENTICATED" in states or code in _NO_ACCESS or "auth check failure" in text:
            if self.server.token:
                return StoreError(f"Milvus at {self.where} refuses the token", "correct QA_MILVUS_TOKEN")
            return StoreError(f"Milvus at {self.where} asks for a token", "export QA_MILVUS_TOKEN=user:password")
        if _is_away(error):
            secure = self.server.uri.startswith("https://")
            mend = "start it, or correct milvus_uri" + (" or milvus_ca" if secure else "")
            return StoreError(f"Milvus at {self.where} cannot be reached", mend)
        if code == _NOT_FOUND:
            return IndexDamagedError(
                f"a collection of the index is gone from Milvus at {self.where}", "qa index copy --to milvus"
            )
        kind = NotLoadedError if code == _NOT_LOADED or "'released'" in text else StoreError
        return kind(f"Milvus at {self.where} refuses: {text}")


def _states(error: BaseException | None) -> set[str]:
    """The names of gRPC's states in an error and in what caused it."""
    names: set[str] = set()
    seen: set[int] = set()
    while error is not None and id(error) not in seen:  # pymilvus raises errors from themselves
        seen.add(id(error))
        code = getattr(error, "code", None)
        code = code() if callable(code) else code
        names.add(str(getattr(code, "name", "")))
        error = (
            error.__cause__ if error.__cause__ is not None and id(error.__cause__) not in seen else error.__context__
        )
    return names


def _is_away(error: Exception) -> bool:
    """Whether the server was not there; it may be a moment later."""
    text, code = str(getattr(error, "message", "") or error), getattr(error, "code", None)
    closed = "closed channel" in text or (code == _NO_CONNECTION and "connecting" in text)
    return closed or bool(_states(error) & _AWAY)


def _pymilvus() -> ModuleType:
    try:
        pymilvus = importlib.import_module("pymilvus")
    except ImportError:
        raise StoreError("pymilvus is not installed", 'pip install "article-qa[milvus]"') from None
    # It logs every failed call with its traceback; people are told in one line.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    return pymilvus
