"""Settings: defaults, then ``qa.toml``, then ``QA_*``, then flags. Validates; builds nothing."""

from __future__ import annotations

import difflib
import hashlib
import ipaddress
import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from platformdirs import user_cache_path

from qa.errors import ConfigError

CONFIG_FILE = "qa.toml"
ENV_PREFIX = "QA_"

#: The port that each scheme of an origin leaves out.
_PORTS: Final = {"http": 80, "https": 443}
#: A host name (in ASCII, as browsers send it), an IPv4 address, or an IPv6 address without brackets.
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*")


class SecretValueError(ValueError):
    """A value cannot be what it is and may be a secret: the message must not repeat it."""


def _number(low: float, high: float, kind: type[int] | type[float]) -> Callable[[Any], int | float]:
    def check(value: Any) -> int | float:  # noqa: ANN401 - whatever TOML or the environment holds
        if isinstance(value, bool):
            raise ValueError("it must be a number")
        try:
            number = kind(value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"it must be {'a whole' if kind is int else 'a'} number") from None
        if kind is int and isinstance(value, float) and number != value:
            raise ValueError("it must be a whole number")
        if not low <= number <= high:
            raise ValueError(f"it must lie between {low:g} and {high:g}")
        return number

    return check


def _text(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str) or not value.strip():
        raise ValueError("it must be a text that is not empty")
    if "\0" in value:
        raise ValueError("it must be a text without the character 0")
    return value.strip()


def _address(value: Any) -> str:  # noqa: ANN401
    address = _text(value).rstrip("/")
    try:
        parts = urlsplit(address)
        well_formed = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        well_formed = False
    if not well_formed or parts.query or parts.fragment:
        raise ValueError("it must be an address such as http://127.0.0.1:11434/v1")
    if parts.username is not None or parts.password is not None:
        raise SecretValueError("it must hold no user name and password")
    return address


def _milvus(value: Any) -> str | Path:  # noqa: ANN401
    """A server's address, or a file of Milvus Lite: it ends in ``.db``."""
    text = _text(str(value) if isinstance(value, Path) else value)
    if "://" not in text and text.endswith(".db"):
        return Path(text).expanduser()
    try:
        return _address(text)
    except SecretValueError:
        raise SecretValueError("it must hold no user name and password: export QA_MILVUS_TOKEN=...") from None
    except ValueError:
        raise ValueError("it must be an address such as http://milvus:19530, or a file that ends in .db") from None


def _alias(value: Any) -> str:  # noqa: ANN401
    text = _text(value)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", text):
        raise ValueError("it must be letters, digits and underscores, at most 100, no digit first")
    return text


def _yes_no(value: Any) -> bool:  # noqa: ANN401
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    known = value if isinstance(value, bool) else words.get(str(value).strip().lower())
    if known is None:
        raise ValueError("it must be true or false")
    return known


def _one_of(*names: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:  # noqa: ANN401
        if value not in names:
            raise ValueError(f"it must be one of {', '.join(names)}")
        return str(value)

    return check


def _list_of(check: Callable[[Any], str]) -> Callable[[Any], tuple[str, ...]]:
    """A list in TOML; in the environment its members parted by commas."""

    def check_all(value: Any) -> tuple[str, ...]:  # noqa: ANN401
        given = [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        if not isinstance(given, list | tuple):
            raise ValueError('it must be a list, such as ["one", "two"]')
        return tuple(dict.fromkeys(check(one) for one in given))

    return check_all


def _origin(value: Any) -> str:  # noqa: ANN401
    """An origin as browsers send it: scheme, host and a port that is not the scheme's own."""
    text = _text(value).lower()
    mend = f"{text} is no origin: it must read https://host or https://host:port, without path and *"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(mend) from None
    bare = not (parts.path or parts.query or parts.fragment or parts.username)
    if parts.scheme not in _PORTS or not host or not bare or not _HOST.fullmatch(host):
        raise ValueError(mend)
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in {None, _PORTS[parts.scheme]} else f":{port}")


def _network(value: Any) -> str:  # noqa: ANN401
    try:
        return str(ipaddress.ip_network(_text(value)))
    except ValueError:
        raise ValueError(f"{value} is no address and no network such as 10.0.0.0/8") from None


def _host(value: Any) -> str:  # noqa: ANN401
    text = _text(value).lower()
    if not _HOST.fullmatch(text):
        raise ValueError(f"{text} is no host name: it has neither scheme nor port")
    return text


def _header(value: Any) -> str:  # noqa: ANN401
    text = _text(value)
    if not re.fullmatch(r"[A-Za-z0-9-]+", text):
        raise ValueError("it must be the name of a header, such as X-Forwarded-User")
    return text


def _path(value: Any) -> Path:  # noqa: ANN401
    path = Path(_text(str(value) if isinstance(value, Path) else value))
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError("nobody of that name has a home here") from None


def _setting(default: Any, check: Callable[[Any], Any], text: str) -> Any:  # noqa: ANN401 - as dataclasses.field
    return field(default=default, metadata={"check": check, "help": text})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its default; `describe` lists them for the documentation."""

    articles: Path = _setting(Path("seeds"), _path, "folder of articles to answer from")
    index: Path = _setting(Path("index"), _path, "folder that the built index is published in")
    encoder: str = _setting("bundled", _text, "`bundled`, or the name or path of any sentence-transformers model")
    query_prompt: str | None = _setting(
        None, str, "text put before a question (`query: `); unset: what the encoder names itself"
    )
    passage_prompt: str | None = _setting(
        None, str, "text put before a passage (`passage: `); unset: what the encoder names itself"
    )
    chunk_words: int = _setting(
        100, _number(20, 400, int), "longest passage in words; a sentence that is longer stands alone"
    )
    top: int = _setting(4, _number(1, 20, int), "most quotes in an answer")
    threshold: float | None = _setting(
        None,
        _number(0, 1, float),
        "confidence below which the articles are said not to answer; unset: the fitted one",
    )
    keep_builds: int = _setting(
        1, _number(0, 1000, int), "earlier builds that stay beside the published one, for `qa index rollback`"
    )
    store: str = _setting(
        "faiss",
        _one_of("faiss", "milvus"),
        "where vectors are searched: `faiss` in this process; `milvus`, past one machine "
        "([docs/SCALING.md](docs/SCALING.md)); needs the extra `milvus`",
    )
    milvus_uri: str | Path | None = _setting(
        None,
        _milvus,
        "the Milvus server, `http://milvus:19530` or `https://…`; or a file of Milvus Lite, `….db`",
    )
    milvus_ca: Path | None = _setting(
        None, _path, "file (PEM) with the authority that vouches for the server; unset: the well-known ones"
    )
    milvus_timeout: float = _setting(10.0, _number(0.1, 3600, float), "seconds that a call to Milvus may take")
    milvus_alias: str = _setting(
        "article_qa", _alias, "name of the published collection on the server, and the start of every collection's name"
    )
    milvus_index: str = _setting(
        "auto",
        _one_of("auto", "flat", "hnsw", "ivf_sq8", "diskann"),
        "index of the collections; `auto`: exact (`flat`) up to 100,000 passages, beyond that `hnsw`",
    )
    milvus_shards: int = _setting(1, _number(1, 64, int), "shards of a collection: how many nodes take its rows in")
    milvus_replicas: int = _setting(1, _number(1, 64, int), "copies of a collection held in memory to be searched")
    milvus_bm25: bool = _setting(
        False, _yes_no, "let Milvus rank the words too (its BM25, from Milvus 2.5 on) instead of the local tantivy"
    )
    max_file_mb: int = _setting(20, _number(1, 1024, int), "largest article file that is read, in MiB")
    workers: int = _setting(
        1, _number(0, 1024, int), "processes that embed passages while an index is built; 0: one for every core"
    )
    engine: Literal["processes", "ray"] = _setting(
        "processes",
        _one_of("processes", "ray"),
        "where they run: `processes` on this machine, or `ray` on a Ray cluster; needs the extra `ray`",
    )
    host: str = _setting("127.0.0.1", _text, "address the page listens on")
    port: int = _setting(7860, _number(0, 65535, int), "port the page listens on; 0 takes a free one")
    writer: str = _setting(
        "none",
        _one_of("none", "openai"),
        "`openai`: a language model writes prose over the quotes ([docs/WRITER.md](docs/WRITER.md)); `none`",
    )
    base_url: str | None = _setting(
        None, _address, "the writer's server, anything that speaks OpenAI's protocol: `http://127.0.0.1:11434/v1`"
    )
    model: str | None = _setting(None, _text, "the writer's model, by the name its server knows it by")
    writer_timeout: float = _setting(
        30.0, _number(0.1, 3600, float), "seconds the writer may take in all; then the quotes stand alone"
    )
    writer_stall: float = _setting(
        15.0, _number(0.1, 3600, float), "seconds the writer may be silent, before its first word too"
    )
    writer_temperature: float | None = _setting(
        None, _number(0, 2, float), "how freely the writer words; unset: what its server does; `0` suits local ones"
    )
    writer_proxy: str | None = _setting(
        None, _address, "proxy on the way to the writer; unset: none, whatever the environment names"
    )

    auth: Literal["none", "token", "proxy", "jwt"] = _setting(
        "none", _one_of("none", "token", "proxy", "jwt"), "who is let in: `none` (everyone), `token`, `proxy` or `jwt`"
    )
    open_to_network: bool = _setting(
        False, _yes_no, 'listen beyond this machine although `auth = "none"` lets everyone in'
    )
    hosts: tuple[str, ...] = _setting(
        (), _list_of(_host), 'names besides localhost that the server is asked for under, with `auth = "none"`'
    )
    allowed_origins: tuple[str, ...] = _setting(
        (), _list_of(_origin), "origins whose pages may embed the page and call the API from a browser"
    )
    token_file: Path = _setting(Path("tokens.json"), _path, "file that `qa token` keeps the hashes of keys in")
    proxies: tuple[str, ...] = _setting(
        (), _list_of(_network), "addresses or networks of the proxies that are believed"
    )
    user_header: str = _setting(
        "X-Forwarded-User", _header, 'header in which a proxy names the user, with `auth = "proxy"`'
    )
    jwt_key: Path | None = _setting(None, _path, "file with the secret or the public key (PEM) that checks tokens")
    jwt_algorithm: str = _setting(
        "HS256",
        _one_of("HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA"),
        "the one algorithm of tokens that are let in",
    )
    jwt_audience: str = _setting("article-qa", _text, "what `aud` of a token must be")
    rate: int = _setting(120, _number(1, 1_000_000, int), "questions and API requests of one client in a minute")
    rate_all: int = _setting(2400, _number(1, 10_000_000, int), "questions and API requests of all in a minute")
    concurrent: int = _setting(8, _number(1, 256, int), "questions in work at once: sought, two at a time, or written")
    waiting: int = _setting(64, _number(0, 10_000, int), "questions that may wait; one more is told that it is busy")
    answer_seconds: float = _setting(
        60.0, _number(0.1, 3600, float), "longest time for a question in seconds, waiting included"
    )
    max_history: int = _setting(20, _number(0, 100, int), "most earlier questions that one to the API may bring")
    reload_seconds: float = _setting(
        2.0, _number(0.05, 3600, float), "seconds between two looks at whether another index was published"
    )
    watch: bool = _setting(
        False, _yes_no, "build the index again whenever the articles folder changes, as `qa serve --watch`"
    )
    watch_seconds: float = _setting(
        5.0, _number(0.05, 86400, float), "seconds between two looks at the articles folder, at least"
    )
    settle_seconds: float = _setting(
        3.0, _number(0, 3600, float), "seconds that the folder must stay as it is before it is read"
    )
    log_questions: bool = _setting(False, _yes_no, "write each question to standard error; the page says so")
    feedback: bool = _setting(
        True, _yes_no, "let readers say on the page whether an answer is right; kept on this machine alone"
    )
    feedback_file: Path = _setting(
        Path("feedback.sqlite"), _path, "file that `qa feedback` and the page keep the verdicts in"
    )
    widget: bool = _setting(
        False,
        _yes_no,
        "serve the widget that other sites embed ([docs/WIDGET.md](docs/WIDGET.md)) at `/widget.js`",
    )
    mcp: bool = _setting(False, _yes_no, "serve the tool `ask_articles` to assistants at `/mcp`; needs the extra `mcp`")

    @property
    def prompts(self) -> dict[str, str] | None:
        """The prompts that were set, or None where the encoder's own hold."""
        given = {"query": self.query_prompt, "passage": self.passage_prompt}
        return {name: text for name, text in given.items() if text is not None} or None


def describe() -> list[tuple[str, str]]:
    """Name with default, and help, of every setting in order: the table of the documentation."""
    return [(f"{f.name} = {_show(f.default)}", str(f.metadata["help"])) for f in fields(Settings)]


def _show(default: Any) -> str:  # noqa: ANN401
    if default is None:
        return "(unset)"
    if isinstance(default, bool | tuple):
        return json.dumps(default)
    return str(default) if isinstance(default, int | float) else f'"{default}"'


def load_settings(
    flags: Mapping[str, Any] | None = None,
    *,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from all four sources, the later one winning.

    Args:
        flags: Values given on the command line; None means not given.
        folder: Holds ``qa.toml``, whose relative paths count from there. Default: the working folder.
        environ: Default: ``os.environ``.

    Raises:
        ConfigError: A key is unknown or a value cannot be what it is.
    """
    folder = Path() if folder is None else folder
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    _merge(values, _read_toml(folder / CONFIG_FILE), CONFIG_FILE, str, base=folder)
    _merge(values, _read_environ(environ), "the environment", _variable)
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    _merge(values, given, "the command line", _flag)
    settings = Settings(**values)
    lacking = [name for name in ("base_url", "model") if getattr(settings, name) is None]
    if settings.writer != "none" and lacking:
        raise ConfigError(f'writer = "{settings.writer}" needs {lacking[0]} too', f"set {lacking[0]} in {CONFIG_FILE}")
    if settings.store == "milvus" and settings.milvus_uri is None:
        raise ConfigError('store = "milvus" needs milvus_uri too', f"set milvus_uri in {CONFIG_FILE}")
    return settings


def milvus_token(environ: Mapping[str, str] | None = None) -> str:
    """What Milvus lets us in by, ``user:password`` or a key, from ``QA_MILVUS_TOKEN`` alone; "" for none.

    Raises:
        ConfigError: It holds what cannot be sent.
    """
    token = (os.environ if environ is None else environ).get("QA_MILVUS_TOKEN", "").strip()
    if not token.isascii() or not token.isprintable():
        raise ConfigError("QA_MILVUS_TOKEN holds characters that no token has", "set QA_MILVUS_TOKEN anew")
    return token


#: Names under which a key for the writer might be put where it must not be.
_KEYS = frozenset({"api_key", "apikey", "key", "token", "secret", "openai_api_key", "writer_api_key", "writer_key"})
_MILVUS_KEYS = frozenset({"milvus_token", "milvus_password", "milvus_api_key"})


def api_key(settings: Settings, environ: Mapping[str, str] | None = None) -> str | None:
    """The key for the writer's server: ``QA_WRITER_API_KEY``, else ``OPENAI_API_KEY``; never from a file.

    ``OPENAI_API_KEY`` belongs to OpenAI: other hosts than its own and this machine do not get it.

    Raises:
        ConfigError: The key holds what cannot be sent.
    """
    name = api_key_variable(settings, environ)
    if name is None:
        return None
    key = (os.environ if environ is None else environ)[name].strip()
    if not key.isascii() or not key.isprintable():
        raise ConfigError(f"{name} holds characters that no key has", f"set {name} anew")
    return key


def api_key_variable(settings: Settings, environ: Mapping[str, str] | None = None) -> str | None:
    """The variable that `api_key` takes the key from, or None."""
    environ = os.environ if environ is None else environ
    host = urlsplit(settings.base_url or "").hostname or ""
    known = (
        host in ("localhost", "::1", "api.openai.com") or host.startswith("127.") or host.endswith(".api.openai.com")
    )
    names = ["QA_WRITER_API_KEY", *(["OPENAI_API_KEY"] if known else [])]
    return next((name for name in names if environ.get(name, "").strip()), None)


def locate(settings: Settings, flags: Mapping[str, Any]) -> Settings:
    """Put the index of a folder that was named in passing (``--articles`` alone) into the user's cache.

    The index of the configured articles stays where it is configured; another folder's would displace it.
    """
    named = flags.get("articles")
    if named is None or flags.get("index") is not None or named == load_settings().articles:
        return settings
    name = hashlib.sha256(str(settings.articles.resolve()).encode()).hexdigest()[:16]
    return replace(settings, index=user_cache_path("article-qa") / "index" / name)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", "make it a UTF-8 text file") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}", "correct that line") from None
    except (RecursionError, ValueError):  # and no TOMLDecodeError, for all that the manual says
        raise ConfigError(f"{path} holds a list or a number that is too large", "correct it") from None


def _read_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    # QA_DEBUG belongs to the command line, and other programs may own QA_ names with no counterpart here:
    # only a near miss of a real setting is taken for a misspelling.
    names = [f.name for f in fields(Settings)]
    found: dict[str, Any] = {}
    for key, value in environ.items():
        name = key.removeprefix(ENV_PREFIX).lower()
        if not key.startswith(ENV_PREFIX) or value == "" or name in _KEYS | _MILVUS_KEYS:
            continue
        if name in names or difflib.get_close_matches(name, names, n=1, cutoff=0.8):
            found[name] = value
    return found


def _variable(name: str) -> str:
    return ENV_PREFIX + name.upper()


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _merge(
    values: dict[str, Any],
    given: Mapping[str, Any],
    where: str,
    spelled: Callable[[str], str],
    base: Path | None = None,
) -> None:
    known = {f.name: f for f in fields(Settings)}
    for name, value in given.items():
        if name.lower() in _KEYS or (
            name == "writer" and isinstance(value, Mapping) and _KEYS & {k.lower() for k in value}
        ):
            raise ConfigError(
                f"{spelled(name)} in {where}: a key is never kept there",
                "delete that line; export QA_WRITER_API_KEY=... instead",
            )
        if name.lower() in _MILVUS_KEYS:
            raise ConfigError(
                f"{spelled(name)} in {where}: a token is never kept there",
                "delete that line; export QA_MILVUS_TOKEN=... instead",
            )
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            mend = f"did you mean {spelled(near[0])}?" if near else f"known: {', '.join(known)}"
            raise ConfigError(f"unknown setting {spelled(name)} in {where}", mend)
        try:
            checked = known[name].metadata["check"](value)
        except SecretValueError as error:
            raise ConfigError(f"{spelled(name)} in {where} does not do", f"{error}") from None
        except ValueError as error:
            shown = spelled(name)
            raise ConfigError(f"{shown} = {value!r} in {where} does not do", f"{error}") from None
        values[name] = base / checked if base is not None and isinstance(checked, Path) else checked
