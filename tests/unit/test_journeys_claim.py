"""From liner notes to decisions, on SQLite and on PostgreSQL."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from linernotes.errors import ConflictError, FormatError, NotFoundError, ParameterError
from linernotes.formats.liner_notes import TracedUpload
from linernotes.journeys import claim as journey
from linernotes.model import (
    Action,
    AiDisclosure,
    Claim,
    ClaimState,
    Contribution,
    Evidence,
    Obstacle,
    Party,
    Policy,
    Problem,
    Recording,
    RecordingEntry,
    Reference,
    Role,
    Side,
    UseType,
)
from linernotes.workspace import Workspace

AT = datetime.now(UTC) + timedelta(days=1)  # after every registration, however slow the run
HALF = Fraction(1, 2)


@pytest.fixture
def workspace(place: Path | str, tmp_path: Path, fill_with_three: Callable[[Path | str], None]) -> Iterator[Workspace]:
    fill_with_three(place)
    with Workspace(tmp_path, database_url=place if isinstance(place, str) else None, writable=True) as opened:
        yield opened


def upload(evidence: Sequence[Evidence], *, number: int = 1, path: str = "up.wav") -> TracedUpload:
    return TracedUpload("notes.jsonl:1", path, f"{number:064x}", evidence, [])


def set_rule(workspace: Workspace, party: str, use: UseType, action: Action, **changes: object) -> Policy:
    if action is Action.SHARE:
        changes = {"share": HALF} | changes
    rule = Policy("", party, use, action, **changes)  # type: ignore[arg-type]
    return journey.set_policy(workspace, rule, by=party, why="standing", at=AT)[0]


def states(claims: Sequence[Claim]) -> dict[str, tuple[str, str]]:
    return {claim.party_id: (claim.state.value, claim.action.value) for claim in claims}


def test_the_policies_decide_and_who_has_none_is_asked(workspace: Workspace, heard_three: dict[str, Evidence]) -> None:
    offer = set_rule(workspace, "Cara", UseType.VOICE, Action.SHARE)
    set_rule(workspace, "Copper Records", UseType.VOICE, Action.BLOCK)
    set_rule(workspace, "Bea", UseType.VERSION, Action.BLOCK)
    proposed = journey.propose(workspace, upload(list(heard_three.values())), at=AT)
    assert proposed.problems == []
    assert states(proposed.claims) == {
        "pty_ada": ("review", "review"),
        "pty_bea": ("confirmed", "block"),
        "pty_cara": ("confirmed", "share"),
    }
    (cara,) = [claim for claim in proposed.claims if claim.party_id == "pty_cara"]
    assert (cara.share, cara.side, cara.policy_id) == (HALF, Side.RECORDING, offer.id)
    assert "Copper Records's rule" in cara.because[1]
    file = journey.open_file(workspace, cara.id)
    assert [(step.command, step.actor) for step in file.history] == [
        ("propose", "linernotes"),
        ("decide", f"policy {offer.id}"),
    ]
    assert (file.money, "dispute" in file.commands, file.names["pty_cara"]) == ("due", True, "Cara")


def test_the_same_notes_twice_claim_once(workspace: Workspace, heard_three: dict[str, Evidence]) -> None:
    traced = upload(list(heard_three.values()))
    assert len(journey.propose(workspace, traced, at=AT).claims) == 3
    again = journey.propose(workspace, traced, at=AT + timedelta(hours=1))
    assert (again.claims, again.already) == ([], 3)
    moved = [replace(e, query_start_s=e.query_start_s + 1, score=0.5) for e in traced.evidence]
    assert journey.propose(workspace, upload(moved), at=AT).claims == []


def test_a_claim_that_was_released_is_not_raised_again(workspace: Workspace, heard_three: dict[str, Evidence]) -> None:
    traced = upload([heard_three["sample"]])
    (claim,) = journey.propose(workspace, traced, at=AT).claims
    journey.release(workspace, claim.id, by="Ada", why="it is mine", at=AT)
    assert journey.propose(workspace, traced, at=AT + timedelta(1)).claims == []


def test_what_nobody_can_claim_is_a_problem(workspace: Workspace, heard_three: dict[str, Evidence]) -> None:
    stranger = replace(heard_three["sample"], reference=Reference("rec_x", "X", "Y", None, None))
    unheld = replace(heard_three["version"], reference=Reference("rec_copper", "Copper", "Cara", None, None))
    proposed = journey.propose(workspace, upload([stranger, unheld]), at=AT)
    assert proposed.claims == []
    assert [problem.code for problem in proposed.problems] == ["unknown_reference", "no_holder"]


def test_an_imitation_is_claimed_as_one(workspace: Workspace, heard_three: dict[str, Evidence]) -> None:
    set_rule(workspace, "Cara", UseType.SOUNDALIKE, Action.BLOCK)
    proposed = journey.propose(workspace, upload([heard_three["voice"]]), at=AT, soundalike=True)
    assert [(c.use_type, c.action) for c in proposed.claims] == [(UseType.SOUNDALIKE, Action.BLOCK)]


# ── deciding ─────────────────────────────────────────────────────────────────


def test_only_its_party_decides_and_somebody_else_disputes(
    workspace: Workspace, heard_three: dict[str, Evidence]
) -> None:
    (claim,) = journey.propose(workspace, upload([heard_three["sample"]]), at=AT).claims
    with pytest.raises(ConflictError, match="is Ada's to decide, not Bea's"):
        journey.decide(workspace, claim.id, action=Action.BLOCK, by="Bea", why="mine", at=AT)
    with pytest.raises(NotFoundError, match="no party is called 'Nobody'"):
        journey.decide(workspace, claim.id, action=Action.BLOCK, by="Nobody", why="mine", at=AT)
    with pytest.raises(ParameterError, match="which share of which side"):
        journey.decide(workspace, claim.id, action=Action.SHARE, by="Ada", why="a share", at=AT)
    decided = journey.decide(
        workspace, claim.id, action=Action.SHARE, by="Ada", why="a share", at=AT, share=HALF, side=Side.RECORDING
    )
    assert (decided.state, decided.share) == (ClaimState.CONFIRMED, HALF)
    with pytest.raises(ConflictError, match="cannot dispute"):
        journey.dispute(workspace, claim.id, by="Ada", why="no", at=AT)
    journey.dispute(workspace, claim.id, by="the uploader", why="licensed", at=AT)
    assert journey.open_file(workspace, claim.id).money == "held"
    upheld = journey.decide(workspace, claim.id, action=Action.BLOCK, by="pty_ada", why="not to me", at=AT)
    assert (upheld.state, upheld.action, upheld.share) == (ClaimState.UPHELD, Action.BLOCK, None)


def test_a_withdrawal_releases(workspace: Workspace, heard_three: dict[str, Evidence]) -> None:
    (claim,) = journey.propose(workspace, upload([heard_three["sample"]]), at=AT).claims
    journey.dispute(workspace, claim.id, by="the uploader", why="licensed", at=AT)
    assert journey.withdraw(workspace, claim.id, by="Ada", why="true", at=AT).state is ClaimState.WITHDRAWN
    assert journey.open_file(workspace, claim.id).money == "free"


def test_shares_that_exceed_the_whole_are_not_decided(workspace: Workspace, heard_three: dict[str, Evidence]) -> None:
    set_rule(workspace, "Cara", UseType.VOICE, Action.SHARE)
    claims = journey.propose(workspace, upload([heard_three["sample"], heard_three["voice"]]), at=AT).claims
    (ada,) = [claim for claim in claims if claim.party_id == "pty_ada"]
    more = {"by": "Ada", "why": "mine", "at": AT, "action": Action.SHARE, "side": Side.RECORDING}
    with pytest.raises(ConflictError, match="add up to 5/4"):
        journey.decide(workspace, ada.id, share=Fraction(3, 4), **more)  # type: ignore[arg-type]
    assert journey.decide(workspace, ada.id, share=HALF, **more).state is ClaimState.CONFIRMED  # type: ignore[arg-type]


# ── obstacles ────────────────────────────────────────────────────────────────


def add_recording(workspace: Workspace, name: str, party: str, **changes: object) -> Reference:
    recording = Recording(f"rec_{name}", name, party, f"{name:0>64}", "x.wav", 60.0, 44_100, 2)
    workspace.catalogue.add(
        RecordingEntry(
            replace(recording, **changes),  # type: ignore[arg-type]
            parties=[Party(f"pty_{party}", party)],
            contributions=[Contribution(f"rec_{name}", f"pty_{party}", Role.PERFORMER)],
        )
    )
    return Reference(f"rec_{name}", name, party, None, None)


def test_a_reference_registered_after_the_upload_waits_for_a_person(
    workspace: Workspace, heard_three: dict[str, Evidence]
) -> None:
    set_rule(workspace, "Ada", UseType.RECORDING, Action.BLOCK)
    (claim,) = journey.propose(
        workspace, upload([heard_three["sample"]]), at=AT, uploaded_at=AT - timedelta(days=3)
    ).claims
    assert (claim.state, claim.obstacles) == (ClaimState.REVIEW, (Obstacle.LATE_REGISTRATION,))
    assert "after the upload it accuses" in claim.because[-1]
    with pytest.raises(ConflictError, match="late_registration"):
        journey.decide(workspace, claim.id, action=Action.BLOCK, by="Ada", why="mine", at=AT)
    with pytest.raises(ConflictError, match="cannot resolve"):
        journey.resolve(workspace, claim.id, by="Ada", why="believe me", at=AT)
    resolved = journey.resolve(workspace, claim.id, by="trust & safety", why="released in 1987", at=AT)
    assert (resolved.state, resolved.action, resolved.obstacles) == (ClaimState.CONFIRMED, Action.BLOCK, ())
    assert [s.command for s in journey.open_file(workspace, claim.id).history][-2:] == ["resolve", "decide"]


def test_a_reference_made_by_a_machine_waits_for_a_person(
    workspace: Workspace, heard_three: dict[str, Evidence]
) -> None:
    made = add_recording(workspace, "robot", "Rob", contains_ai=AiDisclosure.PARTLY)
    (claim,) = journey.propose(workspace, upload([replace(heard_three["sample"], reference=made)]), at=AT).claims
    assert (claim.state, claim.obstacles) == (ClaimState.REVIEW, (Obstacle.AI_REFERENCE,))


def test_one_sound_registered_by_two_stops_both_even_the_one_that_was_confirmed(
    workspace: Workspace, heard_three: dict[str, Evidence]
) -> None:
    set_rule(workspace, "Ada", UseType.RECORDING, Action.BLOCK)
    (first,) = journey.propose(workspace, upload([heard_three["sample"]]), at=AT).claims
    assert first.state is ClaimState.CONFIRMED
    twin = replace(heard_three["sample"], reference=add_recording(workspace, "twin", "Thief"))
    (second,) = journey.propose(workspace, upload([twin]), at=AT).claims
    first = workspace.claims.get(first.id).claim
    assert first.obstacles == second.obstacles == (Obstacle.OVERLAPPING_REFERENCES,)
    assert (first.state, second.state) == (ClaimState.REVIEW, ClaimState.REVIEW)
    journey.resolve(workspace, first.id, by="trust & safety", why="Ada's is from 1987", at=AT)
    journey.propose(workspace, upload([twin, heard_three["sample"]]), at=AT)
    assert workspace.claims.get(first.id).claim.state is ClaimState.CONFIRMED


def test_a_flood_is_slowed_and_flagged_and_ebbs(
    workspace: Workspace, heard_three: dict[str, Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linernotes.rights.claims._FLOOD_CLAIMS_MIN", 3)
    set_rule(workspace, "Ada", UseType.RECORDING, Action.BLOCK)
    claims = [
        claim
        for number in range(5)
        for claim in journey.propose(workspace, upload([heard_three["sample"]], number=number), at=AT).claims
    ]
    assert [claim.state.value for claim in claims] == ["confirmed"] * 3 + ["proposed"] * 2
    assert claims[3].obstacles == (Obstacle.FLOOD,)
    assert "more than 3 claims of this party within a day" in claims[3].because[-1]
    with pytest.raises(ConflictError, match="resolves flood"):
        journey.decide(workspace, claims[3].id, action=Action.BLOCK, by="Ada", why="now", at=AT)
    assert journey.settle(workspace, at=AT + timedelta(hours=23)) == []
    settled = journey.settle(workspace, at=AT + timedelta(hours=25))
    assert [(c.id, c.state) for c in settled] == [
        (c.id, ClaimState.CONFIRMED) for c in sorted(claims[3:], key=lambda c: c.id)
    ]


def test_a_flood_that_goes_on_does_not_ebb(
    workspace: Workspace, heard_three: dict[str, Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linernotes.rights.claims._FLOOD_CLAIMS_MIN", 1)
    for number, hours in enumerate((0, 0, 24, 24, 24)):
        at = AT + timedelta(hours=hours)
        journey.propose(workspace, upload([heard_three["sample"]], number=number), at=at)
    assert journey.settle(workspace, at=AT + timedelta(hours=25)) == []


# ── liner notes from elsewhere ───────────────────────────────────────────────

LINE: dict[str, Any] = {
    "query": {"path": "up.wav", "sha256": "ab" * 32},
    "evidence": [
        {
            "kind": "voice",
            "reference": {"id": "voi_cara", "title": "Cara", "artist": "Cara", "isrc": None, "iswc": None},
            "query_start_s": 0,
            "query_stop_s": 30.5,
            "reference_start_s": 0,
            "reference_stop_s": 30.5,
            "score": 0.9,
            "probability": 0.97,
            "transform": None,
            "explanation": "a voice",
        }
    ],
}


def proposed_from(workspace: Workspace, tmp_path: Path, *lines: object) -> list[journey.Proposed]:
    notes = tmp_path / "notes.jsonl"
    notes.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return list(journey.propose_from(workspace, notes, at=AT))


def changed(**changes: object) -> dict[str, Any]:
    return LINE | {"evidence": [LINE["evidence"][0] | changes]}


def test_notes_are_read_whoever_wrote_them(workspace: Workspace, tmp_path: Path) -> None:
    (proposed,) = proposed_from(workspace, tmp_path, LINE)
    assert [(c.party_id, c.use_type, c.evidence.query_stop_s) for c in proposed.claims] == [
        ("pty_cara", UseType.VOICE, 30.5)
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{not json\n", "not a line of liner notes"),
        ("[" * 100_000 + "\n", "not a line of liner notes"),
        ({"query": {"path": "x", "sha256": None}, "evidence": []}, "no upload that could be read"),
        ({"query": {"path": "x", "sha256": "AB" * 32}, "evidence": []}, "no upload that could be read"),
        (changed(kind="groove"), "groove"),
        (changed(probability=1.5), "1.5 is not a probability"),
        (changed(query_stop_s=0), "before it begins"),
        (changed(score="high"), "'high' is not a number"),
        (changed(reference={"id": "x"}), "'title' is missing"),
        (json.dumps(changed()).replace("0.97", "NaN") + "\n", "not a line"),
    ],
)
def test_a_bad_line_is_a_problem_and_the_rest_goes_on(
    workspace: Workspace, tmp_path: Path, line: object, fault: str
) -> None:
    bad, good = proposed_from(workspace, tmp_path, line, LINE)
    assert [fault in problem.message for problem in bad.problems] == [True]
    assert (bad.claims, len(good.claims)) == ((), 1) if not bad.sha256 else ([], 1)


def test_a_file_that_is_no_text_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "notes.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="not UTF-8"):
        list(journey.propose_from(workspace, tmp_path / "notes.jsonl", at=AT))
    with pytest.raises(FormatError, match="cannot be read"):
        list(journey.propose_from(workspace, tmp_path / "nothing.jsonl", at=AT))


def test_claims_stand_in_the_liner_notes_of_an_upload(workspace: Workspace, heard_three: dict[str, Evidence]) -> None:
    (claim,) = journey.propose(workspace, upload([heard_three["sample"]]), at=AT).claims
    assert journey.claims_of(workspace, [claim.upload_sha256, "x"]) == {claim.upload_sha256: [claim], "x": []}


def test_a_problem_is_told_with_its_place(workspace: Workspace, tmp_path: Path) -> None:
    (proposed,) = proposed_from(workspace, tmp_path, "null\n")
    assert proposed.problems == [
        Problem(
            "format",
            f"{tmp_path}/notes.jsonl:1: not a line of liner notes, as trace --json writes them",
            f"{tmp_path}/notes.jsonl:1",
        )
    ]
