from __future__ import annotations

from pathlib import Path

import pytest

from qa.config import Settings, api_key, api_key_variable, describe, load_settings, locate, milvus_token
from qa.errors import ConfigError

README = Path(__file__).resolve().parent.parent / "README.md"


def load(folder: Path, toml: str = "", environ: dict[str, str] | None = None, **flags: object) -> Settings:
    if toml:
        (folder / "qa.toml").write_text(toml, encoding="utf-8")
    return load_settings(flags, folder=folder, environ=environ or {})


def test_defaults_hold_without_any_source(tmp_path: Path) -> None:
    assert load(tmp_path) == Settings()


def test_later_sources_win(tmp_path: Path) -> None:
    toml = "top = 2\nport = 1000\nhost = '::1'\n"
    settings = load(tmp_path, toml, {"QA_PORT": "2000", "QA_TOP": "3"}, top=5)
    assert (settings.top, settings.port, settings.host) == (5, 2000, "::1")


def test_a_flag_that_was_not_given_changes_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "top = 2", top=None).top == 2


def test_paths_in_the_file_count_from_the_file(tmp_path: Path) -> None:
    assert load(tmp_path, "articles = 'texts'").articles == tmp_path / "texts"
    assert load(tmp_path, articles="texts").articles == Path("texts")


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("treshold = 0.5", "unknown setting treshold in qa.toml - did you mean threshold?"),
        ("xyz = 1", "known: articles, index"),
        ("port = 99999", "port = 99999 in qa.toml does not do - it must lie between 0 and 65535"),
        ("port = 'x'", "it must be a whole number"),
        ("port = true", "it must be a number"),
        ("top = 1.5", "it must be a whole number"),
        ("threshold = 2", "it must lie between 0 and 1"),
        ("encoder = ''", "it must be a text that is not empty"),
        ("top =", "is not TOML"),
        ("auth = 'open'", "it must be one of none, token, proxy, jwt"),
        ("open_to_network = 'maybe'", "it must be true or false"),
        ("allowed_origins = 'https://a.example/path'", "is no origin"),
        ("allowed_origins = ['*']", "is no origin"),
        ("allowed_origins = ['null']", "is no origin"),
        ("allowed_origins = ['https://*.example']", "is no origin"),
        ("allowed_origins = ['https://a.example; script-src *']", "is no origin"),
        ("allowed_origins = ['https://u@a.example']", "is no origin"),
        ("allowed_origins = ['https://a.example:99999']", "is no origin"),
        ("allowed_origins = 7", "it must be a list"),
        ("hosts = ['qa.intern:80']", "is no host name"),
        ("proxies = ['nginx']", "is no address and no network"),
        ("user_header = 'X User'", "it must be the name of a header"),
        ("jwt_algorithm = 'none'", "it must be one of HS256"),
    ],
)
def test_a_bad_value_is_named_with_its_place_in_one_line(tmp_path: Path, toml: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, toml)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_origins_are_written_as_browsers_send_them(tmp_path: Path) -> None:
    toml = "allowed_origins = ['HTTPS://Intern.Example:443', 'http://[::1]:80', 'http://10.0.0.1:8080']\nmcp = true\n"
    settings = load(tmp_path, toml, {"QA_HOSTS": "qa.intern, qa", "QA_LOG_QUESTIONS": "yes"})
    assert settings.allowed_origins == ("https://intern.example", "http://[::1]", "http://10.0.0.1:8080")
    assert settings.hosts == ("qa.intern", "qa")
    assert settings.mcp
    assert settings.log_questions


def test_networks_and_key_files_are_read(tmp_path: Path) -> None:
    settings = load(tmp_path, "proxies = ['127.0.0.1', '10.0.0.0/8']\njwt_key = 'jwt.key'\n")
    assert settings.proxies == ("127.0.0.1/32", "10.0.0.0/8")
    assert settings.jwt_key == tmp_path / "jwt.key"


def test_bad_values_of_other_sources_name_their_source(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"QA_PORT = 'x' in the environment"):
        load(tmp_path, environ={"QA_PORT": "x"})
    with pytest.raises(ConfigError, match=r"--top = 0 in the command line"):
        load(tmp_path, top=0)


def test_a_misspelt_variable_is_refused_and_a_foreign_one_is_not(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean QA_THRESHOLD"):
        load(tmp_path, environ={"QA_TRESHOLD": "0.5"})
    assert load(tmp_path, environ={"QA_TEAM_MAIL": "x", "QA_DEBUG": "1"}) == Settings()


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "qa.toml").write_bytes(b"host = '\xff'")
    with pytest.raises(ConfigError, match=r"qa\.toml cannot be read"):
        load(tmp_path)


def test_prompts_are_given_only_where_they_are_set() -> None:
    assert Settings().prompts is None
    assert Settings(query_prompt="query: ").prompts == {"query": "query: "}


def test_a_folder_named_in_passing_is_indexed_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    one = locate(Settings(articles=tmp_path / "a"), {"articles": tmp_path / "a"})
    other = locate(Settings(articles=tmp_path / "b"), {"articles": tmp_path / "b"})
    assert tmp_path / "cache" in one.index.parents
    assert one.index != other.index


def test_a_named_index_and_the_configured_articles_stay_where_they_are(tmp_path: Path) -> None:
    named = Settings(articles=tmp_path, index=tmp_path / "i")
    assert locate(named, {"articles": tmp_path, "index": tmp_path / "i"}) == named
    assert locate(Settings(), {"articles": Settings().articles}) == Settings()
    assert locate(Settings(), {}) == Settings()


def test_every_setting_is_documented() -> None:
    text = README.read_text(encoding="utf-8")
    for name, what in describe():
        setting, _, default = name.partition(" = ")
        shown = "unset" if default == "(unset)" else f"`{default}`"
        assert f"| `{setting}` | {shown} | {what} |" in text, f"the README's table lacks {setting} as it is"


WRITER = "writer = 'openai'\nbase_url = 'http://127.0.0.1:11434/v1/'\nmodel = 'tiny'\n"


def test_a_writer_is_set_in_the_file_and_taken_back_by_a_flag(tmp_path: Path) -> None:
    settings = load(tmp_path, WRITER)
    assert (settings.writer, settings.base_url, settings.model) == ("openai", "http://127.0.0.1:11434/v1", "tiny")
    assert load(tmp_path, WRITER, writer="none").writer == "none"
    assert load(tmp_path, "top = 2").writer == "none"


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("writer = 'openai'\nmodel = 'x'", 'writer = "openai" needs base_url too - set base_url in qa.toml'),
        ("writer = 'openai'\nbase_url = 'http://h/v1'", 'writer = "openai" needs model too'),
        ("writer = 'gpt'", "it must be one of none, openai"),
        ("base_url = 'ftp://h/v1'", "it must be an address such as http://127.0.0.1:11434/v1"),
        ("base_url = 'localhost:8000'", "it must be an address such as"),
        ("base_url = 'http://h:99999/v1'", "it must be an address such as"),
        ("writer_timeout = 0", "it must lie between 0.1 and 3600"),
        ("writer_temperature = 3", "it must lie between 0 and 2"),
    ],
)
def test_half_a_writer_is_refused_with_what_it_lacks(tmp_path: Path, toml: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, toml)
    assert says in str(caught.value)


@pytest.mark.parametrize("name", ["api_key", "openai_api_key", "writer_api_key", "API_KEY", "token"])
def test_a_key_in_the_file_is_refused_and_not_repeated(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"{WRITER}{name} = 'sk-secret'")
    assert str(caught.value) == (
        f"{name} in qa.toml: a key is never kept there - delete that line; export QA_WRITER_API_KEY=... instead"
    )


def test_a_key_in_a_table_or_in_an_address_is_refused_too(tmp_path: Path) -> None:
    for toml in ("[writer]\napi_key = 'sk-secret'", "base_url = 'https://user:sk-secret@h/v1'"):
        with pytest.raises(ConfigError) as caught:
            load(tmp_path, toml)
        assert "sk-secret" not in str(caught.value)


def test_the_key_comes_from_the_environment_and_goes_where_it_belongs() -> None:
    vendor = Settings(base_url="https://vendor.example/v1")
    openai = Settings(base_url="https://api.openai.com/v1")
    local = Settings(base_url="http://127.0.0.1:8000/v1")
    lookalike = Settings(base_url="https://api.openai.com.example/v1")
    both = {"QA_WRITER_API_KEY": "own", "OPENAI_API_KEY": "theirs"}
    assert [api_key(settings, both) for settings in (vendor, openai, local)] == ["own"] * 3
    theirs = {"OPENAI_API_KEY": "theirs", "QA_WRITER_API_KEY": " "}
    assert [api_key(one, theirs) for one in (vendor, lookalike, openai, local)] == [None, None, "theirs", "theirs"]
    assert api_key_variable(local, theirs) == "OPENAI_API_KEY"
    assert api_key(local, {}) is None


def test_the_variable_of_the_key_is_no_unknown_setting(tmp_path: Path) -> None:
    assert load(tmp_path, environ={"QA_WRITER_API_KEY": "sk-secret", "QA_API_KEY": "x"}) == Settings()


def test_the_milvus_server_is_an_address_or_a_file_and_is_needed(tmp_path: Path) -> None:
    given = load(tmp_path, "store = 'milvus'\nmilvus_uri = 'https://milvus:19530/'\nmilvus_ca = 'ca.pem'\n")
    assert (given.store, given.milvus_uri, given.milvus_ca) == ("milvus", "https://milvus:19530", tmp_path / "ca.pem")
    assert load(tmp_path, "milvus_uri = 'lite.db'\n").milvus_uri == tmp_path / "lite.db"
    with pytest.raises(ConfigError, match='store = "milvus" needs milvus_uri too'):
        load(tmp_path, "store = 'milvus'\n")
    for wrong in ("milvus:19530", "ftp://milvus", "lite.sqlite", "https://milvus/?a"):
        with pytest.raises(ConfigError, match=r"an address such as http://milvus:19530, or a file that ends in \.db"):
            load(tmp_path, f"milvus_uri = '{wrong}'\n")
    for wrong in ("1abc", "a-b", ""):
        with pytest.raises(ConfigError, match="milvus_alias"):
            load(tmp_path, f"milvus_alias = '{wrong}'\n")


def test_the_token_of_milvus_comes_from_the_environment_alone_and_is_never_repeated(tmp_path: Path) -> None:
    assert milvus_token({"QA_MILVUS_TOKEN": " root:secret "}) == "root:secret"
    assert milvus_token({}) == ""
    assert load(tmp_path, "", {"QA_MILVUS_TOKEN": "root:secret"}) == Settings()
    with pytest.raises(ConfigError, match="holds characters that no token has"):
        milvus_token({"QA_MILVUS_TOKEN": "root:\u00fc"})
    for toml in ("milvus_token = 'root:secret'\n", "milvus_uri = 'http://root:secret@milvus:19530'\n"):
        with pytest.raises(ConfigError, match="QA_MILVUS_TOKEN") as caught:
            load(tmp_path, toml)
        assert "secret" not in str(caught.value)
