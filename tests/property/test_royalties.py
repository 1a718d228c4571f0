"""Whatever the catalogue, the claims and the usage: the run and the oracle agree to the micro-unit; nothing is lost.

Each example runs three times: on half of the usage, on all of it, and again after the world has changed; what the books
then say must be what the oracle says of the last world alone.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from linernotes.journeys import pay
from linernotes.model import (
    Action,
    Claim,
    ClaimState,
    Evidence,
    EvidenceKind,
    Reference,
    RightType,
    RoyaltyRule,
    Share,
    Side,
    TerritoryRule,
    UsageLine,
    UseType,
)
from linernotes.rights.royalties import DEFAULT_RULES
from linernotes.store import schema
from linernotes.store.database import writing
from linernotes.workspace import Workspace
from tests.royalty_oracle import World, answer, line, payee, write_usage

AT = datetime(2026, 3, 1, tzinfo=UTC)
PARTIES = [f"pty_{name}" for name in "abcde"]
RECORDINGS = [
    ("rec_1", "DEA000000001", "1" * 64, "wrk_1"),
    ("rec_2", "DEA000000002", None, "wrk_1"),
    ("rec_3", "DEA000000003", "3" * 64, None),
]
UPLOAD = "9" * 64
TERRITORIES = ["2136", "2136", "2136", "DE", "2124", "2120-GB", "AT+US"]
DAYS = [date(2026, 1, 5), date(2026, 1, 20), date(2026, 2, 3)]

parts = st.builds(Fraction, st.integers(1, 7), st.sampled_from([7, 8, 9, 10, 100, 997])).filter(lambda f: f <= 1)
fine = st.just(Fraction(1, 1_000_003))
days = st.none() | st.sampled_from(DAYS)


@st.composite
def shares(draw: st.DrawFn) -> Share:
    subject, rights = draw(
        st.sampled_from(
            [
                *((r[0], [RightType.MASTER, RightType.MASTER, RightType.TRAINING]) for r in RECORDINGS),
                ("wrk_1", [RightType.MECHANICAL, RightType.PERFORMANCE]),
            ]
        )
    )
    fraction = draw(st.one_of(parts, parts, parts, st.just(Fraction(1)), fine))
    start, stop = draw(days), draw(days)
    if start and stop and start >= stop:
        stop = None
    place = draw(st.sampled_from(TERRITORIES))
    return Share(subject, draw(st.sampled_from(PARTIES)), draw(st.sampled_from(rights)), fraction, place, start, stop)


EVIDENCE = Evidence(
    EvidenceKind.RECORDING, Reference("rec_1", "", "", None, None), 0, 1, 0, 1, 1.0, 0.9, None, "heard", ""
)


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    exceptions = []
    if draw(st.booleans()) and draw(st.booleans()):
        for place in draw(st.sampled_from([["DE"], ["2120", "DE"], ["US"]])):
            action = draw(st.sampled_from([Action.SHARE, Action.BLOCK]))
            of = (draw(parts), draw(st.sampled_from(Side))) if action is Action.SHARE else (None, None)
            exceptions.append(TerritoryRule(place, action, *of))
    return Claim(
        id="",
        upload_sha256=draw(st.sampled_from(["1" * 64, "1" * 64, "1" * 64, "3" * 64, UPLOAD])),
        upload_path="x",
        evidence_id="e" * 64,
        evidence=EVIDENCE,
        subject_id="rec_2",
        party_id=draw(st.sampled_from(PARTIES)),
        right_type=RightType.MASTER,
        use_type=UseType.RECORDING,
        action=Action.SHARE,
        share=draw(parts),
        side=draw(st.sampled_from([Side.RECORDING, Side.RECORDING, Side.COMPOSITION])),
        state=draw(st.sampled_from(ClaimState)),
        because=(),
        exceptions=tuple(exceptions),
    )


@st.composite
def usage(draw: st.DrawFn) -> tuple[UsageLine, date]:
    what = draw(st.sampled_from([RECORDINGS[0][1]] * 4 + [r[1] for r in RECORDINGS] + ["XX0000000000", None]))
    return line(
        draw(st.one_of(st.integers(-1000, 10_000), st.integers(-(10**15), 10**16))),
        isrc=what,
        upload=draw(st.sampled_from([UPLOAD, "3" * 64, "8" * 64])) if what is None else None,
        period=draw(st.sampled_from(["2026-01", "2026-02"])),
        territory=draw(st.sampled_from(["DE", "AT", "GB", "US", "ZZ"])),
        currency=draw(st.sampled_from(["EUR", "JPY"])),
        use_type=draw(st.sampled_from(["stream", "download", "training"])),
        day=draw(st.integers(0, 27)),
    )


@st.composite
def rules(draw: st.DrawFn) -> Sequence[RoyaltyRule]:
    def rule(use_type: str) -> RoyaltyRule:
        master = draw(st.integers(0, 100))
        of = {RightType.MASTER: Fraction(master, 100), RightType.PERFORMANCE: Fraction(100 - master, 100)}
        return RoyaltyRule(use_type, of, draw(st.sampled_from(TERRITORIES)), draw(days), None)

    more = draw(st.lists(st.sampled_from(["download", "*"]), max_size=2))
    return [*DEFAULT_RULES, *(rule(use_type) for use_type in more)]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    asked = draw(st.lists(claims(), max_size=6))
    alias = draw(st.dictionaries(st.sampled_from(PARTIES[3:]), st.sampled_from(PARTIES), max_size=2))
    return World(
        recordings=RECORDINGS,
        shares=draw(st.lists(shares(), max_size=10)),
        claims=[replace(claim, id=f"clm_{number}") for number, claim in enumerate(asked)],
        rules=draw(rules()),
        alias_of={party: other for party, other in alias.items() if party != other},
        usage=draw(st.lists(usage(), max_size=14)),
    )


@st.composite
def changed(draw: st.DrawFn, world: World) -> World:
    """The same world, later: claims moved, a share was corrected, a party merged, the catalogue has learned."""
    known = draw(st.lists(st.sampled_from(world.shares), unique=True)) if world.shares else []
    return replace(
        world,
        recordings=[*RECORDINGS, ("rec_4", "XX0000000000", None, "wrk_1")] if draw(st.booleans()) else RECORDINGS,
        shares=[*known, *draw(st.lists(shares(), max_size=2))] if draw(st.booleans()) else world.shares,
        claims=[replace(claim, state=draw(st.sampled_from(ClaimState))) for claim in world.claims],
        alias_of={**world.alias_of, "pty_c": "pty_a"} if draw(st.booleans()) else world.alias_of,
    )


def fill(workspace: Workspace, world: World) -> None:
    """Make the catalogue and the claims be those of the world; rows as the stores write them, without their checks."""
    text = json.dumps
    with writing(workspace.books.engine) as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for table in (schema.claims, schema.shares, schema.recordings, schema.works):
            connection.execute(delete(table))
        connection.execute(insert(schema.works).values(id="wrk_1", title="W"))
        for party in PARTIES:
            values = {"alias_of": world.alias_of.get(party)}
            connection.execute(schema.parties.update().where(schema.parties.c.id == party).values(values))
        for recording_id, isrc, sha256, work_id in world.recordings:
            connection.execute(
                insert(schema.recordings).values(
                    id=recording_id,
                    title="T",
                    artist="A",
                    sha256=sha256,
                    path="x",
                    duration_s=1.0,
                    sample_rate_hz=1,
                    channels=1,
                    isrc=isrc,
                    work_id=work_id,
                    registered_at=AT,
                )
            )
        for share in world.shares:
            connection.execute(
                insert(schema.shares).values(
                    subject_id=share.subject_id,
                    party_id=share.party_id,
                    right_type=share.right_type.value,
                    numerator=share.fraction.numerator,
                    denominator=share.fraction.denominator,
                    territory=share.territory,
                    valid_from=share.valid_from,
                    valid_to=share.valid_to,
                )
            )
        for claim in world.claims:
            content = {
                "id": claim.id,
                "upload_sha256": claim.upload_sha256,
                "party_id": claim.party_id,
                "action": claim.action,
                "share": str(claim.share),
                "side": claim.side,
                "exceptions": [
                    {"territory": e.territory, "action": e.action, "share": e.share and str(e.share), "side": e.side}
                    for e in claim.exceptions
                ],
            }
            names = ("id", "upload_sha256", "evidence_id", "subject_id", "party_id", "right_type", "use_type", "state")
            row = {name: getattr(claim, name) for name in names}
            connection.execute(
                insert(schema.claims).values(**row, content=text(content), head="0" * 64, proposed_at=AT)
            )
    if world.rules != workspace.agreements.rules():
        workspace.agreements.set_rules(world.rules)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the parties and the uploads, and nothing else."""
    folder = tmp_path_factory.mktemp("template")
    with Workspace(folder, writable=True) as workspace, writing(workspace.books.engine) as connection:
        connection.execute(insert(schema.parties), [{"id": party, "name": party} for party in PARTIES])
        uploads = [{"sha256": n * 64, "path": "x", "first_seen_at": AT} for n in "139"]
        connection.execute(insert(schema.uploads), uploads)
        connection.execute(insert(schema.evidence).values(id="e" * 64, upload_sha256="1" * 64, payload="{}"))
    return folder


def said(workspace: Workspace, world: World) -> dict[tuple[str, str, str, str | None], int]:
    """What the books say of what was used, as the oracle says it."""
    found: dict[tuple[str, str, str, str | None], int] = defaultdict(int)
    for (usage_period, account, party, currency), amount in workspace.books.booked(["2026-01", "2026-02"]).items():
        if account != "cash":
            found[usage_period, currency, account.value, payee(world, party)] += amount
    return {key: amount for key, amount in found.items() if amount}


def lines_of(world: World) -> Mapping[str, list[tuple[UsageLine, date]]]:
    by_period: dict[str, list[tuple[UsageLine, date]]] = defaultdict(list)
    for each in world.usage:
        by_period[each[0].period].append(each)
    return by_period


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_the_run_and_the_oracle_agree(
    template: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    world = data.draw(worlds())
    folder = tmp_path_factory.mktemp("w") / "w"
    shutil.copytree(template, folder)
    try:
        with Workspace(folder, writable=True) as workspace:
            fill(workspace, world)
            halves = {period: (lines[::2], lines[1::2]) for period, lines in lines_of(world).items()}
            for period, (first, _) in halves.items():
                write_usage(workspace, period, f"first-{period}", first)
            pay.run_royalties(workspace, "2026-02", at=AT)
            assert said(workspace, world) == answer(
                replace(world, usage=[each for first, _ in halves.values() for each in first])
            )
            for period, (_, second) in halves.items():
                write_usage(workspace, period, f"second-{period}", second)
            pay.run_royalties(workspace, "2026-02", at=AT, close=data.draw(st.booleans()))
            assert said(workspace, world) == answer(world)
            later = data.draw(changed(world))
            fill(workspace, later)
            done = pay.run_royalties(workspace, "2026-03", at=AT, close=data.draw(st.booleans()))
            assert said(workspace, later) == answer(later)
            assert done.is_new
            assert pay.check_books(workspace)[1] == []
    finally:
        shutil.rmtree(folder.parent)
