"""Models in plain words: consents, and where an output came from, in parts of a hundred."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from linernotes.formats.claim_words import ACTIONS
from linernotes.formats.wording import share
from linernotes.journeys.disclosure import Learned, Seen
from linernotes.model import Action

__all__ = ["Piece", "Release", "Source", "piece", "release", "source"]

_MINUTE = len("2026-11-22T12:00")


@dataclass(frozen=True, slots=True)
class Release:
    """A release in a list."""

    id: str
    name: str
    maker: str
    trained_on: str
    works: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Source:
    """A work that was learned from; ``consents``: whose, what they said, and whether it stands."""

    id: str
    title: str
    code: str
    consents: Sequence[tuple[str, str, bool]]
    withdrawn: str


@dataclass(frozen=True, slots=True)
class Piece:
    """An output: what each owner gets of the pool, and what is in it of which work."""

    id: str
    title: str
    at: str
    facts: Sequence[tuple[str, str]]
    owners: Sequence[tuple[str, str, str, int]]
    works: Sequence[tuple[str, str, str, str]]
    doubts: Sequence[str]


def release(told: Seen) -> Release:
    """Tell a release in a line."""
    n_all, n_seen = len(told.manifest.works), len(told.works)
    works = f"{n_all:,} works" if n_seen == n_all else f"{n_seen:,} of {n_all:,} works"
    manifest = told.manifest
    return Release(manifest.release_id, manifest.release, told.maker, manifest.trained_on, works, not told.faults)


def source(work: Learned) -> Source:
    """Tell a work with its consents, each party once."""
    consents: dict[str, tuple[str, str, bool]] = {}
    for given in work.consents:
        said = ACTIONS[Action(given.action)][0] + (f" {share(Fraction(given.share))}" if given.share else "")
        stands = given.stands and consents.get(given.party_id, ("", "", True))[2]
        consents[given.party_id] = given.party, said, stands
    gone = ""
    if work.withdrawn and work.because:
        gone = f"seen on {work.since}: {work.because}"
    elif work.withdrawn:
        mine = all(stands for *_, stands in consents.values())
        gone = "a consent of somebody else to it no longer stands" if mine else "your consent no longer stands"
    return Source(work.reference_id, work.title, work.isrc or "", list(consents.values()), gone)


def piece(told: Mapping[str, Any]) -> Piece:
    """Tell an output."""
    runs = f", {told['n_runs']} trainings" if told["n_runs"] > 1 else ""
    return Piece(
        id=told["id"],
        title=told["title"],
        at=told["made_at"][:_MINUTE].replace("T", " "),
        facts=[
            ("Its sources share", share(Fraction(told["pool"]))),
            ("Attributed by", f"{told['method']}{runs}"),
            ("Measured to be so", _percent(told["informativeness_ppm"])),
            *([("ISRC", told["isrc"])] if told["isrc"] else []),
        ],
        owners=[
            (owner["party"], _percent(owner["ppm"]), _interval(owner), owner["ppm"] // 100) for owner in told["owners"]
        ],
        works=[
            (
                work["title"],
                _percent(work["influenced_ppm"]),
                f"{100 * work['copied']:.0f} %",
                f"{100 * work['similar']:.0f} %",
            )
            for work in told["works"]
        ],
        doubts=[problem["message"] for problem in told["problems"]],
    )


def _percent(ppm: int) -> str:
    return f"{ppm / 10_000:.1f} %"


def _interval(owner: Mapping[str, Any]) -> str:
    if owner["share_ppm"] is None:
        return "–"
    low, high = (f"{owner[end] / 10_000:.1f}" for end in ("low_ppm", "high_ppm"))
    return f"{_percent(owner['share_ppm'])} ({low} to {high})"
