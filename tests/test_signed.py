from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from starlette.datastructures import Headers

from qa.config import Settings
from qa.errors import ConfigError
from qa.server.access import gatekeeper
from qa.server.problems import Problem

SECRET = "a secret of the host site, 32 bytes long at least"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "jwt.key").write_text(SECRET + "\n", encoding="utf-8")
    return Settings(auth="jwt", jwt_key=tmp_path / "jwt.key", jwt_audience="qa.intern")


def claims(**changed: object) -> dict[str, object]:
    now = int(time.time())
    made = {"aud": "qa.intern", "iat": now, "exp": now + 300, "sub": "ada"} | changed
    return {name: value for name, value in made.items() if value is not None}


def admit(settings: Settings, token: str) -> str:
    return gatekeeper(settings).admit(Headers({"authorization": f"Bearer {token}"}), "192.0.2.7").name


def signed(key: str = SECRET, algorithm: str = "HS256", **changed: object) -> str:
    return jwt.encode(claims(**changed), key, algorithm)


def test_a_fresh_token_names_its_subject(settings: Settings) -> None:
    assert admit(settings, signed()) == "subject ada"
    assert admit(settings, signed(sub=None)) == "address 192.0.2.7"
    assert admit(settings, signed(aud=["other", "qa.intern"])) == "subject ada"


NOW = int(time.time())


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"exp": NOW - 100}, "expired"),
        ({"exp": None}, "lacks exp"),
        ({"iat": None}, "lacks iat"),
        ({"aud": None}, "lacks aud"),
        ({"aud": "elsewhere"}, "another audience"),
        ({"exp": NOW + 86_400}, "longer than 600"),
        ({"iat": NOW - 86_400, "exp": NOW + 86_400}, "longer than 600"),
        ({"iat": NOW + 86_400, "exp": NOW + 86_700}, "not valid"),
        ({"nbf": NOW + 3600}, "not valid"),
        ({"exp": "soon"}, "not valid"),
        ({"exp": 1e999}, "not valid"),
    ],
)
def test_a_claim_that_does_not_do_is_named(settings: Settings, changed: dict[str, object], says: str) -> None:
    with pytest.raises(Problem) as refused:
        admit(settings, signed(**changed))
    assert refused.value.kind.status == 401
    assert says in refused.value.detail
    assert 'error="invalid_token"' in refused.value.headers["WWW-Authenticate"]


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "\xff.\xff.\xff",
        signed(key=SECRET + "!"),
        signed(algorithm="HS384"),
        f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims())}.",
        f"{part({'alg': 'None'})}.{part(claims())}.",
    ],
)
def test_unsigned_and_otherwise_signed_tokens_are_refused(settings: Settings, token: str) -> None:
    with pytest.raises(Problem) as refused:
        admit(settings, token)
    assert refused.value.kind.status == 401


def test_a_key_of_the_page_as_basic_password_is_not_asked_for(settings: Settings) -> None:
    basic = "Basic " + base64.b64encode(f"x:{signed()}".encode()).decode()
    with pytest.raises(Problem):
        gatekeeper(settings).admit(Headers({"authorization": basic}), "192.0.2.7")


def pem(key: rsa.RSAPublicKey | ed25519.Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_a_public_key_checks_what_its_private_key_signed(tmp_path: Path) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "key.pem").write_bytes(pem(private.public_key()))
    settings = Settings(auth="jwt", jwt_key=tmp_path / "key.pem", jwt_algorithm="EdDSA")
    assert admit(settings, jwt.encode(claims(aud="article-qa"), private, "EdDSA")) == "subject ada"
    other = ed25519.Ed25519PrivateKey.generate()
    with pytest.raises(Problem):
        admit(settings, jwt.encode(claims(aud="article-qa"), other, "EdDSA"))


def test_a_public_key_is_no_shared_secret(tmp_path: Path) -> None:
    """The classic confusion: a token signed by HMAC with the published public key."""
    key = pem(rsa.generate_private_key(65537, 2048).public_key())
    (tmp_path / "key.pem").write_bytes(key)
    settings = Settings(auth="jwt", jwt_key=tmp_path / "key.pem", jwt_algorithm="RS256")
    head = {"alg": "HS256", "typ": "JWT"}
    signing = f"{part(head)}.{part(claims(aud='article-qa'))}"
    mac = hmac.new(key.strip(), signing.encode(), hashlib.sha256).digest()
    with pytest.raises(Problem):
        admit(settings, f"{signing}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")
    with pytest.raises(ConfigError, match="is no key for HS256"):
        gatekeeper(Settings(auth="jwt", jwt_key=tmp_path / "key.pem", jwt_algorithm="HS256"))


def test_a_key_that_cannot_be_used_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no key"):
        gatekeeper(Settings(auth="jwt"))
    with pytest.raises(ConfigError, match="cannot be read"):
        gatekeeper(Settings(auth="jwt", jwt_key=tmp_path / "none"))
    (tmp_path / "short").write_text("tooshort", encoding="utf-8")
    with pytest.raises(ConfigError, match="has 8 bytes, HS256 needs 32"):
        gatekeeper(Settings(auth="jwt", jwt_key=tmp_path / "short"))
    with pytest.raises(ConfigError, match="is no key for RS256"):
        gatekeeper(Settings(auth="jwt", jwt_key=tmp_path / "short", jwt_algorithm="RS256"))
