"""Who is let in: everyone, holders of a key, users that a proxy vouches for, or bearers of a signed token."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from qa.errors import ConfigError, QAError
from qa.server.limits import client_of_address
from qa.server.problems import Problem
from qa.server.tokens import TokenFile

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from qa.config import Settings
    from qa.server.tokens import Use

#: Longest name of a user that is believed, in code points: it is kept for the limits.
LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Client:
    """Who sent a request: ``name`` counts for the limits, ``use`` is what it may do (None: everything)."""

    name: str
    use: Use | None = None


class Gatekeeper(Protocol):
    """Says who a request is from, or refuses it."""

    def admit(self, headers: Headers, address: str) -> Client:
        """The client behind a request.

        Args:
            headers: Of the request.
            address: Address of the other end of the connection.

        Raises:
            Problem: ``unauthenticated``.
        """


class Everyone:
    """``auth = "none"``: a client is an address."""

    def __init__(self, proxies: Proxies) -> None:
        self._proxies = proxies

    def admit(self, headers: Headers, address: str) -> Client:
        """Always lets in."""
        return Client(f"address {client_of_address(self._proxies.origin(headers, address))}")


class KeyHolders:
    """``auth = "token"``: a key as ``Authorization: Bearer``, or as the password of HTTP Basic, for browsers."""

    def __init__(self, tokens: TokenFile) -> None:
        self._tokens = tokens

    def admit(self, headers: Headers, address: str) -> Client:  # noqa: ARG002 - a key is good from everywhere
        """Lets in who sends a key that is in the file."""
        key = _credentials(headers, basic=True)
        try:
            token = self._tokens.find(key) if key else None
        except QAError as error:
            raise Problem("not-ready", "The keys cannot be read; the command line tells why: qa token list") from error
        if token is None:
            said = "This key is not valid here" if key else "A key is needed: Authorization: Bearer KEY"
            raise Problem("unauthenticated", said, _challenge(headers, basic=True))
        return Client(f"key {token.name}", token.use)


class ProxiedUsers:
    """``auth = "proxy"``: the user that a listed proxy names in a header, which means nothing from elsewhere."""

    def __init__(self, header: str, proxies: Proxies) -> None:
        self._header = header
        self._proxies = proxies

    def admit(self, headers: Headers, address: str) -> Client:
        """Lets in whom a listed proxy names, once."""
        if not self._proxies.holds(address):
            raise Problem("unauthenticated", "Requests come through the proxy of this site only")
        names = headers.getlist(self._header)
        if len(names) != 1 or not names[0].strip() or len(names[0]) > LONGEST_NAME:
            raise Problem("unauthenticated", f"The proxy must name the user, once, in the header {self._header}")
        return Client(f"user {names[0].strip()}")


class SignedIn:
    """``auth = "jwt"``: short-lived tokens that the host site signs, as ``Authorization: Bearer``."""

    def __init__(self, verifier: Verifier, proxies: Proxies) -> None:
        self._verifier = verifier
        self._proxies = proxies

    def admit(self, headers: Headers, address: str) -> Client:
        """Lets in who sends a token that the verifier takes."""
        token = _credentials(headers, basic=False)
        if not token:
            raise Problem(
                "unauthenticated", "A signed token is needed: Authorization: Bearer TOKEN", _challenge(headers)
            )
        subject = self._verifier.subject(token)
        if subject:
            return Client(f"subject {subject[:LONGEST_NAME]}")
        return Client(f"address {client_of_address(self._proxies.origin(headers, address))}")


class Verifier(Protocol):
    """Checks signed tokens."""

    def subject(self, token: str) -> str:
        """Whom a token names, ``""`` where it names nobody.

        Raises:
            Problem: ``unauthenticated``.
        """


class Proxies:
    """The addresses whose headers about the client are believed."""

    def __init__(self, networks: tuple[str, ...]) -> None:
        self._networks = tuple(ipaddress.ip_network(network) for network in networks)

    def holds(self, address: str) -> bool:
        """Whether ``address`` is one of them."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)  # how an IPv6 socket shows an IPv4 client
        return any((mapped or parsed) in network for network in self._networks)

    def origin(self, headers: Headers, address: str) -> str:
        """The address a request came from: the last in X-Forwarded-For that is no listed proxy.

        What stands before it was written by the client and may be anything.
        """
        hops = [hop.strip() for line in headers.getlist("x-forwarded-for") for hop in line.split(",")]
        while self.holds(address) and hops:
            address = hops.pop()
        return address


def _credentials(headers: Headers, *, basic: bool) -> str:
    """What stands in ``Authorization``, or ""; two such headers count as none."""
    given = headers.getlist("authorization")
    if len(given) != 1:
        return ""
    scheme, _, value = given[0].partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if basic and scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _challenge(headers: Headers, *, basic: bool = False) -> Mapping[str, str]:
    """``WWW-Authenticate``. Basic makes a browser ask for the key; a script's request must not open that window."""
    opens_page = headers.get("sec-fetch-mode", "navigate") == "navigate" and "text/html" in headers.get("accept", "")
    scheme = "Basic" if basic and opens_page else "Bearer"
    return {"WWW-Authenticate": f'{scheme} realm="article-qa"' + (', charset="UTF-8"' if scheme == "Basic" else "")}


def gatekeeper(settings: Settings) -> Gatekeeper:
    """The gatekeeper that the settings ask for.

    Raises:
        ConfigError: A setting that it needs is missing or does not do.
    """
    proxies = Proxies(settings.proxies)
    if settings.auth == "token":
        return KeyHolders(TokenFile(settings.token_file))
    if settings.auth == "proxy":
        if not settings.proxies:
            raise ConfigError('auth = "proxy" believes no proxy', 'name them in qa.toml: proxies = ["127.0.0.1"]')
        return ProxiedUsers(settings.user_header, proxies)
    if settings.auth == "jwt":
        from qa.server.signed import SignedTokens  # noqa: PLC0415 - needs the extra jwt

        return SignedIn(SignedTokens.load(settings), proxies)
    return Everyone(proxies)


def check_address(settings: Settings) -> None:
    """Refuse to listen beyond this machine where everyone is let in.

    Raises:
        ConfigError: With the settings that allow it.
    """
    if settings.auth != "none" or settings.open_to_network or is_loopback(settings.host):
        return
    raise ConfigError(
        f"listening on {settings.host} would let everyone on the network ask and read",
        'set auth = "token" in qa.toml (docs/SECURITY.md), or open_to_network = true if everyone may',
    )


def is_loopback(host: str) -> bool:
    """Whether ``host``, an address or a name, is this machine as it sees itself. A name is not looked up."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def own_hosts(settings: Settings) -> frozenset[str] | None:
    """The names the server may be asked for under, or None for any.

    Without authentication a page of another site could have its own name lead to 127.0.0.1 and read the answers as if
    they were its own (DNS rebinding); its browser then sends that name as ``Host``.
    """
    if settings.auth != "none" or settings.open_to_network:
        return None
    return frozenset({"localhost", "127.0.0.1", "::1", settings.host.lower(), *settings.hosts})
