"""Faults as HTTP tells them: ``application/problem+json`` (RFC 9457), with the code of our own error tree."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from linernotes.errors import (
    ConflictError,
    InputError,
    LinernotesError,
    NotFoundError,
    StorageError,
    UnavailableError,
)

__all__ = ["HttpProblem", "answer_problems", "problem"]

_STATUSES: tuple[tuple[type[LinernotesError], int], ...] = (
    (InputError, 400),
    (NotFoundError, 404),
    (ConflictError, 409),
    (StorageError, 507),
    (UnavailableError, 503),
)


class HttpProblem(HTTPException):
    """A refusal with a code for programs."""

    def __init__(self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.code = code


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return the answer that tells of a fault."""
    content = {
        "type": f"urn:linernotes:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **more,
    }
    return JSONResponse(content, status, headers, media_type="application/problem+json")


def answer_problems(app: FastAPI) -> None:
    """Let the application answer every fault as a problem; what nobody foresaw is logged, and told without detail."""

    def refused(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        code = getattr(error, "code", HTTPStatus(error.status_code).phrase.lower().replace(" ", "_"))
        return problem(error.status_code, code, str(error.detail), headers=error.headers)

    def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        faults = [
            {"where": "/".join(str(part) for part in fault["loc"]), "message": fault["msg"]} for fault in error.errors()
        ]
        told = "; ".join(f"{fault['where']}: {fault['message']}" for fault in faults)
        return problem(422, "invalid", told, errors=faults)

    def ours(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, LinernotesError)
        status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
        detail = str(error) if status < 500 or isinstance(error, UnavailableError) else "a bug of ours; it is logged"
        return problem(status, error.code, detail)

    def unforeseen(_: Request, __: Exception) -> JSONResponse:
        return problem(500, "bug", "a bug of ours; it is logged")

    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(LinernotesError, ours)
    app.add_exception_handler(Exception, unforeseen)
