"""The rules once more, slowly and in the open: what everybody has of what was used, in fractions, line by line.

It shares no code with the run but the records: whoever changes a rule changes it twice, and says so.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import duckdb

from linernotes.model import Action, Claim, RightType, RoyaltyRule, Share, Side, TerritoryRule, UsageLine
from linernotes.model.usage import UsageReport
from linernotes.rights import territories
from linernotes.workspace import Workspace

Answer = dict[tuple[str, str, str, str | None], int]
"""Micro-units by usage period, currency, account and payee."""

OF_RECORDING = (RightType.MASTER, RightType.TRAINING)
REASONS = ("share", "claim", "open_claim", "contested_claims", "contested_shares", "too_fine", "unclaimed")
DUE, HELD = ("confirmed", "upheld"), ("proposed", "review", "disputed")


@dataclass
class World:
    """All that a run would know."""

    recordings: Sequence[tuple[str, str | None, str | None, str | None]] = ()  # id, isrc, sha256, work id
    shares: Sequence[Share] = ()
    claims: Sequence[Claim] = ()
    rules: Sequence[RoyaltyRule] = ()
    alias_of: Mapping[str, str] = field(default_factory=dict)
    usage: Sequence[tuple[UsageLine, date]] = ()


@dataclass(frozen=True)
class Thing:
    id: str
    sha256: str | None
    shares: tuple[Share, ...]
    claims: tuple[Claim, ...]

    @property
    def is_too_fine(self) -> bool:
        asking = [f for claim in self.claims for f in _all_asked(claim)]
        return (
            math.lcm(*(share.fraction.denominator for share in self.shares)) > 10**9
            or math.lcm(*(f.denominator for f in asking)) > 10**5
        )


def _all_asked(claim: Claim) -> list[Fraction]:
    sources: list[Claim | TerritoryRule] = [claim, *claim.exceptions]
    # What is said of the rest of the world counts only where something is left of it.
    return [s.share for s in sources if s.action is Action.SHARE and s.share is not None and s.side is not None]


def answer(world: World) -> Answer:
    """What everybody has."""
    found: Answer = defaultdict(int)
    for (period, currency, account, party, _), amount in by_right(world).items():
        found[period, currency, account, party] += amount
    return {key: amount for key, amount in found.items() if amount}


def by_right(world: World) -> dict[tuple[str, str, str, str | None, RightType | None], int]:
    """What everybody has, with the right that it comes from."""
    things = _things(world)
    by_isrc = {isrc: things[i] for i, (_, isrc, _, _) in enumerate(world.recordings) if isrc}
    by_sha256 = {thing.sha256: thing for thing in things if thing.sha256}
    found: dict[tuple[str, str, str, str | None, RightType | None], int] = defaultdict(int)
    pools: dict[tuple[str, str, str, int, str, int], tuple[Thing, int, str, date, int]] = {}
    for line, day in world.usage:
        thing = by_isrc.get(line.isrc or "") or by_sha256.get(line.upload_sha256 or "")
        if thing is None:
            found[line.period, line.currency, "unmatched", None, None] += line.amount_micro
            continue
        rule = _rule(world.rules, line.use_type, line.territory, day)
        shares = () if thing.is_too_fine else thing.shares
        by_place = any(s.territory != "2136" for s in thing.shares) or any(c.exceptions for c in thing.claims)
        days = {d for s in shares for d in (s.valid_from, s.valid_to) if d is not None}
        stretch = sum(d <= day for d in days)
        key = (line.period, line.currency, thing.id, rule, line.territory if by_place else "", stretch)
        before = pools.get(key, (thing, rule, line.territory, day, 0))
        pools[key] = (*before[:4], before[4] + line.amount_micro)
    for key, (thing, rule, territory, day, amount) in pools.items():
        for whose, part in _divided(world, thing, rule, territory=territory, day=day, amount=amount):
            found[key[0], key[1], *whose] += part
    return found


def _asks(claim: Claim) -> bool:
    return claim.state in (*DUE, *HELD) and bool(_all_asked(claim))


def _things(world: World) -> list[Thing]:
    alive = [claim for claim in world.claims if _asks(claim)]
    things = []
    for recording_id, _, sha256, work_id in world.recordings:
        shares = tuple(
            s
            for s in world.shares
            if (s.subject_id == recording_id and s.right_type in OF_RECORDING)
            or (work_id is not None and s.subject_id == work_id and s.right_type not in OF_RECORDING)
        )
        things.append(
            Thing(recording_id, sha256, shares, tuple(c for c in alive if sha256 and c.upload_sha256 == sha256))
        )
    known = {thing.sha256 for thing in things}
    for sha256 in sorted({claim.upload_sha256 for claim in alive} - known):
        things.append(Thing(f"upload:{sha256}", sha256, (), tuple(c for c in alive if c.upload_sha256 == sha256)))
    return things


def _rule(rules: Sequence[RoyaltyRule], use_type: str, territory: str, day: date) -> int:
    fitting = [
        (rule.use_type != "*", -territories.size(rule.territory), rule.valid_from or date.min, number)
        for number, rule in enumerate(rules)
        if rule.use_type in ("*", use_type)
        and (rule.territory == "2136" or territory in territories.countries(rule.territory))
        and (rule.valid_from or date.min) <= day < (rule.valid_to or date.max)
    ]
    return max(fitting)[-1]


def _holds(share: Share, territory: str, day: date) -> bool:
    there = share.territory == "2136" or territory in territories.countries(share.territory)
    return there and (share.valid_from or date.min) <= day < (share.valid_to or date.max)


def _asked(claim: Claim, territory: str) -> tuple[Side, Fraction] | None:
    said: Claim | TerritoryRule = claim
    if claim.exceptions:
        if territory not in territories.countries("2136"):
            return None
        for exception in claim.exceptions:
            if territory in territories.countries(exception.territory):
                said = exception
    is_share = said.action is Action.SHARE
    return (said.side, said.share) if is_share and said.share is not None and said.side is not None else None


def _divided(
    world: World, thing: Thing, rule: int, *, territory: str, day: date, amount: int
) -> list[tuple[tuple[str, str | None, RightType], int]]:
    parts: list[tuple[Fraction, tuple[object, ...], tuple[str, str | None, RightType]]] = []
    for right, whole in world.rules[rule].parts.items():
        side = Side.RECORDING if right in OF_RECORDING else Side.COMPOSITION

        def add(part: Fraction, reason: str, account: str, party: str | None, claim: str = "") -> None:
            order = (party is None, party or "", claim, list(RightType).index(right), REASONS.index(reason))  # noqa: B023
            if part:
                parts.append((part, order, (account, party, right)))  # noqa: B023

        if thing.is_too_fine:
            add(whole, "too_fine", "held", None)
            continue
        asking = [(c, got[1]) for c in thing.claims if (got := _asked(c, territory)) and got[0] is side]
        excess = max(Fraction(0), sum((share for _, share in asking), Fraction(0)) - 1)
        granted = Fraction(0)
        for claim, share in asking:
            sure = max(Fraction(0), share - excess)
            granted += sure
            if claim.state in DUE:
                add(whole * sure, "claim", "payable", claim.party_id, claim.id)
            else:
                add(whole * sure, "open_claim", "held", claim.party_id, claim.id)
        own = max(Fraction(0), 1 - sum((share for _, share in asking), Fraction(0)))
        if excess:
            add(whole * (1 - granted), "contested_claims", "held", None)
        holding: dict[str, Fraction] = defaultdict(Fraction)
        for held in thing.shares:
            if held.right_type is right and _holds(held, territory, day):
                holding[held.party_id] += held.fraction
        total = sum(holding.values(), Fraction(0))
        over = max(Fraction(0), total - 1)
        kept = Fraction(0)
        for party, part in holding.items():
            kept += max(Fraction(0), part - over)
            add(whole * own * max(Fraction(0), part - over), "share", "payable", party)
        if over:
            add(whole * own * (1 - kept), "contested_shares", "held", None)
        else:
            add(whole * own * (1 - total), "unclaimed", "unclaimed", None)
    assert sum(part for part, _, _ in parts) == 1
    size = abs(amount)
    floors = [math.floor(size * part) for part, _, _ in parts]
    ranked = sorted(range(len(parts)), key=lambda n: (floors[n] - size * parts[n][0], parts[n][1]))
    for n in ranked[: size - sum(floors)]:
        floors[n] += 1
    sign = -1 if amount < 0 else 1
    return [((a, payee(world, party), right), sign * floors[n]) for n, (_, _, (a, party, right)) in enumerate(parts)]


def payee(world: World, party: str | None) -> str | None:
    seen = set()
    start = party
    while party is not None and party in world.alias_of:
        if party in seen:
            return start
        seen.add(party)
        party = world.alias_of[party]
    return party


# ── usage in files ───────────────────────────────────────────────────────────


def write_usage(workspace: Workspace, period: str, name: str, lines: Sequence[tuple[UsageLine, date]]) -> Path:
    """Write and enter a usage report as the importer does."""
    path = workspace.folder / "usage" / period / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = duckdb.connect()
    engine.execute(
        "CREATE TABLE usage (report_id VARCHAR, line BIGINT, period VARCHAR, used_on DATE, territory VARCHAR,"
        " currency VARCHAR, amount_micro BIGINT, quantity BIGINT, isrc VARCHAR, upload_sha256 VARCHAR, iswc VARCHAR,"
        " title VARCHAR, artist VARCHAR, source VARCHAR, use_type VARCHAR, commercial_model VARCHAR)"
    )
    rows = [
        (
            *(name, number, u.period, day, u.territory, u.currency, u.amount_micro, u.quantity, u.isrc),
            *(u.upload_sha256, None, u.title, u.artist, u.source, u.use_type, u.commercial_model),
        )
        for number, (u, day) in enumerate(lines, 1)
    ]
    if rows:
        engine.executemany(f"INSERT INTO usage VALUES ({', '.join(['?'] * 16)})", rows)
    engine.execute(f"COPY usage TO '{path}' (FORMAT parquet)")
    engine.close()
    report = UsageReport(name, "test", "test", "2026-01-01T00:00:00+00:00", [period], len(lines), 0, 0, [], [])
    workspace.usage.enter(report, [])
    return path


def line(
    amount_micro: int,
    *,
    isrc: str | None = None,
    upload: str | None = None,
    period: str = "2026-01",
    territory: str = "DE",
    currency: str = "EUR",
    use_type: str = "stream",
    source: str = "Shop",
    quantity: int = 1,
    day: int = 0,
) -> tuple[UsageLine, date]:
    """Return a usage line, and the day it is of: so many after the period's first."""
    used_on = date(int(period[:4]), int(period[5:]), 1) + timedelta(days=day)
    usage = UsageLine(
        "r", 1, period, territory, currency, amount_micro, quantity, isrc, upload, "T", "A", source, use_type, "ads"
    )
    return usage, used_on
