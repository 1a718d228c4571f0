"""What a person sees of claims and policies in a terminal: the inbox, a claim's file, standing rules, the chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from linernotes.cli.problems import print_problems
from linernotes.cli.safe_console import SafeConsole
from linernotes.cli.screen import note
from linernotes.formats import wording
from linernotes.formats.claim_words import OBSTACLES, STATES, USES
from linernotes.model import Claim, ClaimState, Policy, Problem

if TYPE_CHECKING:
    from linernotes.journeys.claim import ClaimFile, Proposed, Reconsidered

__all__ = [
    "note",
    "print_file",
    "print_inbox",
    "print_line",
    "print_policies",
    "print_proposed",
    "print_reconsidered",
    "print_verified",
]

_console = SafeConsole(highlight=False)

_COLOURS = {
    ClaimState.REVIEW: "yellow",
    ClaimState.DISPUTED: "red",
    ClaimState.PROPOSED: "cyan",
    ClaimState.CONFIRMED: "green",
    ClaimState.UPHELD: "green",
    ClaimState.RELEASED: "dim",
    ClaimState.WITHDRAWN: "dim",
}


def print_inbox(claims: Sequence[Claim], names: Mapping[str, str]) -> None:
    """Print claims by state and party, those that wait for somebody first."""
    if not claims:
        _console.print("  Nothing is claimed here.")
        return
    order = list(STATES)
    ranked = sorted(claims, key=lambda c: (order.index(c.state), names.get(c.party_id, ""), c.upload_path, _start(c)))
    for state, in_state in groupby(ranked, key=lambda claim: claim.state):
        group = list(in_state)
        (title, meaning), colour = STATES[state], _COLOURS[state]
        _console.print(Text.assemble("\n", (f"{title} ", f"bold {colour}"), (f"{len(group)} · {meaning}", "dim")))
        for party_id, of_party in groupby(group, key=lambda claim: claim.party_id):
            _console.print(Text(f"  {names.get(party_id, party_id)}", "bold"))
            for claim in of_party:
                _print_claim(claim)
    _console.print()


def print_proposed(proposed: Proposed, names: Mapping[str, str]) -> None:
    """Print what came of one upload."""
    already = f", {proposed.already} already" if proposed.already else ""
    if proposed.sha256:
        _console.print(Text.assemble((proposed.path, "bold"), (f"  {len(proposed.claims)} new{already}", "dim")))
    for claim in proposed.claims:
        print_line(claim, names)
    print_problems(proposed.problems)


def print_reconsidered(done: Reconsidered, names: Mapping[str, str]) -> None:
    """Print which waiting claims the rules have decided, and why the others go on waiting."""
    for claim in done.decided:
        print_line(claim, names)
    for claim, reason in done.waiting:
        who = names.get(claim.party_id, claim.party_id)
        _console.print(Text.assemble((f"    {claim.id}  ", "dim"), f"{who}  ", reason), soft_wrap=True)
    _console.print(f"  {len(done.decided)} decided, {len(done.waiting)} go on waiting")


def print_line(claim: Claim, names: Mapping[str, str]) -> None:
    """Print how a claim stands, and whose it is."""
    (title, _), colour = STATES[claim.state], _COLOURS[claim.state]
    who = names.get(claim.party_id, claim.party_id)
    _console.print(Text.assemble((f"  {title}", colour), f"  {who}"))
    _print_claim(claim)


def _print_claim(claim: Claim) -> None:
    evidence = claim.evidence
    line = Text.assemble(
        (f"    {claim.id}  ", "dim"),
        f"{claim.upload_path}  {wording.span(evidence.query_start_s, evidence.query_stop_s)}  ",
        (f"{USES[claim.use_type]} ", "dim"),
        (evidence.reference.title, "bold"),
        (f" ({claim.right_type})  ", "dim"),
        (_action(claim), "bold"),
    )
    _console.print(line, soft_wrap=True)
    for obstacle in claim.obstacles:
        _console.print(Text.assemble(("      ! ", "yellow"), OBSTACLES[obstacle]), soft_wrap=True)


def print_file(file: ClaimFile) -> None:
    """Print all one needs to decide a claim: what was heard first, then the rules, then what has happened."""
    claim, evidence, reference = file.claim, file.claim.evidence, file.claim.evidence.reference
    (title, meaning), colour = STATES[claim.state], _COLOURS[claim.state]
    _console.print(Text.assemble("\n", (claim.id, "bold"), "  ", (title, f"bold {colour}"), (f"  {meaning}", "dim")))
    _heading("What was heard")
    codes = " · ".join(f"{name} {code}" for name, code in (("ISRC", reference.isrc), ("ISWC", reference.iswc)) if code)
    change = evidence.transform and wording.change(evidence.transform)
    _rows(
        ("upload", f"{claim.upload_path}  {wording.span(evidence.query_start_s, evidence.query_stop_s)}"),
        (USES[claim.use_type], f"{reference.title} · {reference.artist}  {codes}".rstrip()),
        ("there", wording.span(evidence.reference_start_s, evidence.reference_stop_s)),
        ("changed", change or ""),
        ("how sure", wording.likelihood(evidence.probability)),
        ("why", evidence.explanation),
        ("sha256", claim.upload_sha256),
    )
    _heading("What is claimed")
    _rows(
        ("by", f"{file.names.get(claim.party_id, claim.party_id)} ({claim.party_id})"),
        ("right", f"{claim.right_type} in {claim.subject_id}"),
        ("action", _action(claim)),
        *((f"in {rule.territory}", _verdict(rule.action, rule.share, rule.side)) for rule in claim.exceptions),
        ("money", file.money),
    )
    _heading("Why")
    for reason in claim.because:
        _console.print(Padding(Text(reason), (0, 0, 0, 4)))
    for obstacle in claim.obstacles:
        _console.print(Text.assemble(("    ! ", "yellow"), f"{OBSTACLES[obstacle]}: claims resolve {claim.id}"))
    _heading("What has happened")
    for step in file.history:
        actor = file.names.get(step.actor, step.actor)
        told = Text.assemble((f"{step.at:%Y-%m-%d %H:%M:%S}  ", "dim"), f"{step.command} → {step.state}  by {actor}")
        _console.print(Padding(told, (0, 0, 0, 4)))
        _console.print(Padding(Text(step.why, "dim"), (0, 0, 0, 6)))
    _heading("What can follow")
    can = ", ".join(f"claims {command}" for command in file.commands)
    _console.print(f"    {can or 'nothing: it is over'}\n")


def print_policies(policies: Sequence[Policy], names: Mapping[str, str]) -> None:
    """Print standing rules, a line each."""
    if not policies:
        _console.print("  No rules stand: everybody is asked about everything.")
    for policy in policies:
        conditions = [
            "" if policy.territory == "2136" else f"in {policy.territory}",
            f"for {policy.subject_id}" if policy.subject_id else "",
            f"from {policy.match_length_min_s} s" if policy.match_length_min_s else "",
            f"at {policy.probability_min} or surer" if policy.probability_min else "",
            f"since {policy.valid_from}" if policy.valid_from else "",
            f"until {policy.valid_to}" if policy.valid_to else "",
        ]
        line = Text.assemble(
            (f"  {policy.id}  ", "dim"),
            (names.get(policy.party_id, policy.party_id), "bold"),
            f"  {policy.use_type}: ",
            (_verdict(policy.action, policy.share, policy.side), "bold"),
            (f"  {', '.join(filter(None, conditions))}".rstrip(), "dim"),
        )
        _console.print(line, soft_wrap=True)


def print_verified(n_rows: int, last: str, problems: Sequence[Problem]) -> None:
    """Print what walking the chain found."""
    print_problems(problems)
    if not problems:
        told = f"{n_rows} rows, nothing was changed; the last is {last}"
        _console.print(Text.assemble(("✓ ", "green"), told), soft_wrap=True)


def _start(claim: Claim) -> float:
    return claim.evidence.query_start_s


def _action(claim: Claim) -> str:
    return _verdict(claim.action, claim.share, claim.side)


def _verdict(action: str, share: object, side: object) -> str:
    whose = f" of the {side} side" if side else ""
    return f"{action} {share}{whose}" if share is not None else f"{action}"


def _heading(text: str) -> None:
    _console.print(Text(f"\n  {text}", "bold"))


def _rows(*rows: tuple[str, str]) -> None:
    table = Table(box=None, padding=(0, 2), pad_edge=False, show_header=False)
    for name, value in rows:
        if value:
            table.add_row(Text(name, "dim"), Text(value))
    _console.print(Padding(table, (0, 0, 0, 4)))
