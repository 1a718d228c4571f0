"""``linernotes policy``: the standing rules of the parties."""

import json
from typing import Annotated

import typer

from linernotes.cli.options import Json, WorkspaceFolder, day, exact, now
from linernotes.model import Action, Side, UseType

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="See and set what parties say once and for all.")


@app.command("set")
def set_policy(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="Whose rule: a party's id or whole name.")],
    use: Annotated[UseType, typer.Argument(metavar="USE", help=f"{', '.join(UseType)}.")],
    action: Annotated[Action, typer.Argument(metavar="ACTION", help=f"{', '.join(Action)}.")],
    share: Annotated[
        str | None, typer.Argument(metavar="[SHARE]", help="With share: which, such as 1/2.", show_default=False)
    ] = None,
    side: Annotated[
        Side | None,
        typer.Option("--side", help="Of which half of the revenue.  [default: the right's own]", show_default=False),
    ] = None,
    territory: Annotated[
        str, typer.Option(metavar="CODE", help="ISO 3166-1 or CISAC TIS; 2136 is the world.")
    ] = "2136",
    longer_than: Annotated[str, typer.Option(metavar="S", help="For matches this long or longer, in seconds.")] = "0",
    probability: Annotated[str, typer.Option(metavar="P", help="For matches this probable or more.")] = "0",
    subject: Annotated[
        str | None,
        typer.Option("--for", metavar="ID", help="For this work, recording or voice alone.", show_default=False),
    ] = None,
    valid_from: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="From this day on.", show_default=False)
    ] = None,
    valid_to: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="To the day before this one.", show_default=False)
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who says so.  [default: the party]", show_default=False)
    ] = None,
    why: Annotated[str, typer.Option(metavar="TEXT", help="The reason, kept for good.")] = "standing rule",
    apply_to_waiting: Annotated[
        bool, typer.Option("--apply-to-waiting", help="Also decide the claims in review that this rule speaks of.")
    ] = False,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Set a party's standing rule; it takes the place of its rule about exactly the same."""
    from linernotes.cli import inbox
    from linernotes.formats.liner_notes import from_claim, from_policy
    from linernotes.journeys import claim as journey
    from linernotes.model import Policy
    from linernotes.workspace import Workspace

    policy = Policy(
        id="",
        party_id=party,
        use_type=use,
        action=action,
        share=None if share is None else exact(share, option="SHARE"),
        side=side,
        territory=territory,
        match_length_min_s=exact(longer_than, option="--longer-than"),
        probability_min=exact(probability, option="--probability"),
        subject_id=subject,
        valid_from=None if valid_from is None else day(valid_from, option="--from"),
        valid_to=None if valid_to is None else day(valid_to, option="--to"),
    )
    with Workspace(workspace, writable=True) as opened:
        entered, ended = journey.set_policy(opened, policy, by=by or party, why=why, at=now())
        done = journey.Reconsidered()
        if apply_to_waiting:
            done = journey.reconsider(opened, by=by or party, why=why, at=now(), policy_id=entered.id)
        names = opened.claims.names({entered.party_id, *(claim.party_id for claim in done.decided)})
    if as_json:
        told = from_policy(entered, names) | {"ended": [policy.id for policy in ended]}
        told["decided"] = [from_claim(claim, names) for claim in done.decided]
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        inbox.print_policies([entered], names)
        for policy in ended:
            inbox.note(f"It takes the place of {policy.id}.")
        if apply_to_waiting:
            inbox.print_reconsidered(done, names)


@app.command("list")
def list_policies(
    party: Annotated[
        str | None, typer.Option(metavar="PARTY", help="Of this party alone: id or whole name.", show_default=False)
    ] = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """List the rules that stand."""
    from linernotes.cli import inbox
    from linernotes.formats.liner_notes import from_policy
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        party_ids = None if party is None else [opened.claims.party(party)]
        policies = opened.claims.policies(party_ids)
        names = opened.claims.names({policy.party_id for policy in policies})
    if as_json:
        for policy in policies:
            typer.echo(json.dumps(from_policy(policy, names), ensure_ascii=False))
    else:
        inbox.print_policies(policies, names)


@app.command()
def end(
    policy_id: Annotated[str, typer.Argument(metavar="ID", help="A rule's id, as list prints it.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so.")],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, kept for good.")],
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """End a standing rule; what it has decided stays decided."""
    from linernotes.cli import inbox
    from linernotes.formats.liner_notes import from_policy
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=True) as opened:
        ended = opened.claims.end_policy(policy_id, actor=by, why=why, at=now())
        names = opened.claims.names({ended.party_id})
    if as_json:
        typer.echo(json.dumps(from_policy(ended, names), ensure_ascii=False))
    else:
        inbox.note(f"{policy_id} has ended.")
