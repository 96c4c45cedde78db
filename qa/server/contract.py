"""The OpenAPI document of the JSON API, and the page that shows it without anything from another host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, JSONResponse

from qa import __version__
from qa.server.models import ProblemOut
from qa.server.problems import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI

    from qa.server.service import Service

_DESCRIPTION: Final = (
    "Questions to a folder of articles, in German or English. Answers are sentences of the articles, word for word, "
    "with citations, or that the articles do not say. Errors are problem documents (RFC 9457) with a `type` that never "
    "changes."
)

#: How each way of `auth` shows in the document.
_SCHEMES: Final[dict[str, dict[str, Any]]] = {
    "token": {"key": {"type": "http", "scheme": "bearer", "description": "A key made by `qa token add`."}},
    "jwt": {
        "signed": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A token signed by the host site: `aud`, `iat`, and `exp` at most 10 minutes after it.",
        }
    },
}

#: Operations that need no credentials.
_OPEN: Final = frozenset({"/healthz", "/readyz"})


def document(app: FastAPI, service: Service) -> dict[str, Any]:
    """The OpenAPI document of ``app``."""
    made = get_openapi(title=service.name, version=__version__, description=_DESCRIPTION, routes=app.routes)
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    schemas["ProblemOut"] = ProblemOut.model_json_schema()
    schemas["ProblemOut"]["properties"]["type"]["examples"] = [kind.type for kind in KINDS.values()]
    schemes = _SCHEMES.get(service.settings.auth)
    if schemes:
        made["components"]["securitySchemes"] = schemes
        for path, operations in made["paths"].items():
            for operation in operations.values():
                operation["security"] = [] if path in _OPEN else [{name: []} for name in schemes]
    return made


def add_contract(app: FastAPI, service: Service, static: Path) -> None:
    """Serve the document at ``/openapi.json`` and its page at ``/docs``."""
    made: list[dict[str, Any]] = []

    def openapi() -> dict[str, Any]:
        if not made:
            made.append(document(app, service))
        return made[0]

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to say what the document is

    @app.get("/openapi.json", include_in_schema=False)
    def openapi_json() -> JSONResponse:
        return JSONResponse(openapi())

    @app.get("/docs", include_in_schema=False)
    def docs() -> FileResponse:
        return FileResponse(static / "api.html", media_type="text/html")
