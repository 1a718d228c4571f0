"""``linernotes claims``: the artist's inbox, and what was heard turned into claims."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from linernotes.cli.options import BAD_INPUT, BROKEN, Json, WorkspaceFolder, exact, moment, now
from linernotes.model import Action, ClaimState, Side

if TYPE_CHECKING:
    from linernotes.workspace import Workspace

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="See and decide what is claimed.")

ClaimId = Annotated[str, typer.Argument(metavar="ID", help="A claim's id, as list prints it.")]
By = Annotated[str, typer.Option("--by", metavar="PARTY", help="Who does this: a party's id or whole name.")]
Anybody = Annotated[str, typer.Option("--by", metavar="NAME", help="Who does this; anybody but the claimant.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, kept for good.")]


def _told(change: Callable[["Workspace"], object], claim_id: str, folder: Path | None, *, as_json: bool) -> None:
    """Change a claim, then show how it stands."""
    from linernotes.cli import inbox
    from linernotes.formats.liner_notes import from_claim
    from linernotes.journeys import claim as journey
    from linernotes.workspace import Workspace

    with Workspace(folder, writable=True) as opened:
        change(opened)
        file = journey.open_file(opened, claim_id)
    if as_json:
        typer.echo(json.dumps(from_claim(file.claim, file.names), ensure_ascii=False))
    else:
        inbox.print_line(file.claim, file.names)


@app.command()
def propose(
    notes: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Liner notes, as trace --json writes them.", show_default=False),
    ] = None,
    uploaded: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="When the uploads came in, in UTC.  [default: now]", show_default=False),
    ] = None,
    soundalike: Annotated[
        bool, typer.Option("--soundalike", help="What was heard as a voice is an imitation of it.")
    ] = False,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Turn what was heard into claims; the parties' policies decide those that nothing hinders.

    Without --from, only claims that a flood has slowed are looked at again.
    """
    from linernotes.cli import inbox
    from linernotes.formats.liner_notes import from_claim, from_problem
    from linernotes.journeys import claim as journey
    from linernotes.workspace import Workspace

    at = now()
    uploaded_at: datetime | None = None if uploaded is None else moment(uploaded, option="--uploaded")
    faulty = False
    with Workspace(workspace, writable=True) as opened:
        settled = journey.settle(opened, at=at)
        lines = (
            ()
            if notes is None
            else journey.propose_from(opened, notes, at=at, uploaded_at=uploaded_at, soundalike=soundalike)
        )
        for proposed in lines:
            faulty = faulty or bool(proposed.problems)
            names = opened.claims.names({claim.party_id for claim in proposed.claims})
            if as_json:
                told = {
                    "query": {"path": proposed.path, "sha256": proposed.sha256},
                    "claims": [from_claim(claim, names) for claim in proposed.claims],
                    "already": proposed.already,
                    "problems": [from_problem(problem) for problem in proposed.problems],
                }
                typer.echo(json.dumps(told, ensure_ascii=False))
            else:
                inbox.print_proposed(proposed, names)
    if settled:
        inbox.note(f"{len(settled)} claims that a flood had slowed were looked at again")
    if faulty:
        raise typer.Exit(BAD_INPUT)


@app.command("list")
def list_claims(
    party: Annotated[
        str | None, typer.Option(metavar="PARTY", help="Of this party alone: id or whole name.", show_default=False)
    ] = None,
    state: Annotated[ClaimState | None, typer.Option(help="In this state alone.", show_default=False)] = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """List claims, those that wait for somebody first."""
    from linernotes.cli import inbox
    from linernotes.formats.liner_notes import from_claim
    from linernotes.journeys import claim as journey
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        claims, names = journey.inbox(opened, party=party, state=state)
    if as_json:
        for claim in claims:
            typer.echo(json.dumps(from_claim(claim, names), ensure_ascii=False))
    else:
        inbox.print_inbox(claims, names)


@app.command()
def show(claim_id: ClaimId, workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """Show a claim: what was heard, what the policies say, what has happened, what can be done."""
    from linernotes.cli import inbox
    from linernotes.formats.liner_notes import from_claim, from_step
    from linernotes.journeys import claim as journey
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        file = journey.open_file(opened, claim_id)
    if as_json:
        told = from_claim(file.claim, file.names) | {
            "money": file.money,
            "next": list(file.commands),
            "history": [from_step(step) for step in file.history],
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        inbox.print_file(file)


@app.command()
def decide(
    claim_id: ClaimId,
    action: Annotated[Action, typer.Option("--action", help="Credit only, a share, ask me later, never.")],
    by: By,
    why: Why,
    share: Annotated[
        str | None,
        typer.Option(
            metavar="FRACTION", help="With --action share: 1/2.  [default: as the policy says]", show_default=False
        ),
    ] = None,
    side: Annotated[
        Side | None, typer.Option("--side", help="Of which half of the revenue.", show_default=False)
    ] = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Choose for a claim, as its party; on a disputed claim this upholds it."""
    from linernotes.journeys import claim as journey

    exact_share = None if share is None else exact(share, option="--share")
    _told(
        lambda opened: journey.decide(
            opened, claim_id, action=action, by=by, why=why, at=now(), share=exact_share, side=side
        ),
        claim_id,
        workspace,
        as_json=as_json,
    )


@app.command()
def reconsider(
    by: Anybody,
    why: Why,
    claim_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID…]", help="These claims.  [default: all that wait]")
    ] = None,
    party: Annotated[
        str | None, typer.Option(metavar="PARTY", help="Of this party alone: id or whole name.", show_default=False)
    ] = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Let claims that wait in review meet the standing rules as they are now."""
    from linernotes.cli import inbox
    from linernotes.formats.liner_notes import from_claim
    from linernotes.journeys import claim as journey
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=True) as opened:
        done = journey.reconsider(opened, by=by, why=why, at=now(), claim_ids=claim_ids or (), party=party)
        names = opened.claims.names({claim.party_id for claim in (*done.decided, *(c for c, _ in done.waiting))})
    if as_json:
        told = {
            "claims": [from_claim(claim, names) for claim in done.decided],
            "waiting": [{"id": claim.id, "why": reason} for claim, reason in done.waiting],
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        inbox.print_reconsidered(done, names)


@app.command()
def dispute(claim_id: ClaimId, by: Anybody, why: Why, workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """Contest a claim: what it asks for is held until its party upholds or withdraws it."""
    from linernotes.journeys import claim as journey

    _told(
        lambda opened: journey.dispute(opened, claim_id, by=by, why=why, at=now()),
        claim_id,
        workspace,
        as_json=as_json,
    )


@app.command()
def withdraw(claim_id: ClaimId, by: By, why: Why, workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """Give up a disputed claim, as its party."""
    from linernotes.journeys import claim as journey

    _told(
        lambda opened: journey.withdraw(opened, claim_id, by=by, why=why, at=now()),
        claim_id,
        workspace,
        as_json=as_json,
    )


@app.command()
def release(claim_id: ClaimId, by: By, why: Why, workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """Let go of a claim that nobody disputes, as its party."""
    from linernotes.journeys import claim as journey

    _told(
        lambda opened: journey.release(opened, claim_id, by=by, why=why, at=now()),
        claim_id,
        workspace,
        as_json=as_json,
    )


@app.command()
def resolve(claim_id: ClaimId, by: Anybody, why: Why, workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """Clear what keeps a claim from going on; its party's policy decides it then."""
    from linernotes.journeys import claim as journey

    _told(
        lambda opened: journey.resolve(opened, claim_id, by=by, why=why, at=now()),
        claim_id,
        workspace,
        as_json=as_json,
    )


@app.command()
def verify(
    head: Annotated[
        str | None,
        typer.Option(metavar="HASH", help="A hash noted earlier: its row must still be there.", show_default=False),
    ] = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Walk the chain of everything that was said and decided, and find what was changed."""
    from linernotes.cli import inbox
    from linernotes.formats.liner_notes import from_problem
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        n_rows, last, problems = opened.claims.verify(head=head)
        problems = [*problems, *opened.notices.verify(), *opened.sheets.verify()]
    if as_json:
        told = {"rows": n_rows, "head": last, "problems": [from_problem(problem) for problem in problems]}
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        inbox.print_verified(n_rows, last, problems)
    if problems:
        raise typer.Exit(BROKEN)
