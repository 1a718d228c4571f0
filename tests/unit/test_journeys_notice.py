"""From a decision to notices and what becomes of them; the same on SQLite and PostgreSQL."""

import json
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from linernotes.errors import ConflictError, FormatError, InvariantError, NotFoundError, ParameterError
from linernotes.journeys import notice as journey
from linernotes.journeys import platforms
from linernotes.journeys.keys import key, key_path, make_key, put_key
from linernotes.journeys.notice import (
    Contact,
    CounterNotice,
    Ground,
    Issued,
    NoticeVerb,
    ReasonedDecision,
    Regime,
    Restriction,
    Statements,
    Wishes,
)
from linernotes.journeys.papers import content_of, notice_of
from linernotes.rights import claims as claim_rules
from linernotes.store.database import writing
from linernotes.workspace import Workspace

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = AT.date()
SHA = "ab" * 32
CONTACT = Contact("Ada Łukasz", "Example Street 1", "+49 30 1", "ada@example.org")
SAID = Statements("/s/ Ada", True, True, True)  # noqa: FBT003
WISHES = Wishes(CONTACT, SAID, explanation="It is ours.")
ALL = ("clm_sample", "clm_version", "clm_voice")


def add(workspace: Workspace, name: str, *urls: str, **options: Any) -> str:
    told = {"agent": f"Agent of {name}", "regime": "dmca", "country": "US"} | options
    entry = platforms.add_platform(workspace, name, **told)
    for url in urls:
        platforms.locate(workspace, SHA, name, url, at=AT)
    return entry.id


def issue(workspace: Workspace, *claims: str, **changes: Any) -> Issued:
    wishes = replace(WISHES, **changes)
    return journey.issue(workspace, claims or ("clm_sample",), wishes, actor="Ada", why="no", at=AT)


def one(workspace: Workspace, regime: str = "dmca", **options: Any) -> str:
    add(workspace, "Streamhaus", "https://streamhaus.example/1", regime=regime, **options)
    return issue(workspace).notices[0].id


def test_one_decision_goes_everywhere_the_upload_is_known_to_be(decided: Workspace) -> None:
    add(decided, "Streamhaus", "https://streamhaus.example/1", "https://streamhaus.example/2")
    add(decided, "Klangwerk", "https://klangwerk.example/x", regime="dsa", country="DE")
    add(decided, "Elsewhere")
    issued = issue(decided, *ALL)
    about = {(n.platform.name, n.regime.value): sorted(use.claim_id for use in n.uses) for n in issued.notices}
    assert about == {
        ("Streamhaus", "dmca"): ["clm_sample", "clm_version"],
        ("Streamhaus", "voice"): ["clm_voice"],  # a voice is no copyright
        ("Klangwerk", "dsa"): list(ALL),
    }
    assert {tuple(n.locations) for n in issued.notices if n.platform.name == "Streamhaus"} == {
        ("https://streamhaus.example/1", "https://streamhaus.example/2")
    }
    for folder in issued.folders:
        assert (folder / "notice.pdf").read_bytes().startswith(b"%PDF")
        assert "SHA-256" in (folder / "notice.txt").read_text(encoding="utf-8")
        assert json.loads((folder / "notice.json").read_text(encoding="utf-8"))["upload_sha256"] == SHA
    assert decided.claims.verify()[2] == []


def test_the_same_decision_twice_is_one_notice(decided: Workspace) -> None:
    notice_id = one(decided)
    again = issue(decided)
    assert (again.notices, again.already) == ([], [notice_id])
    platforms.locate(decided, SHA, "Streamhaus", "https://streamhaus.example/again", at=AT)
    assert len(issue(decided).notices) == 1  # another address is another notice


def test_two_who_issue_at_once_issue_once(decided: Workspace) -> None:
    add(decided, "Streamhaus", "https://streamhaus.example/1", webhook_url="https://streamhaus.example/hook")
    results: list[Issued] = []
    threads = [threading.Thread(target=lambda: results.append(issue(decided))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(result.notices) for result in results) == [0, 0, 0, 1]
    assert len(decided.notices.deliveries()) == 1


def test_nothing_is_issued_unless_everything_can_be(decided: Workspace) -> None:
    add(decided, "Streamhaus", "https://streamhaus.example/1")
    add(decided, "Klangwerk", "https://klangwerk.example/x", regime="dsa", country="DE")
    with pytest.raises(ParameterError, match=r"Klangwerk not issued, it lacks \(a\)"):
        issue(decided, explanation="")
    with pytest.raises(ParameterError, match=r"Streamhaus not issued, it lacks \(v\)"):
        issue(decided, statements=replace(SAID, good_faith=False), platform="Streamhaus")
    assert (decided.notices.all(), decided.notices.deliveries()) == ([], [])
    assert not (decided.folder / "outbox").exists()


def test_a_notice_needs_a_decision_to_block(decided: Workspace) -> None:
    add(decided, "Streamhaus", "https://streamhaus.example/1")
    seen = decided.claims.get("clm_sample")
    decided.claims.advance(seen, lambda c: claim_rules.dispute(c, actor="Bo", why="licensed", at=AT))
    with pytest.raises(ConflictError, match="clm_sample is disputed") as caught:
        issue(decided)
    assert caught.value.code == "not_decided"
    assert issue(decided, "clm_version").notices


def test_a_claim_disputed_in_between_stops_the_notice(decided: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    add(decided, "Streamhaus", "https://streamhaus.example/1")

    def too_late(claims: object) -> None:
        seen = decided.claims.get("clm_sample")
        decided.claims.advance(seen, lambda c: claim_rules.dispute(c, actor="Bo", why="licensed", at=AT))

    monkeypatch.setattr(journey, "require_decided", too_late)
    with pytest.raises(ConflictError, match="is disputed by now: no notice was issued"):
        issue(decided)
    assert decided.notices.all() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"urls": ("https://x.example/1",)}, "--url goes with --platform"),
        ({"platform": "Streamhaus", "urls": ("javascript:alert(1)",)}, "not the address of an upload"),
        ({"platform": "Streamhaus", "urls": ("https://x.example/a b",)}, "not the address of an upload"),
        (
            {"platform": "Streamhaus", "regime": Regime.VOICE, "urls": ("https://x.example/1",)},
            "about an imitated voice",
        ),
        ({}, "not known where upload"),
    ],
)
def test_what_does_not_fit_is_said(decided: Workspace, changes: dict[str, Any], message: str) -> None:
    add(decided, "Streamhaus")
    with pytest.raises(ParameterError, match=message):
        issue(decided, **changes)


def test_claims_on_several_uploads_need_several_notices(decided: Workspace) -> None:
    with pytest.raises(NotFoundError, match="nope"):
        issue(decided, "clm_sample", "nope")


def test_a_draft_names_what_is_missing_and_issues_nothing(decided: Workspace) -> None:
    add(decided, "Streamhaus", "https://streamhaus.example/1")
    (draft,) = journey.drafts(decided, ["clm_sample"], Wishes(Contact(), Statements()), today=DAY)
    assert all(f"({key})" in draft for key in ("i", "iv", "v", "vi"))
    assert "DRAFT" in draft
    assert decided.notices.all() == []


def test_a_notice_reads_back_as_it_was_issued_and_a_change_is_found(decided: Workspace) -> None:
    notice_id = one(decided)
    stored = decided.notices.get(notice_id)
    assert content_of(notice_of(stored.content)) == stored.content
    with writing(decided.notices._engine) as connection:
        changed = stored.content.replace("It is ours.", "It is not.")
        connection.execute(text("UPDATE notices SET content = :c"), {"c": changed})
    with pytest.raises(InvariantError, match="not what the chain says"):
        decided.notices.get(notice_id)
    assert [problem.code for problem in decided.notices.verify()] == ["notice_changed"]


def test_a_state_that_the_chain_does_not_know_is_found(decided: Workspace) -> None:
    notice_id = one(decided)
    step(decided, notice_id, "remove")
    assert decided.notices.verify() == []
    with writing(decided.notices._engine) as connection:
        connection.execute(text("UPDATE notices SET state = 'withdrawn'"))
    assert [problem.where for problem in decided.notices.verify()] == [f"notice {notice_id}"]


# ── what becomes of it ───────────────────────────────────────────────────────


def step(workspace: Workspace, notice_id: str, verb: str, on: date = DAY) -> str:
    return journey.step(workspace, notice_id, NoticeVerb(verb), on=on, actor="Streamhaus", why="so", at=AT).value


def counter(workspace: Workspace, notice_id: str, **changes: Any) -> tuple[Any, Path]:
    said = CounterNotice(notice_id, CONTACT, "/s/ Bo", True, True, True)  # noqa: FBT003
    return journey.counter(workspace, replace(said, **changes), received_on=date(2026, 11, 16), actor="Bo", at=AT)


def test_a_counter_notice_starts_the_clock_and_the_clock_is_kept(decided: Workspace) -> None:
    notice_id = one(decided)
    assert step(decided, notice_id, "remove") == "removed"
    assert decided.platforms.where(SHA) == []  # it is gone from there
    clock, folder = counter(decided, notice_id)
    assert (clock.earliest, clock.latest) == (date(2026, 12, 1), date(2026, 12, 7))
    assert "/s/ Bo" in (folder / "counter-notice.txt").read_text(encoding="utf-8")
    stored = decided.notices.get(notice_id)
    assert (stored.state, stored.restore_from, stored.restore_by) == ("countered", clock.earliest, clock.latest)
    with pytest.raises(ConflictError, match="restored too early"):
        step(decided, notice_id, "restore", date(2026, 11, 30))
    assert step(decided, notice_id, "restore", date(2026, 12, 1)) == "restored"
    assert [place.url for place in decided.platforms.where(SHA)] == ["https://streamhaus.example/1"]
    assert [row.kind for row in decided.notices.history(notice_id)] == [
        "notice.issued",
        "notice.removed",
        "notice.countered",
        "notice.restored",
    ]
    assert decided.claims.verify()[2] == []
    assert len(issue(decided).notices) == 1  # the first is over: a new decision is a new notice


def test_a_suit_keeps_it_down(decided: Workspace) -> None:
    notice_id = one(decided)
    step(decided, notice_id, "remove")
    counter(decided, notice_id)
    assert step(decided, notice_id, "sue", date(2026, 11, 20)) == "sued"


@pytest.mark.parametrize("change", [{"signature": ""}, {"accepts_service": False}, {"contact": Contact()}])
def test_a_counter_notice_that_lacks_something_moves_nothing(decided: Workspace, change: dict[str, Any]) -> None:
    notice_id = one(decided)
    step(decided, notice_id, "remove")
    with pytest.raises(ParameterError, match="lacks"):
        counter(decided, notice_id, **change)
    assert decided.notices.get(notice_id).state == "removed"
    with pytest.raises(ParameterError, match="claims counter-notice"):
        step(decided, notice_id, "counter")


def test_two_steps_at_once_are_one(decided: Workspace) -> None:
    notice_id = one(decided)
    stored = decided.notices.get(notice_id)
    step(decided, notice_id, "remove")
    with pytest.raises(ConflictError, match="somebody else was faster"):
        decided.notices.step(stored.id, before=stored.state, after="refused", payload={}, actor="x", why="y", at=AT)


def test_a_european_platform_receipts_decides_and_hears_complaints(decided: Workspace) -> None:
    notice_id = one(decided, "dsa", country="DE")
    folder = journey.receive(decided, notice_id, on=DAY, automated=True, actor="Streamhaus", at=AT)
    assert "Automated means are used" in (folder / "receipt.txt").read_text(encoding="utf-8")
    decision = ReasonedDecision(
        notice_id=notice_id,
        restriction=Restriction.DISABLED,
        territory="European Union",
        duration="without end",
        facts="10 s of the recording.",
        ground=Ground.LAW,
        ground_reference="§ 85 UrhG",
        explanation="A copy without permission.",
        automated_detection=True,
        automated_decision=False,
        complain_to="complaints@streamhaus.example",
        settlement_body="User Rights",
        decided_on=date(2026, 8, 31),
    )
    with pytest.raises(ParameterError, match=r"lacks \(c\)"):
        journey.answer(decided, replace(decision, automated_decision=None), actor="Streamhaus", at=AT)
    assert journey.answer(decided, decision, actor="Streamhaus", at=AT) == folder
    assert (folder / "decision.pdf").read_bytes().startswith(b"%PDF")
    stored = decided.notices.get(notice_id)
    assert (stored.state, stored.complaint_until) == ("removed", date(2027, 3, 1))
    with pytest.raises(ConflictError, match="open until 2027-03-01"):
        step(decided, notice_id, "complain", date(2027, 3, 2))
    assert step(decided, notice_id, "complain", date(2027, 3, 1)) == "complained"
    assert step(decided, notice_id, "restore", date(2027, 3, 9)) == "restored"


def test_every_step_says_why(decided: Workspace) -> None:
    notice_id = one(decided)
    with pytest.raises(ParameterError, match="--why"):
        journey.step(decided, notice_id, NoticeVerb.REMOVE, on=DAY, actor="x", why=" ", at=AT)


def test_the_file_of_a_notice_says_that_a_claim_has_moved_on(decided: Workspace) -> None:
    notice_id = one(decided)
    seen = decided.claims.get("clm_sample")
    decided.claims.advance(seen, lambda c: claim_rules.dispute(c, actor="Bo", why="licensed", at=AT))
    file = journey.open_file(decided, notice_id)
    assert file.claim_states == {"clm_sample": "disputed"}
    assert "withdraw" in file.can_follow


# ── platforms, places, keys ──────────────────────────────────────────────────


def test_a_platform_is_configured_anew_under_its_name(decided: Workspace) -> None:
    first = add(decided, "Streamhaus")
    assert add(decided, "Streamhaus", regime="dsa", country="de") == first
    assert [(e.regime, e.country) for e in decided.platforms.all()] == [("dsa", "DE")]
    with pytest.raises(NotFoundError, match="no platform 'Nowhere'"):
        decided.platforms.get("Nowhere")


@pytest.mark.parametrize(
    "options",
    [{"regime": "law"}, {"country": "XX"}, {"agent": " "}, {"webhook_url": "http://10.0.0.1/"}, {"webhook_url": "x"}],
)
def test_a_platform_that_cannot_be_is_refused(decided: Workspace, options: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        add(decided, "Streamhaus", **options)


def test_an_address_belongs_to_one_upload_at_a_time(decided: Workspace) -> None:
    add(decided, "Streamhaus", "https://streamhaus.example/1")
    assert not platforms.locate(decided, SHA.upper(), "Streamhaus", "https://streamhaus.example/1", at=AT)
    with pytest.raises(ConflictError, match="known as upload"):
        platforms.locate(decided, "cd" * 32, "Streamhaus", "https://streamhaus.example/1", at=AT)
    with pytest.raises(ParameterError, match="not a SHA-256"):
        platforms.locate(decided, "abc", "Streamhaus", "https://streamhaus.example/1", at=AT)


def test_keys_are_made_once_and_readable_by_their_owner_alone(decided: Workspace) -> None:
    made = make_key(decided, "one")
    assert (make_key(decided, "one"), len(made)) == (made, 32)
    assert key_path(decided, "one").stat().st_mode & 0o077 == 0
    with pytest.raises(NotFoundError, match="not there"):
        key(decided, "two")
    with pytest.raises(ConflictError, match="another key is there"):
        put_key(decided, "one", "00" * 32)


@pytest.mark.parametrize("content", ["", "zz", "ab" * 8])
def test_a_file_that_is_no_key_is_refused(decided: Workspace, content: str) -> None:
    path = key_path(decided, "bad")
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(FormatError, match="key"):
        key(decided, "bad")
