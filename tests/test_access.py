from __future__ import annotations

import base64
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from qa.config import Settings
from qa.errors import ConfigError
from qa.server.access import Proxies, check_address, gatekeeper, is_loopback, own_hosts
from qa.server.problems import Problem
from qa.server.tokens import TokenFile


def admit(settings: Settings, address: str = "192.0.2.7", **headers: str) -> str:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return gatekeeper(settings).admit(Headers(given), address).name


def test_without_authentication_a_client_is_its_address() -> None:
    assert admit(Settings()) == "address 192.0.2.7"
    assert admit(Settings(), x_forwarded_for="198.51.100.1") == "address 192.0.2.7"


def test_a_listed_proxy_is_believed_about_the_last_hop_only() -> None:
    settings = Settings(proxies=("127.0.0.1/32", "10.0.0.0/8"))
    chain = "203.0.113.9, 198.51.100.1, 10.1.2.3"
    assert admit(settings, "127.0.0.1", x_forwarded_for=chain) == "address 198.51.100.1"
    assert admit(settings, "127.0.0.1") == "address 127.0.0.1"


@pytest.fixture
def keys(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tokens.json")


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_a_key_is_taken_as_bearer_and_as_a_browsers_password(keys: TokenFile) -> None:
    key = keys.add("intranet")
    settings = Settings(auth="token", token_file=keys.path)
    assert admit(settings, authorization=f"Bearer {key}") == "key intranet"
    assert admit(settings, authorization=f"bearer  {key} ") == "key intranet"
    assert admit(settings, authorization=basic("anyone", key)) == "key intranet"


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer qa_wrong", "Basic !!", "Basic /w==", "Digest x", basic("qa_x", "")]
)
def test_anything_else_is_no_key(keys: TokenFile, authorization: str) -> None:
    keys.add("intranet")
    with pytest.raises(Problem) as refused:
        admit(Settings(auth="token", token_file=keys.path), authorization=authorization)
    assert refused.value.kind.status == 401
    assert refused.value.headers["WWW-Authenticate"].startswith("Bearer ")


def test_two_authorizations_are_none(keys: TokenFile) -> None:
    key = keys.add("intranet").encode()
    twice = Headers(raw=[(b"authorization", b"Bearer " + key), (b"authorization", b"Bearer " + key)])
    with pytest.raises(Problem):
        gatekeeper(Settings(auth="token", token_file=keys.path)).admit(twice, "192.0.2.7")


def test_a_browser_that_opens_a_page_is_asked_for_the_key(keys: TokenFile) -> None:
    settings = Settings(auth="token", token_file=keys.path)
    with pytest.raises(Problem) as page:
        admit(settings, accept="text/html,*/*", sec_fetch_mode="navigate")
    assert page.value.headers["WWW-Authenticate"].startswith("Basic ")
    with pytest.raises(Problem) as script:
        admit(settings, accept="text/html,*/*", sec_fetch_mode="cors")
    assert script.value.headers["WWW-Authenticate"].startswith("Bearer ")


def test_a_file_of_keys_that_cannot_be_read_lets_nobody_in(keys: TokenFile) -> None:
    keys.path.write_text("{", encoding="utf-8")
    with pytest.raises(Problem) as refused:
        admit(Settings(auth="token", token_file=keys.path), authorization="Bearer qa_x")
    assert refused.value.name == "not-ready"
    assert str(keys.path) not in refused.value.detail


BEHIND_PROXY = Settings(auth="proxy", proxies=("127.0.0.1/32",), user_header="Remote-User")


def test_the_user_is_whom_a_listed_proxy_names() -> None:
    assert admit(BEHIND_PROXY, "127.0.0.1", remote_user="ada") == "user ada"
    assert admit(BEHIND_PROXY, "::ffff:127.0.0.1", remote_user="ada") == "user ada"


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.0.2.7", {"remote_user": "ada"}),
        ("192.0.2.7", {"remote_user": "ada", "x_forwarded_for": "127.0.0.1"}),
        ("127.0.0.1", {}),
        ("127.0.0.1", {"remote_user": "  "}),
        ("127.0.0.1", {"remote_user": "a" * 201}),
        ("127.0.0.1", {"x_forwarded_user": "ada"}),
    ],
)
def test_nobody_else_is_believed(address: str, headers: dict[str, str]) -> None:
    with pytest.raises(Problem) as refused:
        admit(BEHIND_PROXY, address, **headers)
    assert refused.value.kind.status == 401


def test_two_users_are_none() -> None:
    twice = Headers(raw=[(b"remote-user", b"ada"), (b"remote-user", b"root")])
    with pytest.raises(Problem):
        gatekeeper(BEHIND_PROXY).admit(twice, "127.0.0.1")


def test_a_proxy_must_be_named() -> None:
    with pytest.raises(ConfigError, match=r'proxies = \["127\.0\.0\.1"\]'):
        gatekeeper(Settings(auth="proxy"))


def test_what_is_no_address_is_no_proxy() -> None:
    assert not Proxies(("0.0.0.0/0",)).holds("testclient")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "::1", "localhost", "LOCALHOST"])
def test_this_machine_needs_no_authentication(host: str) -> None:
    check_address(Settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "qa.intern", "127.0.0.1.example"])  # noqa: S104
def test_another_address_without_authentication_is_refused_with_what_allows_it(host: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_address(Settings(host=host))
    assert 'auth = "token"' in str(refused.value)
    assert "open_to_network = true" in str(refused.value)
    assert "\n" not in str(refused.value)
    check_address(Settings(host=host, open_to_network=True))
    check_address(Settings(host=host, auth="token"))
    assert not is_loopback(host)


def test_names_matter_only_where_nothing_else_protects() -> None:
    assert own_hosts(Settings(hosts=("qa.intern",))) == {"localhost", "127.0.0.1", "::1", "qa.intern"}
    assert own_hosts(Settings(auth="token")) is None
    assert own_hosts(Settings(open_to_network=True)) is None
