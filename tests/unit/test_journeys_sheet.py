"""Split sheets from the proposal to the catalogue; the same on SQLite and PostgreSQL."""

import hashlib
import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import text

from linernotes.errors import ConflictError, LinernotesError, NotFoundError, ParameterError
from linernotes.formats.letters import plain_text
from linernotes.journeys import sheet as journey
from linernotes.journeys.sheet import Answerer, SheetVerb
from linernotes.model import Party, Recording, RecordingEntry, RightType, Share
from linernotes.rights.sheets import Sheet, SheetState
from linernotes.store.database import writing
from linernotes.store.sheets import _enter_shares
from linernotes.workspace import Workspace

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = date(2026, 12, 1)
WORK = "wrk_bird"  # Bea has all of its mechanical right in the catalogue


def propose(workspace: Workspace, *texts: str, by: str = "Bea", subject: str = WORK, **options: Any) -> Sheet:
    lines = journey.lines_of(workspace, subject, texts or ("Bea=1/2", "Bo=1/2"))
    told: dict[str, Any] = {"party_id": workspace.claims.party(by), "begins_on": DAY, "at": AT} | options
    return journey.propose(workspace, subject, lines, **told)


def respond(
    workspace: Workspace,
    sheet: Sheet,
    verb: str,
    by: str,
    *texts: str,
    version: int | None = None,
    way: str = "command",
) -> Sheet:
    who = Answerer(workspace.claims.party(by), version or sheet.version, way)
    lines = journey.lines_of(workspace, sheet.subject_id, texts)
    return journey.respond(workspace, sheet.id, SheetVerb(verb), who, at=AT, lines=lines)


def fractions(workspace: Workspace, right: RightType, day: date) -> dict[str, Fraction]:
    entry = workspace.catalogue.entry("rec_bird")
    return {
        s.party_id: s.fraction
        for s in entry.shares
        if s.right_type is right and (s.valid_from or day) <= day and (s.valid_to is None or day < s.valid_to)
    }


def test_shares_are_provisional_until_all_accept_and_then_in_the_catalogue(decided: Workspace) -> None:
    sheet = propose(decided)
    assert sheet.waiting_for == ["pty_bo"]
    assert decided.sheets.is_provisional(WORK)
    assert decided.sheets.provisional() == {WORK}
    before = fractions(decided, RightType.MECHANICAL, DAY)
    agreed = respond(decided, sheet, "accept", "Bo")
    assert agreed.state is SheetState.AGREED
    assert not decided.sheets.is_provisional(WORK)
    half = {"pty_bea": Fraction(1, 2), "pty_bo": Fraction(1, 2)}
    for right in (RightType.MECHANICAL, RightType.PERFORMANCE, RightType.SYNCHRONISATION):
        assert fractions(decided, right, DAY) == half
    # What was true the day before stays answerable.
    assert fractions(decided, RightType.MECHANICAL, DAY - timedelta(1)) == before == {"pty_bea": Fraction(1)}


def test_the_agreed_sheet_is_sealed_with_its_pdf(decided: Workspace) -> None:
    sheet = propose(decided)
    assert decided.sheets.seal(sheet.id) is None
    respond(decided, sheet, "accept", "Bo")
    seal = decided.sheets.seal(sheet.id)
    assert seal is not None
    paper = (journey.folder_of(decided, sheet.id) / "split-sheet.pdf").read_bytes()
    assert seal.content["pdf_sha256"] == hashlib.sha256(paper).hexdigest()
    assert seal.content["agreed_by"] == ["pty_bea", "pty_bo"]
    assert decided.sheets.verify() == []
    with writing(decided.sheets._engine) as connection:
        connection.execute(text("UPDATE sheets SET state = 'provisional'"))
    assert [problem.where for problem in decided.sheets.verify()] == [f"sheet {sheet.id}"]
    assert "Agreed by all" in (journey.folder_of(decided, sheet.id) / "split-sheet.txt").read_text(encoding="utf-8")
    assert decided.claims.verify()[2] == []


def test_who_has_a_share_in_the_catalogue_must_agree_too(decided: Workspace) -> None:
    sheet = propose(decided, "Bo=1", by="Bo")
    assert sheet.waiting_for == ["pty_bea"]  # not on the sheet, but a holder
    assert respond(decided, sheet, "accept", "Bea").state is SheetState.AGREED
    assert fractions(decided, RightType.MECHANICAL, DAY) == {"pty_bo": Fraction(1)}


def test_a_holder_who_came_in_meanwhile_is_not_passed_over(decided: Workspace) -> None:
    sheet = propose(decided, "Bea=1/2", "Bo=1/2")
    recording = Recording("rec_new", "New", "Zed", "0" * 64, "/new.mp3", 9.0, 44_100, 2, work_id=None)
    share = Share(WORK, "pty_zed", RightType.PERFORMANCE, Fraction(1, 4), valid_from=date(2026, 1, 1))
    decided.catalogue.add(RecordingEntry(recording, parties=[Party("pty_zed", "Zed")]))
    enter(decided, [share])
    with pytest.raises(ConflictError, match="pty_zed came to hold a share") as caught:
        respond(decided, sheet, "accept", "Bo")
    assert caught.value.code == "holder_left_out"
    assert decided.sheets.is_provisional(WORK)
    assert journey.show(decided, sheet.id).sheet.waiting_for == ["pty_bo"]  # nothing of it was kept


def enter(workspace: Workspace, shares: Sequence[Share]) -> None:
    with writing(workspace.sheets._engine) as connection:
        _enter_shares(connection, shares)


def test_shares_that_begin_later_in_the_catalogue_stop_the_sheet(decided: Workspace) -> None:
    sheet = propose(decided)
    later = Share(WORK, "pty_bea", RightType.MECHANICAL, Fraction(1), valid_from=DAY + timedelta(30))
    enter(decided, [later])
    with pytest.raises(ConflictError, match="choose a later day"):
        respond(decided, sheet, "accept", "Bo")


def test_a_right_divided_by_other_territories_is_not_overlapped(decided: Workspace) -> None:
    with pytest.raises(ConflictError, match="divides mechanical by territory"):
        propose(decided, territory="DE")


def test_a_counter_asks_everybody_anew(decided: Workspace) -> None:
    sheet = propose(decided)
    countered = respond(decided, sheet, "counter", "Bo", "Bea=1/4", "Bo=3/4")
    assert (countered.version, countered.waiting_for) == (2, ["pty_bea"])
    assert decided.sheets.verify() == []
    with pytest.raises(ConflictError, match="at version 2, not 1"):
        respond(decided, sheet, "accept", "Bea", version=1)
    assert respond(decided, countered, "accept", "Bea").state is SheetState.AGREED
    assert fractions(decided, RightType.PERFORMANCE, DAY)["pty_bo"] == Fraction(3, 4)


def test_one_open_sheet_at_a_time_and_a_withdrawn_one_holds_nothing(decided: Workspace) -> None:
    sheet = propose(decided)
    with pytest.raises(ConflictError, match="waits to be agreed") as caught:
        propose(decided)
    assert caught.value.code == "open_sheet"
    assert respond(decided, sheet, "withdraw", "Bea").state is SheetState.WITHDRAWN
    assert decided.sheets.verify() == []
    assert not decided.sheets.is_provisional(WORK)
    assert propose(decided).id != sheet.id


def test_two_who_answer_at_once_are_both_heard_or_told(decided: Workspace) -> None:
    sheet = propose(decided, "Bea=1/3", "Bo=1/3", "Cara=1/3")
    outcomes: list[str] = []

    def answer(who: str) -> None:
        try:
            outcomes.append(respond(decided, sheet, "accept", who).state.value)
        except ConflictError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=answer, args=(who,)) for who in ("Bo", "Cara")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    missing = journey.show(decided, sheet.id).sheet.waiting_for
    assert len(missing) + sum(outcome in ("provisional", "agreed") for outcome in outcomes) == 2
    for party in missing:
        respond(decided, sheet, "accept", party)
    assert journey.show(decided, sheet.id).sheet.state is SheetState.AGREED
    assert len(fractions(decided, RightType.PERFORMANCE, DAY)) == 3


def test_a_ghostwriter_stands_there_under_an_alias_and_is_paid(decided: Workspace) -> None:
    alias = journey.add_alias(decided, "Night Owl", of="Cara")
    sheet = propose(decided, "Bea=1/2", "Night Owl=1/2")
    agreed = respond(decided, sheet, "accept", "Night Owl")
    text = plain_text(journey.show(decided, agreed.id).document)
    assert "Night Owl" in text
    assert "Cara" not in text
    assert fractions(decided, RightType.PERFORMANCE, DAY)[alias.id] == Fraction(1, 2)
    assert decided.sheets.payees([alias.id, "pty_bea"]) == {alias.id: "pty_cara", "pty_bea": "pty_bea"}
    told = "".join(row.payload for row in decided.sheets.steps(sheet.id))
    assert "pty_cara" not in told  # the chain does not know either


def test_an_alias_is_a_new_name_of_somebody_who_is_no_alias(decided: Workspace) -> None:
    journey.add_alias(decided, "Night Owl", of="Cara")
    for name, of, message in (
        ("Night Owl", "Bo", "already"),
        ("Bea", "Bo", "already"),
        ("X", "Night Owl", "stand for"),
    ):
        with pytest.raises(ConflictError, match=message):
            journey.add_alias(decided, name, of=of)
    with pytest.raises(ParameterError, match="needs a name"):
        journey.add_alias(decided, " ", of="Bo")


# ── links ────────────────────────────────────────────────────────────────────


def by_link(
    workspace: Workspace, token: str, *, at: datetime = AT, sheet_id: str | None = None
) -> tuple[str, Answerer]:
    return journey.answerer(workspace, sheet_id, party=None, version=None, token=token, at=at)


def test_a_link_answers_for_one_party_until_it_expires_or_the_sheet_moves(decided: Workspace) -> None:
    sheet = propose(decided)
    token = journey.link(decided, sheet.id, "Bo", days=7, at=AT)
    found, who = by_link(decided, token, at=AT + timedelta(days=6))
    assert (found, who) == (sheet.id, Answerer("pty_bo", 1, "link"))
    with pytest.raises(ConflictError, match="expired"):
        by_link(decided, token, at=AT + timedelta(days=7))
    with pytest.raises(ParameterError, match="altered"):
        by_link(decided, token[:-2] + "xx")
    with pytest.raises(ParameterError, match="not sht_other"):
        by_link(decided, token, sheet_id="sht_other")
    respond(decided, sheet, "counter", "Bo", "Bea=1/4", "Bo=3/4")
    with pytest.raises(ConflictError, match="at version 2: ask for a new link"):
        by_link(decided, token)


def test_a_link_used_twice_accepts_once(decided: Workspace) -> None:
    sheet = propose(decided)
    token = journey.link(decided, sheet.id, "Bo", days=7, at=AT)
    for _ in range(2):
        found, who = by_link(decided, token)
        assert journey.respond(decided, found, SheetVerb.ACCEPT, who, at=AT).state is SheetState.AGREED
    assert len(decided.sheets.steps(sheet.id)) == 2


def test_a_link_of_another_workspace_is_worth_nothing(decided: Workspace) -> None:
    sheet = propose(decided)
    token = journey.link(decided, sheet.id, "Bo", days=7, at=AT)
    (decided.folder / "keys" / "sheet-links.key").unlink()
    with pytest.raises(NotFoundError, match="key is not there"):
        by_link(decided, token)
    journey.link(decided, sheet.id, "Bo", days=7, at=AT)  # makes a new key
    with pytest.raises(ParameterError, match="not made here"):
        by_link(decided, token)


def test_links_are_for_those_concerned_and_for_open_sheets(decided: Workspace) -> None:
    sheet = propose(decided)
    with pytest.raises(NotFoundError, match="Ada is not on sheet"):
        journey.link(decided, sheet.id, "Ada", days=7, at=AT)
    with pytest.raises(ParameterError, match="1 to 365"):
        journey.link(decided, sheet.id, "Bo", days=0, at=AT)
    respond(decided, sheet, "accept", "Bo")
    with pytest.raises(ConflictError, match="nothing to answer"):
        journey.link(decided, sheet.id, "Bo", days=7, at=AT)


# ── what people write ────────────────────────────────────────────────────────


def test_lines_may_name_role_and_right(decided: Workspace) -> None:
    (line,) = journey.lines_of(decided, WORK, ["Bea:publisher:performance=100%"])
    assert (line.role.value, line.right_type, line.fraction) == ("publisher", RightType.PERFORMANCE, Fraction(1))
    lines = journey.lines_of(decided, "rec_anvil", ["Ada=0.5", "Bo:producer=50 %"])
    assert [(x.role.value, x.right_type.value, x.fraction) for x in lines] == [
        ("performer", "master", Fraction(1, 2)),
        ("producer", "master", Fraction(1, 2)),
    ]


@pytest.mark.parametrize(
    "text", ["Bea", "Bea=", "Bea=x", "Bea=1/0", "Bea:boss=1", "Bea:writer:air=1", "a:b:c:d=1", "Nobody=1", "=1"]
)
def test_a_line_that_cannot_be_read_is_said(decided: Workspace, text: str) -> None:
    with pytest.raises(LinernotesError):
        journey.lines_of(decided, WORK, [text])


@pytest.mark.parametrize("texts", [("Bea=1/2", "Bo=1/3"), ("Bea=1/2", "Bo=0.5001")])
def test_shares_that_do_not_add_up_open_nothing(decided: Workspace, texts: tuple[str, ...]) -> None:
    with pytest.raises(ParameterError, match="add up to"):
        propose(decided, *texts)
    assert decided.sheets.all() == []


def test_what_is_not_there_is_said(decided: Workspace) -> None:
    with pytest.raises(NotFoundError, match="no sheet"):
        journey.show(decided, "sht_nope")
    with pytest.raises(NotFoundError, match="no work or recording"):
        propose(decided, "Bea=1", subject="wrk_nope")
    sheet = propose(decided)
    for party, version, token in ((None, 1, None), ("Bo", 1, "ln1.x.y"), ("Bo", None, None)):
        with pytest.raises(ParameterError):
            journey.answerer(decided, sheet.id, party=party, version=version, token=token, at=AT)
