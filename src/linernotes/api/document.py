"""The OpenAPI document: what FastAPI reads off the routes, with what it cannot see."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from linernotes.api.permissions import SCOPES
from linernotes.api.shapes import ProblemOut

__all__ = ["describe"]

_WAYS = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token; its scopes bound what it may do."},
    "session": {"type": "apiKey", "in": "cookie", "name": "linernotes", "description": "What signing in sets."},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same request gets the same answer, and nothing is done twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}


def describe(app: FastAPI) -> None:
    """Let the application give its document with problems, ways to sign in, scopes and idempotency keys."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            told = get_openapi(
                title=app.title, version=app.version, summary=app.summary, routes=app.routes, description=_scopes()
            )
            _complete(told)
            app.openapi_schema = told
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _complete(told: dict[str, Any]) -> None:
    components = told.setdefault("components", {})
    components["securitySchemes"] = _WAYS
    components.setdefault("schemas", {})["ProblemOut"] = ProblemOut.model_json_schema()
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            if (path, method) != ("/v1/session", "post"):
                operation["security"] = [{"token": []}, {"session": []}]
            if method != "get":
                operation.setdefault("parameters", []).append(_KEY)
            operation["responses"].pop("422", None)  # one of 4XX, and a problem like all of them


def _scopes() -> str:
    rows = "".join(f"| `{scope}` | {meaning} |\n" for scope, meaning in SCOPES.items())
    return f"Scopes of tokens:\n\n| scope | allows |\n|---|---|\n{rows}"
