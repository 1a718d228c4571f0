"""Any sequence of commands, by anybody, from two places at once: the store never reaches what the machine forbids."""

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from linernotes.errors import ConflictError, InputError, NotFoundError
from linernotes.formats.liner_notes import TracedUpload
from linernotes.journeys import claim as journey
from linernotes.model import (
    Action,
    Claim,
    ClaimState,
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
    Share,
    Side,
    UseType,
)
from linernotes.rights import claims as rules
from linernotes.workspace import Workspace

START = datetime.now(UTC) + timedelta(days=1)  # after every registration, however slow the run
PARTIES = ("Ada", "Bea")
S = ClaimState
# Written out once more, by hand: from where a claim may go where.
FOLLOWS = {
    S.PROPOSED: {S.REVIEW, S.CONFIRMED, S.RELEASED, S.DISPUTED, S.PROPOSED},
    S.REVIEW: {S.REVIEW, S.PROPOSED, S.CONFIRMED, S.RELEASED, S.DISPUTED},
    S.CONFIRMED: {S.CONFIRMED, S.REVIEW, S.RELEASED, S.DISPUTED},
    S.DISPUTED: {S.DISPUTED, S.UPHELD, S.WITHDRAWN},
    S.UPHELD: {S.UPHELD, S.RELEASED},
    S.RELEASED: set(),
    S.WITHDRAWN: set(),
}


def entry(name: str) -> RecordingEntry:
    recording = Recording(f"rec_{name}", name, name, f"{name:0>64}", "x", 60.0, 44_100, 2)
    return RecordingEntry(
        recording,
        parties=[Party(f"pty_{name}", name)],
        contributions=[Contribution(recording.id, f"pty_{name}", Role.PERFORMER)],
        shares=[Share(recording.id, f"pty_{name}", RightType.MASTER, Fraction(1))],
    )


class ClaimsMachine(RuleBasedStateMachine):
    """Two people with the same workspace, and a model of what each claim was last seen to be."""

    claims = Bundle("claims")

    @initialize()
    def fill(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.one, self.other = (Workspace(self.folder, writable=True) for _ in range(2))
        for name in PARTIES:
            self.one.catalogue.add(entry(name))
        self.at = START
        self.last: dict[str, Claim] = {}

    @rule(target=claims, who=st.sampled_from(PARTIES), start=st.integers(0, 40), upload=st.integers(1, 2))
    def propose(self, who: str, start: int, upload: int) -> object:
        reference = Reference(f"rec_{who}", who, who, None, None)
        evidence = Evidence(
            EvidenceKind.RECORDING, reference, start, start + 10.0, 0.0, 10.0, 1.0, 0.9, None, "heard", "test"
        )
        traced = TracedUpload("here", "up.wav", f"{upload:064x}", [evidence], [])
        proposed = journey.propose(self.one, traced, at=self.at)
        for stored in self.one.claims.find():
            self._moved(stored.claim, hindered=True)
        return multiple(*(claim.id for claim in proposed.claims))

    @rule(who=st.sampled_from(PARTIES), action=st.sampled_from(Action))
    def set_policy(self, who: str, action: Action) -> None:
        share = Fraction(1, 3) if action is Action.SHARE else None
        self.at += timedelta(seconds=1)
        policy = Policy("", who, UseType.RECORDING, action, share)
        journey.set_policy(self.one, policy, by=who, why="standing", at=self.at)

    @rule(
        claim_id=claims,
        command=st.sampled_from(("release", "withdraw", "dispute", "resolve")),
        by=st.sampled_from((*PARTIES, "somebody")),
    )
    def step(self, claim_id: str, command: str, by: str) -> None:
        steps: dict[str, Callable[..., Claim]] = {
            "release": journey.release,
            "withdraw": journey.withdraw,
            "dispute": journey.dispute,
            "resolve": journey.resolve,
        }
        self._try(claim_id, lambda: steps[command](self.one, claim_id, by=by, why=command, at=self.at))

    @rule(
        claim_id=claims,
        action=st.sampled_from(Action),
        by=st.sampled_from(PARTIES),
        share=st.sampled_from((None, Fraction(1, 3), Fraction(1))),
    )
    def decide(self, claim_id: str, action: Action, by: str, share: Fraction | None) -> None:
        side = Side.RECORDING if share is not None else None
        self._try(
            claim_id,
            lambda: journey.decide(
                self.one, claim_id, action=action, by=by, why="so", at=self.at, share=share, side=side
            ),
        )

    @rule(claim_id=claims)
    def decide_at_once(self, claim_id: str) -> None:
        seen = [workspace.claims.get(claim_id) for workspace in (self.one, self.other)]
        won = 0
        for workspace, stored in zip((self.one, self.other), seen, strict=True):
            try:
                then = workspace.claims.advance(
                    stored,
                    lambda claim: rules.decide(
                        claim, action=Action.BLOCK, actor=claim.party_id, why="at once", at=self.at
                    ),
                )
            except ConflictError:
                continue
            won += 1
            self._moved(then.claim)
        assert won <= 1

    @rule()
    def a_day_passes(self) -> None:
        self.at += timedelta(days=1)
        for claim in journey.settle(self.one, at=self.at):
            self._moved(claim)

    def _try(self, claim_id: str, change: Callable[[], Claim]) -> None:
        before = self.one.claims.get(claim_id)
        try:
            then = change()
        except (ConflictError, InputError, NotFoundError):
            assert self.one.claims.get(claim_id) == before  # what is refused changes nothing
            return
        self._moved(then)

    def _moved(self, claim: Claim, *, hindered: bool = False) -> None:
        before = self.last.get(claim.id)
        if before is not None and not (hindered and before == claim):
            assert claim.state in FOLLOWS[before.state], (before.state, claim.state)
        self.last[claim.id] = claim

    @invariant()
    def every_history_is_a_walk_through_the_machine(self) -> None:
        for claim_id in getattr(self, "last", {}):
            states = [step.state for step in self.one.claims.history(claim_id)]
            assert states[0] is S.PROPOSED
            assert all(then in FOLLOWS[state] for state, then in pairwise(states))
            claim = self.other.claims.get(claim_id).claim
            assert (claim, claim.state) == (self.last[claim_id], states[-1])
            assert not (claim.obstacles and claim.state in (S.CONFIRMED, S.UPHELD))
            assert (claim.share is None) == (claim.action is not Action.SHARE)

    @invariant()
    def nothing_that_was_said_has_changed(self) -> None:
        if hasattr(self, "one"):
            assert self.other.claims.verify()[2] == []

    def teardown(self) -> None:
        if hasattr(self, "one"):
            self.one.close()
            self.other.close()
            shutil.rmtree(self.folder)


TestClaimsMachine = ClaimsMachine.TestCase
TestClaimsMachine.settings = settings(max_examples=20, stateful_step_count=20)
