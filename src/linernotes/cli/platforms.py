"""``linernotes platforms``: where notices go to, and where uploads are."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from linernotes.cli.options import Json, WorkspaceFolder, now

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Say where notices go to, and where uploads are.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The platform's name; adding it again changes it.")],
    agent: Annotated[str, typer.Option(metavar="TEXT", help="Its designated agent or point of contact, with address.")],
    regime: Annotated[str, typer.Option(metavar="RULES", help="dmca, dsa or voice: what its notices follow.")] = "dmca",
    country: Annotated[str, typer.Option(metavar="CODE", help="Where the agent sits, ISO 3166-1.")] = "US",
    region: Annotated[
        str | None, typer.Option(metavar="CODE", help="State or region, for its holidays.", show_default=False)
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="Where notices are posted, signed.", show_default=False)
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="The webhook may be at a private address.")] = False,
    key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The platform's key, hexadecimal.  [default: made here]", show_default=False),
    ] = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Configure a platform that notices go to."""
    from linernotes.cli import paperwork
    from linernotes.errors import FormatError
    from linernotes.journeys import platforms as journey
    from linernotes.journeys.keys import key_path
    from linernotes.workspace import Workspace

    try:
        key = key_file.read_text(encoding="ascii") if key_file else None
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{key_file}: not a key ({error})") from error
    with Workspace(workspace, writable=True) as opened:
        entry = journey.add_platform(
            opened,
            name,
            agent=agent,
            regime=regime,
            country=country,
            subdivision=region,
            webhook_url=webhook,
            private_allowed=private,
            key=key,
        )
        path = key_path(opened, journey.key_name(entry.id)) if webhook else None
    if as_json:
        typer.echo(json.dumps(asdict(entry) | {"key_file": str(path) if path else None}, ensure_ascii=False))
    else:
        paperwork.print_platform(entry)
        if path:
            paperwork.note(f"Notices are signed with the key in {path}: hand it to {entry.name}, and to nobody else.")


@app.command("list")
def list_platforms(workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """List the platforms."""
    from linernotes.cli import paperwork
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        for entry in opened.platforms.all():
            if as_json:
                typer.echo(json.dumps(asdict(entry), ensure_ascii=False))
            else:
                paperwork.print_platform(entry)


@app.command()
def locate(
    upload: Annotated[str, typer.Argument(metavar="SHA256", help="The upload's SHA-256, as claims show prints it.")],
    platform: Annotated[str | None, typer.Argument(metavar="[PLATFORM]", help="Its name.", show_default=False)] = None,
    url: Annotated[str | None, typer.Argument(metavar="[URL]", help="Its address there.", show_default=False)] = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Note where an upload is; with the upload alone, list where it is known to be, or to have been."""
    from linernotes.cli import paperwork
    from linernotes.errors import ParameterError
    from linernotes.journeys import platforms as journey
    from linernotes.workspace import Workspace

    if (platform is None) != (url is None):
        raise ParameterError("give the platform and the address there, or neither")
    with Workspace(workspace, writable=url is not None) as opened:
        if platform is not None and url is not None:
            journey.locate(opened, upload, platform, url, at=now())
        places = opened.platforms.where(upload.strip().lower(), present=False)
        names = {entry.id: entry.name for entry in opened.platforms.all()}
    for place in places:
        if as_json:
            typer.echo(json.dumps(asdict(place) | {"platform": names[place.platform_id]}, ensure_ascii=False))
        else:
            paperwork.print_location(place, names[place.platform_id])
