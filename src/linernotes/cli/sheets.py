"""``linernotes sheet``: who gets which share, agreed by everybody concerned."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from linernotes.cli.options import Json, WorkspaceFolder, day, now

if TYPE_CHECKING:
    from linernotes.journeys.sheet import SheetVerb, Shown

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Agree on shares: propose, accept, counter, withdraw.")

SheetId = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="A sheet's id; a link names it itself.", show_default=False)
]
Lines = Annotated[
    list[str],
    typer.Option(
        "--share",
        metavar="LINE",
        help="NAME=1/2, NAME:ROLE=50% or NAME:ROLE:RIGHT=1/3; once for each party.",
    ),
]
As = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who answers.", show_default=False)]
Version = Annotated[int | None, typer.Option(help="The version you looked at.", show_default=False)]
Token = Annotated[
    str | None,
    typer.Option("--link", metavar="TOKEN", help="Instead of --as: a link that was sent.", show_default=False),
]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, kept for good.", show_default=False)]
Begins = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="The day from which the shares hold.", show_default=False)
]


@app.command()
def propose(
    subject: Annotated[str, typer.Argument(metavar="ID", help="The work or recording to divide.")],
    lines: Lines,
    begins: Begins,
    party: Annotated[str, typer.Option("--as", metavar="NAME", help="Who proposes; has then accepted.")],
    territory: Annotated[
        str, typer.Option(metavar="CODE", help="ISO 3166-1 or CISAC TIS; 2136 is the world.")
    ] = "2136",
    why: Why = "",
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Open a sheet; until all have accepted its shares are provisional and the money for them is held."""
    from linernotes.journeys import sheet as journey
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=True) as opened:
        sheet = journey.propose(
            opened,
            subject,
            journey.lines_of(opened, subject, lines),
            party_id=opened.claims.party(party),
            begins_on=day(begins or "", option="--from"),
            at=now(),
            territory=territory,
            why=why,
        )
        shown = journey.show(opened, sheet.id)
    _tell(shown, as_json=as_json)


@app.command()
def accept(
    sheet_id: SheetId = None,
    party: As = None,
    version: Version = None,
    link: Token = None,
    why: Why = "",
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Accept a version; the last acceptance enters the shares into the catalogue."""
    from linernotes.journeys.sheet import SheetVerb

    _respond(SheetVerb.ACCEPT, sheet_id, party, version, link, why, workspace, as_json=as_json)


@app.command()
def counter(
    lines: Lines,
    sheet_id: SheetId = None,
    begins: Begins = None,
    party: As = None,
    version: Version = None,
    link: Token = None,
    why: Why = "",
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Put forward other shares; everybody must accept anew."""
    from linernotes.journeys.sheet import SheetVerb

    _respond(
        SheetVerb.COUNTER, sheet_id, party, version, link, why, workspace, as_json=as_json, lines=lines, begins=begins
    )


@app.command()
def withdraw(
    sheet_id: SheetId = None,
    party: As = None,
    version: Version = None,
    link: Token = None,
    why: Why = "",
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Take back an acceptance; from whoever opened the sheet this ends it."""
    from linernotes.journeys.sheet import SheetVerb

    _respond(SheetVerb.WITHDRAW, sheet_id, party, version, link, why, workspace, as_json=as_json)


def _respond(
    verb: "SheetVerb",
    sheet_id: str | None,
    party: str | None,
    version: int | None,
    link: str | None,
    why: str,
    workspace: Path | None,
    *,
    as_json: bool,
    lines: Sequence[str] = (),
    begins: str | None = None,
) -> None:
    from linernotes.journeys import sheet as journey
    from linernotes.workspace import Workspace

    at = now()
    with Workspace(workspace, writable=True) as opened:
        found, who = journey.answerer(opened, sheet_id, party=party, version=version, token=link, at=at)
        subject = journey.show(opened, found).subject
        journey.respond(
            opened,
            found,
            verb,
            who,
            at=at,
            lines=journey.lines_of(opened, subject.id, lines),
            begins_on=day(begins, option="--from") if begins else None,
            why=why,
        )
        shown = journey.show(opened, found)
    _tell(shown, as_json=as_json)


@app.command()
def link(
    sheet_id: Annotated[str, typer.Argument(metavar="ID", help="A sheet's id.")],
    party: Annotated[str, typer.Option("--for", metavar="NAME", help="Who may answer with it.")],
    days: Annotated[int, typer.Option(min=1, max=365, metavar="N", help="Days until it expires.")] = 14,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Make a signed link with which one party can answer the version that stands."""
    from linernotes.journeys import sheet as journey
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=True) as opened:
        token = journey.link(opened, sheet_id, party, days=days, at=now())
    typer.echo(json.dumps({"sheet": sheet_id, "party": party, "link": token}, ensure_ascii=False) if as_json else token)


@app.command()
def show(
    sheet_id: Annotated[str, typer.Argument(metavar="ID", help="A sheet's id, as list prints it.")],
    pdf: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as PDF too.", show_default=False)] = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Show a sheet: the shares, who has accepted, who is waited for."""
    from linernotes.formats.pdf import pdf as printed
    from linernotes.journeys import sheet as journey
    from linernotes.journeys.files import write_whole
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        shown = journey.show(opened, sheet_id)
    if pdf is not None:
        write_whole(pdf, printed(shown.document))
    _tell(shown, as_json=as_json)


@app.command("list")
def list_sheets(workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """List the sheets."""
    from linernotes.cli import paperwork
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        for row in opened.sheets.all():
            title = opened.sheets.subject(row.subject_id).title
            if as_json:
                told = {"id": row.id, "subject": row.subject_id, "title": title, "state": row.state}
                typer.echo(json.dumps(told | {"version": row.version}, ensure_ascii=False))
            else:
                paperwork.print_sheet_line(row, title)


@app.command()
def alias(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name to be shown.")],
    of: Annotated[str, typer.Option("--of", metavar="PARTY", help="Who is behind it, and paid.")],
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Give a ghostwriter a name to write under: sheets show it, the party behind it is paid."""
    from linernotes.cli import paperwork
    from linernotes.journeys import sheet as journey
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=True) as opened:
        party = journey.add_alias(opened, name, of=of)
    if as_json:
        typer.echo(json.dumps({"id": party.id, "name": party.name}, ensure_ascii=False))
    else:
        paperwork.note(f"{party.name} is {party.id}; who is behind it stands in the catalogue alone.")


def _tell(shown: "Shown", *, as_json: bool) -> None:
    from linernotes.cli import paperwork
    from linernotes.formats.letters import plain_text

    if not as_json:
        paperwork.print_sheet(shown, plain_text(shown.document))
        return
    sheet, names = shown.sheet, shown.names
    told = {
        "id": sheet.id,
        "subject": sheet.subject_id,
        "title": shown.subject.title,
        "state": sheet.state.value,
        "version": sheet.version,
        "from": sheet.begins_on.isoformat(),
        "territory": sheet.territory,
        "shares": [
            {
                "party": names[ln.party_id],
                "role": ln.role.value,
                "right": ln.right_type.value,
                "share": str(ln.fraction),
            }
            for ln in sheet.lines
        ],
        "accepted": sorted(names[party] for party in sheet.accepted),
        "waiting_for": [names[party] for party in sheet.waiting_for],
    }
    typer.echo(json.dumps(told, ensure_ascii=False))
