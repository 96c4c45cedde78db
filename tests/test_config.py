from __future__ import annotations

from pathlib import Path

import pytest

from qa.config import Settings, describe, load_settings, locate
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
