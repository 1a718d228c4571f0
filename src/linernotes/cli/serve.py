"""``linernotes serve``."""

import gc
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from linernotes.cli.options import WorkspaceFolder, now

if TYPE_CHECKING:
    from linernotes.api import Settings
    from linernotes.workspace import Workspace

__all__ = ["serve"]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535)] = 8000,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="A host name to answer to.  [default: any; here, this machine's own]"),
    ] = None,
    tls_certificate: Annotated[Path | None, typer.Option(metavar="PEM", help="Speak https with this.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="PEM", help="The key of the certificate.")] = None,
    behind_tls: Annotated[bool, typer.Option("--behind-tls", help="A proxy in front speaks https.")] = False,
    workers: Annotated[int, typer.Option(metavar="N", min=0, help="Processes that work off what is queued.")] = 1,
    keep_uploads: Annotated[
        float, typer.Option(metavar="DAYS", min=0, help="Keep the sound of uploads so long after they were heard.")
    ] = 30,
    upload_limit: Annotated[int, typer.Option(metavar="MIB", min=1, help="The most that one upload may be.")] = 512,
    requests: Annotated[float, typer.Option(metavar="N", min=1, help="Requests a second for each account.")] = 50,
    workspace: WorkspaceFolder = None,
) -> None:
    """Open the pages and the API, and work off what comes in."""
    from linernotes.api import Settings
    from linernotes.workspace import Workspace

    is_secure = behind_tls or tls_certificate is not None
    names = tuple(name or ()) or ((*_LOOPBACK, "[::1]") if host in _LOOPBACK else ())
    settings = Settings(
        host_names=tuple(each.lower() for each in names),
        is_secure=is_secure,
        session_length=timedelta(hours=12),
        upload_bytes_max=upload_limit * 2**20,
        requests_per_s=requests,
        requests_burst=round(4 * requests),
        keep_days=keep_uploads,
    )
    with Workspace(workspace, writable=True) as opened:
        _greet(opened, host, is_secure=is_secure)
        _run(opened, settings, host, port, workers, tls=(tls_certificate, tls_key))


def _greet(workspace: "Workspace", host: str, *, is_secure: bool) -> None:
    """Make the first account, on this machine alone, and warn of what is sent in the clear."""
    from linernotes.errors import ParameterError
    from linernotes.journeys import signing_in

    if host not in _LOOPBACK and not is_secure:
        typer.echo("Warning: passwords travel in the clear: give --tls-certificate, or --behind-tls.", err=True)
    if host not in _LOOPBACK and not workspace.accounts.all():
        message = "nobody can sign in yet: start it once on this machine (without --host), which makes an admin"
        raise ParameterError(message, code="no_account")
    made = signing_in.first_admin(workspace, at=now())
    if made is not None:
        typer.echo(f"The first account, told this once: name {made[0]}, password {made[1]}")


def _run(
    workspace: "Workspace",
    settings: "Settings",
    host: str,
    port: int,
    workers: int,
    *,
    tls: tuple[Path | None, Path | None],
) -> None:
    from linernotes import web
    from linernotes.api import create_app
    from linernotes.api.listening import server_of
    from linernotes.journeys.workers import Workers

    app = create_app(workspace, settings)
    web.join(app)
    with Workers(workspace, workers, keep_days=settings.keep_days):
        typer.echo(f"Listening on {host}:{port}; stop with Ctrl-C.", err=True)
        gc.freeze()  # what is here stays: to look all of it through for garbage would stop every request for 0.1 s
        try:
            server_of(app, host, port, tls=tls).run()
        finally:
            gc.unfreeze()
