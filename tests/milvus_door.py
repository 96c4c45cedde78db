"""Milvus Lite behind a door: a token, a certificate, and calls that fail as a network makes them fail."""

from __future__ import annotations

import base64
import datetime
import ipaddress
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from milvus_lite.adapter.grpc.servicer import MilvusServicer
from milvus_lite.db import MilvusLite
from pymilvus.grpc_gen import milvus_pb2_grpc


@dataclass
class Door(grpc.ServerInterceptor):
    """What stands before the server.

    Attributes:
        token: Calls without it are refused; "" lets all in.
        lost: For the name of a call, how many of the next ones are done and then not answered.
        away: How many of the next ones are not even done.
        calls: Names of the calls that came through, in order.
    """

    token: str = ""
    lost: dict[str, int] = field(default_factory=dict)
    away: dict[str, int] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def intercept_service(self, continuation: Any, details: Any) -> Any:
        handler = continuation(details)
        name = details.method.rsplit("/", 1)[-1]
        given = dict(details.invocation_metadata).get("authorization", "")
        known = not self.token or given == base64.b64encode(self.token.encode()).decode()

        def behave(request: Any, context: Any) -> Any:
            if not known:
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "auth check failure, please check the token is correct")
            if self._due(self.away, name):
                context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "the network is slow")
            self.calls.append(name)
            done = handler.unary_unary(request, context)
            if self._due(self.lost, name):
                context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "the reply was lost")
            return done

        return grpc.unary_unary_rpc_method_handler(behave, handler.request_deserializer, handler.response_serializer)

    @staticmethod
    def _due(counts: dict[str, int], name: str) -> bool:
        counts[name] = counts.get(name, 0) - 1
        return counts[name] >= 0


@contextmanager
def open_door(folder: Path, door: Door, *, secure: bool = False, port: int = 0) -> Iterator[str]:
    """A server on this machine; gives its address. With ``secure``, ``folder/ca.pem`` is what vouches for it."""
    db = MilvusLite(str(folder / "door.db"))
    server = grpc.server(futures.ThreadPoolExecutor(4), interceptors=[door])
    milvus_pb2_grpc.add_MilvusServiceServicer_to_server(MilvusServicer(db), server)
    if secure:
        port = server.add_secure_port(
            f"127.0.0.1:{port}", grpc.ssl_server_credentials([_certificate(folder / "ca.pem")])
        )
    else:
        port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield f"{'https' if secure else 'http'}://127.0.0.1:{port}"
    finally:
        server.stop(grace=0).wait()
        db.close()


def _certificate(path: Path) -> tuple[bytes, bytes]:
    """A key and a certificate that signs itself, for 127.0.0.1; the certificate is written to ``path`` too."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return secret, path.read_bytes()
