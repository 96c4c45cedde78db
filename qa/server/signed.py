"""Tokens that the host site signs (JSON Web Tokens, RFC 7519): one algorithm, an audience, ten minutes at most."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from qa.errors import ConfigError
from qa.server.problems import Problem

try:
    import jwt
except ImportError as error:
    raise ConfigError('auth = "jwt" needs PyJWT', "pip install 'article-qa[jwt]'") from error

if TYPE_CHECKING:
    from pathlib import Path

    from qa.config import Settings

#: Seconds between ``iat`` and ``exp`` of a token, at most: a page gets a new one before, and a leaked one soon ends.
LIFETIME: Final = 600
#: Seconds that the clocks of the two servers may differ.
LEEWAY: Final = 30
#: Bytes of a shared secret, at least: as many as the hash has (RFC 7518, section 3.2).
_SECRET: Final = {"HS256": 32, "HS384": 48, "HS512": 64}


class SignedTokens:
    """Checks tokens with one key and one algorithm; what a token's own header says about either is not followed."""

    def __init__(self, key: bytes, algorithm: str, audience: str) -> None:
        self._key = key
        self._algorithm = algorithm
        self._audience = audience

    @classmethod
    def load(cls, settings: Settings) -> SignedTokens:
        """With the key that the settings name.

        Raises:
            ConfigError: There is no key, or it does not fit the algorithm.
        """
        if settings.jwt_key is None:
            raise ConfigError('auth = "jwt" has no key', 'name its file in qa.toml: jwt_key = "jwt.key"')
        key = _read(settings.jwt_key)
        shortest = _SECRET.get(settings.jwt_algorithm, 0)
        if len(key) < shortest:
            raise ConfigError(
                f"the secret in {settings.jwt_key} has {len(key)} bytes, {settings.jwt_algorithm} needs {shortest}",
                f"openssl rand -base64 64 > {settings.jwt_key}",
            )
        try:
            jwt.get_algorithm_by_name(settings.jwt_algorithm).prepare_key(key)
        except NotImplementedError as error:
            raise ConfigError(
                f"{settings.jwt_algorithm} needs the package cryptography", "pip install 'article-qa[jwt]'"
            ) from error
        except (jwt.InvalidKeyError, ValueError, TypeError) as error:
            raise ConfigError(f"{settings.jwt_key} is no key for {settings.jwt_algorithm}: {error}") from error
        return cls(key, settings.jwt_algorithm, settings.jwt_audience)

    def subject(self, token: str) -> str:
        """Whom a token names, ``""`` where it names nobody.

        Raises:
            Problem: ``unauthenticated``, with the reason.
        """
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[self._algorithm],
                audience=self._audience,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise _refused("The token has expired; get a new one from the host site") from None
        except jwt.InvalidAudienceError:
            raise _refused("The token is for another audience") from None
        except jwt.MissingRequiredClaimError as error:
            raise _refused(f"The token lacks {error.claim}") from None
        except (jwt.PyJWTError, ValueError, OverflowError):
            raise _refused("The token is not valid here") from None
        # The signer's `iat` could lie in the future within the leeway; what counts is that exp is near from both ends.
        expires = float(claims["exp"])
        if expires - float(claims["iat"]) > LIFETIME or expires - time.time() > LIFETIME + LEEWAY:
            raise _refused(f"The token lives longer than {LIFETIME} seconds")
        return str(claims.get("sub") or "")


def _refused(reason: str) -> Problem:
    return Problem("unauthenticated", reason, {"WWW-Authenticate": 'Bearer realm="article-qa", error="invalid_token"'})


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"jwt_key = {path} cannot be read: {error.strerror}", "name a file that is there") from None
