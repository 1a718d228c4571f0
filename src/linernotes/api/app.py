"""The application: the routes of the API over one workspace, behind one edge."""

from fastapi import FastAPI

import linernotes
from linernotes.api import (
    accounts,
    audit,
    catalogue,
    claims,
    jobs,
    masters,
    models,
    money,
    notices,
    policies,
    sessions,
    traces,
    usage,
    webhooks,
)
from linernotes.api.document import describe
from linernotes.api.edge import Edge
from linernotes.api.heads import Heads
from linernotes.api.limits import Buckets
from linernotes.api.problems import answer_problems
from linernotes.api.settings import Settings
from linernotes.workspace import Workspace

__all__ = ["create_app"]

_ROUTES = (
    *(sessions, accounts, traces, jobs, claims, notices, policies),
    *(catalogue, usage, money, audit, webhooks),
    *(masters, models),
)


def create_app(workspace: Workspace, settings: Settings | None = None) -> FastAPI:
    """Return the application that serves a workspace, which must be open and ``writable`` while it runs."""
    settings = settings or Settings()
    app = FastAPI(
        title="Linernotes",
        version=linernotes.__version__,
        summary="Hears what a track was made from, lets the artists concerned decide, and pays them.",
        openapi_url="/v1/openapi.json",
        docs_url=None,  # both load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.workspace, app.state.settings = workspace, settings
    app.state.requests = Buckets(settings.requests_per_s, settings.requests_burst)
    app.state.sign_ins = Buckets(settings.sign_ins_per_minute / 60, round(settings.sign_ins_per_minute))
    app.state.streams = 0
    for part in (workspace.accounts, workspace.jobs, workspace.claims, workspace.catalogue):
        assert part is not None  # opened here, before there are threads
    answer_problems(app)
    app.add_middleware(Edge, settings=settings)
    app.add_middleware(Heads)
    for module in _ROUTES:
        app.include_router(module.router)
    describe(app)
    return app
