"""How fast uploads become claims, and what deciding and verifying cost; on this machine's SQLite.

Conventions
-----------
``uploads_per_s``: each with a sample, a version and a voice, of different people with a policy each, so three claims
decided. ``decide_ms``: one decision by a person, in its own transaction, flushed to the disk. ``verify_rows_per_s``:
rows of the chain, with every claim and piece of evidence compared. ``policies_per_s``: evaluations among 100 rules.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

from benchmarks.outcome import Outcome, arguments, tell
from linernotes.formats.liner_notes import TracedUpload
from linernotes.journeys import claim as journey
from linernotes.model import (
    Action,
    Contribution,
    Evidence,
    EvidenceKind,
    Party,
    Policy,
    Recording,
    RecordingEntry,
    Reference,
    RightType,
    Role,
    UseType,
    Work,
)
from linernotes.rights.policies import Situation, evaluate
from linernotes.workspace import Workspace

__all__ = ["main", "measure"]

_USES = {
    EvidenceKind.RECORDING: UseType.RECORDING,
    EvidenceKind.VERSION: UseType.VERSION,
    EvidenceKind.VOICE: UseType.VOICE,
}


def fill(workspace: Workspace, at: datetime) -> None:
    """Enter three recordings of three people, and a policy of each for one use."""
    for number, use in enumerate(_USES.values()):
        name = f"{number}"
        recording = Recording(
            f"rec_{name}", name, name, f"{name:0>64}", "x.wav", 60.0, 44_100, 2, work_id=f"wrk_{name}"
        )
        workspace.catalogue.add(
            RecordingEntry(
                recording,
                work=Work(f"wrk_{name}", name),
                parties=[Party(f"pty_{name}", name)],
                contributions=[
                    Contribution(recording.id, f"pty_{name}", Role.PERFORMER),
                    *([Contribution(f"wrk_{name}", f"pty_{name}", Role.WRITER)] if use is UseType.VERSION else []),
                ],
            )
        )
        policy = Policy("", f"pty_{name}", use, Action.ALLOW)
        journey.set_policy(workspace, policy, by=f"pty_{name}", why="standing", at=at)


def upload(number: int) -> TracedUpload:
    """Return the liner notes of one upload."""
    evidence = [
        Evidence(
            kind,
            Reference(f"rec_{i}", "", "", None, None),
            20.0 * i,
            20.0 * i + 20,
            0.0,
            20.0,
            1.0,
            0.9,
            None,
            "heard",
            "",
        )
        for i, kind in enumerate(_USES)
    ]
    return TracedUpload("", f"{number}.mp3", f"{number:064x}", evidence, [])


def timed(action: Callable[[], object]) -> float:
    """Return how long it takes, in seconds."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def policies_per_s() -> float:
    """Evaluate one situation among a hundred rules, again and again."""
    rules = [
        Policy(f"p{n}", "own" if n % 2 else "label", UseType.VOICE, Action.BLOCK, match_length_min_s=Fraction(n))
        for n in range(100)
    ]
    asked = Situation(
        UseType.VOICE, RightType.VOICE, "voi", Fraction(50), Fraction(1, 2), date(2026, 1, 1), ["own"], ["label"]
    )
    n_runs = 200
    return n_runs / timed(lambda: [evaluate(rules, asked) for _ in range(n_runs)])


def measure(*, quick: bool) -> Outcome:
    """Propose, decide, look up, verify."""
    n_uploads = 200 if quick else 2000
    at = datetime.now(UTC) + timedelta(minutes=1)
    with tempfile.TemporaryDirectory() as folder, Workspace(Path(folder), writable=True) as workspace:
        fill(workspace, at)
        uploads = [upload(number) for number in range(n_uploads)]
        # A day between any two hundred, or the flood gate would hold them.
        proposing_s = timed(
            lambda: [
                journey.propose(workspace, each, at=at + timedelta(days=2 * (n // 200)))
                for n, each in enumerate(uploads)
            ]
        )
        some = [stored.claim for stored in workspace.claims.find(upload_sha256s=[u.sha256 for u in uploads[:40]])]
        deciding_s = timed(
            lambda: [
                journey.decide(workspace, claim.id, action=Action.BLOCK, by=claim.party_id, why="so", at=at)
                for claim in some
            ]
        )
        looking_s = timed(lambda: [workspace.claims.reference(u.evidence[1].reference) for u in uploads[:100]])
        n_rows = workspace.claims.verify()[0]
        verifying_s = timed(workspace.claims.verify)
    figures = {
        "uploads_per_s": n_uploads / proposing_s,
        "decide_ms": 1000 * deciding_s / len(some),
        "look_up_ms": 1000 * looking_s / 100,
        "verify_rows_per_s": n_rows / verifying_s,
        "policies_per_s": policies_per_s(),
    }
    return Outcome("claims", f"{n_uploads} uploads, {n_rows} rows in the chain", figures)


def main() -> None:
    """Measure and print."""
    given = arguments(__doc__.splitlines()[0]).parse_args()
    tell(measure(quick=given.quick), as_json=given.json)


if __name__ == "__main__":
    main()
