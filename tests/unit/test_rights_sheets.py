from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from linernotes.errors import ConflictError, InvariantError, NotFoundError, ParameterError
from linernotes.formats.letters import plain_text
from linernotes.model import RightType, Role
from linernotes.rights import sheets
from linernotes.rights.links import Link, read_link, require_current, sign_link
from linernotes.rights.sheet_letters import sheet_letter
from linernotes.rights.sheets import Sheet, SheetLine, SheetState, SheetStep

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = date(2026, 12, 1)
KEY = b"k" * 32
NAMES = {"ada": "Ada", "bo": "Bo", "owl": "Night Owl", "cy": "Cy"}


def lines(**parts: str) -> list[SheetLine]:
    return [SheetLine(p, Role.WRITER, RightType.PERFORMANCE, Fraction(part)) for p, part in parts.items()]


def opened(holders: tuple[str, ...] = (), /, **parts: str) -> list[SheetStep]:
    told = lines(**(parts or {"ada": "1/2", "bo": "1/2"}))
    return [
        sheets.propose(
            sheet_id="sht_1",
            subject_id="wrk_1",
            lines=told,
            begins_on=DAY,
            party_id="ada",
            at=AT,
            way="command",
            holders=holders,
        )
    ]


def accepted(steps: list[SheetStep], party: str) -> Sheet:
    sheet = sheets.replay(steps)
    step = sheets.accept(sheet, party_id=party, version=sheet.version, at=AT, way="link")
    assert step is not None
    steps.append(step)
    return sheets.replay(steps)


def test_a_sheet_is_provisional_until_everybody_has_accepted() -> None:
    steps = opened(ada="1/3", bo="1/3", owl="1/3")
    sheet = sheets.replay(steps)
    assert (sheet.state, sheet.accepted, sheet.waiting_for) == (
        SheetState.PROVISIONAL,
        frozenset({"ada"}),
        ["bo", "owl"],
    )
    assert sheets.is_provisional(sheet)
    with pytest.raises(ConflictError, match="waiting for bo, owl"):
        sheets.shares(sheet)
    assert sheets.is_provisional(accepted(steps, "owl"))
    agreed = accepted(steps, "bo")
    assert agreed.state is SheetState.AGREED
    assert [(s.party_id, s.fraction, s.valid_from) for s in sheets.shares(agreed)] == [
        (party, Fraction(1, 3), DAY) for party in ("ada", "bo", "owl")
    ]


def test_a_counter_voids_what_was_accepted_before() -> None:
    steps = opened(ada="1/3", bo="1/3", owl="1/3")
    accepted(steps, "owl")
    sheet = sheets.replay(steps)
    told = lines(ada="1/2", bo="1/4", owl="1/4")
    steps.append(sheets.counter(sheet, party_id="bo", version=1, lines=told, at=AT, way="command"))
    sheet = sheets.replay(steps)
    assert (sheet.version, sheet.proposed_by, sheet.accepted) == (2, "bo", frozenset({"bo"}))
    with pytest.raises(ConflictError, match="at version 2, not 1") as caught:
        sheets.accept(sheet, party_id="owl", version=1, at=AT, way="link")
    assert caught.value.code == "sheet_changed"


def test_nobody_is_left_out_by_being_left_off() -> None:
    steps = opened(("cy",), ada="1/2", bo="1/2")
    assert sheets.replay(steps).concerned == {"ada", "bo", "cy"}
    told = lines(bo="1")
    steps.append(sheets.counter(sheets.replay(steps), party_id="bo", version=1, lines=told, at=AT, way="command"))
    sheet = accepted(steps, "cy")
    assert sheet.waiting_for == ["ada"]  # no longer on it, and asked all the same
    text = plain_text(sheet_letter(sheet, subject="A work", names=NAMES))
    assert "with no share in this version: Ada, Cy" in text


def test_withdrawing_ends_the_sheet_or_takes_back_one_word() -> None:
    steps = opened(ada="1/3", bo="1/3", owl="1/3")
    accepted(steps, "bo")
    back = sheets.withdraw(sheets.replay(steps), party_id="bo", version=1, at=AT, way="command")
    assert sheets.replay([*steps, back]).accepted == {"ada"}
    with pytest.raises(ConflictError, match="nothing to take back"):
        sheets.withdraw(sheets.replay(steps), party_id="owl", version=1, at=AT, way="command")
    steps.append(sheets.withdraw(sheets.replay(steps), party_id="ada", version=1, at=AT, way="command"))
    ended = sheets.replay(steps)
    assert (ended.state, sheets.is_provisional(ended)) == (SheetState.WITHDRAWN, False)
    with pytest.raises(ConflictError, match="withdrawn") as caught:
        sheets.accept(ended, party_id="bo", version=1, at=AT, way="link")
    assert caught.value.code == "sheet_closed"


def test_accepting_twice_is_accepting_once() -> None:
    steps = opened()
    sheet = sheets.replay(steps)
    assert sheets.accept(sheet, party_id="ada", version=1, at=AT, way="command") is None
    agreed = accepted(steps, "bo")
    assert sheets.accept(agreed, party_id="bo", version=1, at=AT, way="link") is None


def test_who_is_not_concerned_has_no_say() -> None:
    sheet = sheets.replay(opened())
    for act in (sheets.accept, sheets.withdraw):
        with pytest.raises(NotFoundError, match="cy is not on sheet"):
            act(sheet, party_id="cy", version=1, at=AT, way="command")
    with pytest.raises(NotFoundError):
        sheets.counter(sheet, party_id="cy", version=1, lines=lines(cy="1"), at=AT, way="command")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"ada": "1/2", "bo": "1/3"}, "add up to 5/6, not 1: 1/6 is missing"),
        ({"ada": "1/2", "bo": "5001/10000"}, "add up to 10001/10000, not 1: 1/10000 too much"),
        ({"ada": "0", "bo": "1"}, "ada: 0 is not a share"),
        ({"ada": "-1/2", "bo": "1"}, "is not a share"),
        ({"ada": "3/2"}, "is not a share"),
    ],
)
def test_shares_that_do_not_add_up_are_refused(parts: dict[str, str], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        opened((), **parts)


def test_a_sheet_needs_lines_and_each_once() -> None:
    said = {"sheet_id": "s", "subject_id": "w", "begins_on": DAY, "party_id": "ada", "at": AT, "way": "command"}
    with pytest.raises(ParameterError, match="0 lines"):
        sheets.propose(lines=[], **said)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="two shares"):
        sheets.propose(lines=[*lines(ada="1/2"), *lines(ada="1/2")], **said)  # type: ignore[arg-type]


def test_a_counter_that_changes_nothing_is_an_acceptance() -> None:
    sheet = sheets.replay(opened())
    with pytest.raises(ConflictError, match="accept it instead"):
        sheets.counter(sheet, party_id="bo", version=1, lines=sheet.lines, at=AT, way="command")


def test_steps_that_do_not_follow_are_a_broken_promise() -> None:
    steps = opened()
    with pytest.raises(InvariantError):
        sheets.replay([])
    with pytest.raises(InvariantError):
        sheets.replay([*steps, *steps])
    late = sheets.accept(sheets.replay(steps), party_id="bo", version=1, at=AT, way="link")
    assert late is not None
    with pytest.raises(InvariantError):
        sheets.replay([late])
    with pytest.raises(InvariantError):
        sheets.replay([*steps, late, late])


def test_the_letter_shows_the_alias_and_never_who_is_behind_it() -> None:
    steps = opened(ada="2/3", owl="1/3")
    text = plain_text(sheet_letter(accepted(steps, "owl"), subject="A work", names=NAMES))
    assert "Night Owl" in text
    assert "1/3 (about 33.33 %)" in text
    assert "Agreed by all" in text


# ── links ────────────────────────────────────────────────────────────────────


def token(sheet: Sheet, *, party: str = "bo", days: int = 7) -> str:
    said = Link(sheet.id, sheet.version, sheets.terms_sha256(sheet), party, AT + timedelta(days=days))
    return sign_link(said, key=KEY)


def test_a_link_says_what_it_was_made_for() -> None:
    sheet = sheets.replay(opened())
    said = read_link(token(sheet), key=KEY, at=AT)
    assert (said.sheet_id, said.version, said.party_id) == ("sht_1", 1, "bo")
    require_current(said, version=1, terms=sheets.terms_sha256(sheet))


def test_a_link_altered_in_any_character_is_refused() -> None:
    text = token(sheets.replay(opened()))
    for place in range(len(text)):
        other = "A" if text[place] != "A" else "B"
        with pytest.raises(ParameterError) as caught:
            read_link(text[:place] + other + text[place + 1 :], key=KEY, at=AT)
        assert caught.value.code == "link_invalid"


@pytest.mark.parametrize("text", ["", "ln1", "ln1..", "ln1.e30.", "x" * 5000, "ln1.é.é", "ln2.e30.AAAA", "\x00"])
def test_what_is_no_link_is_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        read_link(text, key=KEY, at=AT)


def test_a_link_signed_with_another_key_is_refused() -> None:
    with pytest.raises(ParameterError):
        read_link(token(sheets.replay(opened())), key=b"o" * 32, at=AT)
    with pytest.raises(ParameterError, match="at least 32"):
        read_link(token(sheets.replay(opened())), key=b"short", at=AT)


def test_a_link_expires_to_the_second() -> None:
    text = token(sheets.replay(opened()), days=1)
    read_link(text, key=KEY, at=AT + timedelta(days=1) - timedelta(seconds=1))
    with pytest.raises(ConflictError, match="expired on 2026-11-23 at 12:00 UTC") as caught:
        read_link(text, key=KEY, at=AT + timedelta(days=1))
    assert caught.value.code == "link_expired"


def test_a_link_does_not_speak_for_a_later_version() -> None:
    steps = opened()
    said = read_link(token(sheets.replay(steps)), key=KEY, at=AT)
    told = lines(ada="1/4", bo="3/4")
    steps.append(sheets.counter(sheets.replay(steps), party_id="bo", version=1, lines=told, at=AT, way="command"))
    newer = sheets.replay(steps)
    with pytest.raises(ConflictError, match="for version 1, the sheet is at version 2"):
        require_current(said, version=newer.version, terms=sheets.terms_sha256(newer))
