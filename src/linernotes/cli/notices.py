"""``linernotes claims notice`` and what follows it: delivery, counter-notices, a platform's answers."""

import json
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from linernotes.cli.options import Json, WorkspaceFolder, day, now
from linernotes.errors import ParameterError

if TYPE_CHECKING:
    from linernotes.journeys.notice import NoticeFile, StoredNotice

__all__ = ["attach"]

_UNDELIVERED = 5
_Kind = TypeVar("_Kind", bound=StrEnum)

NoticeId = Annotated[str, typer.Argument(metavar="NOTICE", help="A notice's id, as claims notices prints it.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who does this.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, kept for good.")]
On = Annotated[str | None, typer.Option("--on", metavar="DATE", help="The day.  [default: today]", show_default=False)]
Signature = Annotated[str, typer.Option(metavar="TEXT", help="The signature, as the person wrote it.")]
Name = Annotated[str, typer.Option("--contact-name", metavar="TEXT", help="Who can be reached.")]
Address = Annotated[str, typer.Option("--contact-address", metavar="TEXT", help="Postal address.")]
Phone = Annotated[str, typer.Option("--contact-phone", metavar="TEXT", help="Telephone number.")]
Email = Annotated[str, typer.Option("--contact-email", metavar="TEXT", help="E-mail address.")]


def attach(app: typer.Typer) -> None:
    """Hang these commands under ``claims``."""
    app.command()(notice)
    app.command("notices")(list_notices)
    app.command("deliver")(deliver)
    app.command("notice-step")(notice_step)
    app.command("counter-notice")(counter_notice)
    app.command("notice-receipt")(notice_receipt)
    app.command("notice-decision")(notice_decision)


def notice(
    claim_ids: Annotated[
        list[str], typer.Argument(metavar="CLAIM…", help="Claims on one upload, decided to be blocked.")
    ],
    by: By,
    why: Why,
    platform: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="This platform alone.  [default: all it is on]", show_default=False),
    ] = None,
    url: Annotated[list[str] | None, typer.Option(metavar="URL", help="Where it is on --platform.")] = None,
    regime: Annotated[
        str | None,
        typer.Option(metavar="RULES", help="dmca, dsa or voice.  [default: the platform's]", show_default=False),
    ] = None,
    title: Annotated[str, typer.Option(metavar="TEXT", help="The upload's title.  [default: its file name]")] = "",
    explanation: Annotated[str, typer.Option(metavar="TEXT", help="In your words, why it is illegal (DSA).")] = "",
    law: Annotated[str, typer.Option(metavar="TEXT", help="The law you say it rests on (DSA, voice).")] = "",
    signature: Signature = "",
    contact_name: Name = "",
    contact_address: Address = "",
    contact_phone: Phone = "",
    contact_email: Email = "",
    good_faith: Annotated[
        bool, typer.Option("--good-faith", help="I believe in good faith that it is not allowed.")
    ] = False,
    accurate: Annotated[bool, typer.Option("--accurate", help="What the notice says is accurate.")] = False,
    authorised: Annotated[
        bool,
        typer.Option(
            "--authorised-under-penalty-of-perjury", help="I may act for the owner; under penalty of perjury."
        ),
    ] = False,
    fair_use: Annotated[bool, typer.Option("--fair-use-considered", help="I have considered fair use.")] = False,
    draft: Annotated[bool, typer.Option("--draft", help="Print it with what is missing; issue nothing.")] = False,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Have an upload taken down wherever it is known to be; nothing is said that is not confirmed here."""
    from linernotes.cli import paperwork
    from linernotes.journeys import notice as journey
    from linernotes.workspace import Workspace

    wishes = journey.Wishes(
        contact=journey.Contact(contact_name, contact_address, contact_phone, contact_email),
        statements=journey.Statements(signature, good_faith, accurate, authorised, fair_use),
        platform=platform,
        regime=_choice(journey.Regime, regime, option="--regime") if regime else None,
        urls=tuple(url or ()),
        title=title,
        explanation=explanation,
        legal_basis=law,
    )
    at = now()
    with Workspace(workspace, writable=not draft) as opened:
        if draft:
            for text in journey.drafts(opened, claim_ids, wishes, today=at.date()):
                paperwork.print_text(text)
            return
        issued = journey.issue(opened, claim_ids, wishes, actor=by, why=why, at=at)
    if as_json:
        told = {
            "issued": [
                {"id": n.id, "platform": n.platform.name, "regime": n.regime.value, "folder": str(folder)}
                for n, folder in zip(issued.notices, issued.folders, strict=True)
            ],
            "already": issued.already,
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        paperwork.print_issued(issued)
        if issued.notices:
            paperwork.note("claims deliver sends what has a webhook; the rest is yours to send.")


def list_notices(
    notice_id: Annotated[str | None, typer.Argument(metavar="[NOTICE]", help="This one, with everything.")] = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """List notices and their clocks; or show one: its deliveries, its history, what can follow."""
    from linernotes.cli import paperwork
    from linernotes.journeys import notice as journey
    from linernotes.workspace import Workspace

    today = now().date()
    with Workspace(workspace) as opened:
        if notice_id is not None:
            file = journey.open_file(opened, notice_id)
            if as_json:
                typer.echo(json.dumps(_told(file), ensure_ascii=False))
            else:
                paperwork.print_notice(file, today=today)
            return
        for stored, platform in journey.list_notices(opened):
            if as_json:
                typer.echo(json.dumps(_summary(stored, platform), ensure_ascii=False))
            else:
                paperwork.print_notice_line(stored, platform, today=today)


def deliver(
    again: Annotated[bool, typer.Option("--again", help="Also what was given up before.")] = False,
    patience: Annotated[float, typer.Option(min=0, metavar="S", help="Wait so long for another attempt.")] = 30.0,
    timeout: Annotated[
        float, typer.Option(min=0.1, max=120, metavar="S", help="The longest an attempt may take.")
    ] = 15.0,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Send what is due to the platforms that have a webhook; run it as often as you like."""
    from linernotes.cli import paperwork
    from linernotes.formats.liner_notes import from_problem
    from linernotes.journeys import delivery as journey
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=True) as opened:
        done = journey.deliver(opened, again=again, patience_s=patience, timeout_s=timeout)
    if as_json:
        told = {"arrived": done.arrived, "waiting": done.waiting, "given_up": done.given_up}
        typer.echo(json.dumps(told | {"problems": [from_problem(p) for p in done.problems]}, ensure_ascii=False))
    else:
        paperwork.print_delivered(done)
    if done.waiting or done.given_up:
        raise typer.Exit(_UNDELIVERED)


def notice_step(
    notice_id: NoticeId,
    verb: Annotated[
        str, typer.Argument(metavar="WHAT", help="send, receive, remove, refuse, sue, complain, restore or withdraw.")
    ],
    by: By,
    why: Why,
    on: On = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Note what became of a notice; the clocks of the law are kept."""
    from linernotes.journeys import notice as journey
    from linernotes.workspace import Workspace

    at = now()
    with Workspace(workspace, writable=True) as opened:
        state = journey.step(
            opened, notice_id, _choice(journey.NoticeVerb, verb, option="WHAT"), on=_day(on), actor=by, why=why, at=at
        )
    _tell({"id": notice_id, "state": state.value}, as_json=as_json)


def counter_notice(
    notice_id: NoticeId,
    by: By,
    on: On = None,
    signature: Signature = "",
    contact_name: Name = "",
    contact_address: Address = "",
    contact_phone: Phone = "",
    contact_email: Email = "",
    mistake: Annotated[
        bool,
        typer.Option("--mistake-under-penalty-of-perjury", help="It was removed by mistake; under penalty of perjury."),
    ] = False,
    jurisdiction: Annotated[
        bool, typer.Option("--consents-to-jurisdiction", help="Consents to the federal court's jurisdiction.")
    ] = False,
    service: Annotated[bool, typer.Option("--accepts-service", help="Accepts service of process.")] = False,
    outside_us: Annotated[
        bool, typer.Option("--outside-us", help="The uploader's address is outside the USA.")
    ] = False,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="The uploader's own words.")] = "",
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Take in an uploader's counter-notice; it starts the clock of 10 to 14 business days."""
    from linernotes.journeys import notice as journey
    from linernotes.workspace import Workspace

    said = journey.CounterNotice(
        notice_id=notice_id,
        contact=journey.Contact(contact_name, contact_address, contact_phone, contact_email),
        signature=signature,
        mistake_under_penalty_of_perjury=mistake,
        consents_to_jurisdiction=jurisdiction,
        accepts_service=service,
        lives_outside_us=outside_us,
        reason=reason,
    )
    with Workspace(workspace, writable=True) as opened:
        clock, folder = journey.counter(opened, said, received_on=_day(on), actor=by, at=now())
    told = {"id": notice_id, "state": "countered", "received": str(clock.received_on), "folder": str(folder)}
    _tell(told | {"earliest": str(clock.earliest), "latest": str(clock.latest)}, as_json=as_json)


def notice_receipt(
    notice_id: NoticeId,
    by: By,
    on: On = None,
    automated: Annotated[bool, typer.Option("--automated", help="Machines take part in processing it.")] = False,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Confirm, as the platform, that a notice was received (DSA, article 16(4))."""
    from linernotes.journeys import notice as journey
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=True) as opened:
        folder = journey.receive(opened, notice_id, on=_day(on), automated=automated, actor=by, at=now())
    _tell({"id": notice_id, "state": "received", "folder": str(folder)}, as_json=as_json)


def notice_decision(
    notice_id: NoticeId,
    restriction: Annotated[
        str, typer.Argument(metavar="WHAT", help="removed, disabled, demoted, demonetised or none.")
    ],
    by: By,
    on: On = None,
    territory: Annotated[str, typer.Option(metavar="TEXT", help="Where it holds.")] = "",
    duration: Annotated[str, typer.Option(metavar="TEXT", help="For how long.")] = "",
    facts: Annotated[str, typer.Option(metavar="TEXT", help="The facts relied on.")] = "",
    ground: Annotated[str, typer.Option(metavar="GROUND", help="law, or the platform's terms.")] = "law",
    ground_reference: Annotated[str, typer.Option(metavar="TEXT", help="Which law or term.")] = "",
    explanation: Annotated[str, typer.Option(metavar="TEXT", help="Why it applies, or why it does not.")] = "",
    detection: Annotated[
        bool | None,
        typer.Option(
            "--automated-detection/--no-automated-detection", help="Did machines find it?", show_default=False
        ),
    ] = None,
    decision: Annotated[
        bool | None,
        typer.Option("--automated-decision/--no-automated-decision", help="Did machines decide?", show_default=False),
    ] = None,
    complain_to: Annotated[str, typer.Option(metavar="TEXT", help="Where a complaint goes.")] = "",
    settlement_body: Annotated[str, typer.Option(metavar="TEXT", help="An out-of-court settlement body.")] = "",
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Decide, as the platform, on a notice, with the reasons the DSA asks for (articles 16 and 17)."""
    from linernotes.journeys import notice as journey
    from linernotes.workspace import Workspace

    said = journey.ReasonedDecision(
        notice_id=notice_id,
        restriction=_choice(journey.Restriction, restriction, option="WHAT"),
        territory=territory,
        duration=duration,
        facts=facts,
        ground=_choice(journey.Ground, ground, option="--ground"),
        ground_reference=ground_reference,
        explanation=explanation,
        automated_detection=detection,
        automated_decision=decision,
        complain_to=complain_to,
        settlement_body=settlement_body,
        decided_on=_day(on),
    )
    with Workspace(workspace, writable=True) as opened:
        folder = journey.answer(opened, said, actor=by, at=now())
        stored = opened.notices.get(notice_id)
    told = {"id": notice_id, "state": stored.state, "complaint_until": str(stored.complaint_until)}
    _tell(told | {"folder": str(folder)}, as_json=as_json)


def _day(text: str | None) -> date:
    return day(text, option="--on") if text else now().date()


def _choice(kind: type[_Kind], text: str, *, option: str) -> _Kind:
    try:
        return kind(text.lower())
    except ValueError:
        raise ParameterError(f"{option} {text!r}: one of {', '.join(kind)}") from None


def _summary(stored: "StoredNotice", platform: str) -> dict[str, Any]:
    clock = {"countered_on": stored.countered_on, "restore_from": stored.restore_from, "restore_by": stored.restore_by}
    dates = clock | {"complaint_until": stored.complaint_until}
    return {
        "id": stored.id,
        "state": stored.state,
        "regime": stored.regime,
        "platform": platform,
        "upload": stored.upload_sha256,
        "claims": list(stored.claim_ids),
        "issued_at": stored.issued_at,
        **{name: value and value.isoformat() for name, value in dates.items()},
    }


def _told(file: "NoticeFile") -> dict[str, Any]:
    deliveries = [
        {"id": d.id, "kind": d.kind, "state": d.state, "attempts": d.attempts, "answer": d.last_answer}
        for d in file.deliveries
    ]
    return _summary(file.stored, file.notice.platform.name) | {
        "locations": list(file.notice.locations),
        "claims": dict(file.claim_states),
        "deliveries": deliveries,
        "history": [{"at": row.at, "what": row.kind, "by": row.actor, "why": row.why} for row in file.history],
        "can_follow": list(file.can_follow),
        "folder": str(file.folder),
    }


def _tell(told: dict[str, str], *, as_json: bool) -> None:
    from linernotes.cli import paperwork

    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        paperwork.print_facts(told)
