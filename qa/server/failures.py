"""Every way in which a request can fail, turned into one problem document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from qa.errors import BusyError, QAError, TimeLimitError
from qa.only import FilterError
from qa.server.desk import RETRY
from qa.server.guard import security_headers
from qa.server.problems import Problem, from_status

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

    from qa.server.telemetry import Telemetry

#: The problems that errors of the bot and the desk are; of the others, ``not-ready``.
_NAMES: Final = {BusyError: "busy", TimeLimitError: "time-limit", FilterError: "invalid"}
#: Places of a request that a problem names, at most.
_NAMED: Final = 20


def as_problem(error: Exception) -> Problem:
    """The problem that an exception is to whoever asked; of an unexpected one it tells nothing."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, QAError):
        name = next((name for kind, name in _NAMES.items() if isinstance(error, kind)), "not-ready")
        return Problem(name, error.told, {"Retry-After": str(RETRY)} if name == "busy" else {})
    if isinstance(error, RequestValidationError):
        return Problem("invalid", members={"errors": [_place(one) for one in error.errors()[:_NAMED]]})
    if isinstance(error, HTTPException):
        return from_status(error.status_code, headers=error.headers)
    return Problem("internal")


def _place(error: dict[str, Any]) -> dict[str, str]:
    """Where a value is and what is wrong with it; not the value, which may be anything."""
    return {"at": ".".join(str(part) for part in error["loc"]), "message": str(error["msg"])}


def add_handlers(app: FastAPI, telemetry: Telemetry) -> None:
    """Answer every failure of the application's own routes with its problem document."""

    async def handle(_: Request, error: Exception) -> Response:
        return as_problem(error).response()

    for kind in (Problem, QAError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)

    async def failed(request: Request, error: Exception) -> Response:
        # Starlette handles what nobody expected outside of all middleware, so their work is done here.
        response = as_problem(error).response()
        telemetry.replied(response.status_code)
        response.headers.update(security_headers(request.url.path, ()))
        return response

    app.add_exception_handler(Exception, failed)
