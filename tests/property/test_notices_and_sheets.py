"""What is always true of notices and split sheets, whatever is done with them in whatever order."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from linernotes.errors import ConflictError, LinernotesError, NotFoundError
from linernotes.model import RightType, Role
from linernotes.rights import sheets
from linernotes.rights.business_days import business_calendar
from linernotes.rights.links import Link, read_link, sign_link
from linernotes.rights.notices import Clock, NoticeState, NoticeVerb, Regime, may_follow, next_state
from linernotes.rights.sheets import SheetLine, SheetState, SheetStep

AT = datetime(2026, 11, 22, tzinfo=UTC)
DAY = date(2026, 12, 1)
PARTIES = ("ada", "bo", "cy", "dee")
DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))


@given(st.sampled_from(Regime), st.lists(st.tuples(st.sampled_from(NoticeVerb), st.integers(0, 40)), max_size=25))
def test_no_sequence_of_steps_reaches_what_the_rules_forbid(
    regime: Regime, steps: list[tuple[NoticeVerb, int]]
) -> None:
    state, today = NoticeState.ISSUED, DAY
    clock = None
    seen = [state]
    for verb, n_days in steps:
        today += timedelta(days=n_days)
        try:
            state = next_state(state, verb, regime=regime, today=today, clock=clock)
        except ConflictError:
            allowed = may_follow(state, regime)
            assert verb not in allowed or (verb is NoticeVerb.RESTORE and clock and today < clock.earliest)
            continue
        if verb is NoticeVerb.COUNTER:
            clock = Clock(today, today + timedelta(days=14), today + timedelta(days=20))
        seen.append(state)
    assert NoticeState.COUNTERED not in seen or (regime is Regime.DMCA and NoticeState.REMOVED in seen)
    assert NoticeState.COMPLAINED not in seen or regime is Regime.DSA
    for over in (NoticeState.WITHDRAWN, NoticeState.RESTORED):
        assert over not in seen[:-1]
    assert NoticeState.SUED not in seen or NoticeState.COUNTERED in seen


@given(DAYS, st.integers(1, 40), st.sampled_from([("US", None), ("US", "CA"), ("DE", "BE"), ("GB", None)]))
def test_business_days_are_counted_one_by_one(day: date, n_days: int, place: tuple[str, str | None]) -> None:
    calendar = business_calendar(*place)
    end = calendar.after(day, n_days)
    between = [day + timedelta(days=i) for i in range(1, (end - day).days + 1)]
    assert sum(map(calendar.is_business_day, between)) == n_days
    assert calendar.is_business_day(end)
    assert end >= day + timedelta(days=n_days)


@given(DAYS, st.integers(1, 24))
def test_a_period_of_months_ends_on_a_working_day_close_to_its_date(day: date, n_months: int) -> None:
    calendar = business_calendar("DE")
    end = calendar.months_after(day, n_months)
    assert calendar.is_business_day(end)
    assert 28 * n_months <= (end - day).days <= 31 * n_months + 6


@st.composite
def shares(draw: st.DrawFn) -> list[SheetLine]:
    parties = draw(st.lists(st.sampled_from(PARTIES), min_size=1, unique=True))
    weights = [draw(st.integers(1, 1000)) for _ in parties]
    return [
        SheetLine(party, Role.WRITER, RightType.PERFORMANCE, Fraction(weight, sum(weights)))
        for party, weight in zip(parties, weights, strict=True)
    ]


ACTS = st.tuples(
    st.sampled_from(("accept", "counter", "withdraw")),
    st.sampled_from((*PARTIES, "stranger")),
    st.integers(1, 5),
    shares(),
)


@given(shares(), st.lists(st.sampled_from(PARTIES), unique=True), st.lists(ACTS, max_size=30))
def test_a_sheet_is_agreed_only_when_all_accepted_its_last_version(
    first: list[SheetLine], holders: list[str], acts: list[tuple[str, str, int, list[SheetLine]]]
) -> None:
    said = {"sheet_id": "s", "subject_id": "w", "begins_on": DAY, "party_id": "ada", "at": AT, "way": "command"}
    steps = [sheets.propose(lines=first, holders=holders, **said)]  # type: ignore[arg-type]
    everybody = {line.party_id for line in first} | set(holders)
    sheet = sheets.replay(steps)
    for verb, party, version, lines in acts:
        step: SheetStep | None
        try:
            if verb == "counter":
                step = sheets.counter(sheet, party_id=party, version=version, lines=lines, at=AT, way="command")
                everybody |= {line.party_id for line in lines}
            else:
                act = sheets.accept if verb == "accept" else sheets.withdraw
                step = act(sheet, party_id=party, version=version, at=AT, way="command")
        except LinernotesError as error:
            assert isinstance(error, ConflictError | NotFoundError)
            continue
        if step is not None:
            assert sheet.state is SheetState.PROVISIONAL  # nothing moves once it is closed
            assert version == sheet.version
            assert party == "ada" or party in everybody
            steps.append(step)
            sheet = sheets.replay(steps)
    assert sheet.concerned == everybody
    assert sum((line.fraction for line in sheet.lines), Fraction(0)) == 1
    if sheet.state is SheetState.AGREED:
        since = [s for s in sheet.steps if s.version == sheet.version]
        assert everybody <= {s.party_id for s in since}
        assert sum((share.fraction for share in sheets.shares(sheet)), Fraction(0)) == 1
    assert sheets.is_provisional(sheet) == (sheet.state is SheetState.PROVISIONAL)


@given(st.text(max_size=40), st.integers(1, 10**6), st.text(max_size=40), st.integers(1, 10**6))
def test_a_link_reads_back_as_it_was_made(sheet_id: str, version: int, party: str, n_seconds: int) -> None:
    said = Link(sheet_id, version, "0" * 64, party, AT + timedelta(seconds=n_seconds))
    assert read_link(sign_link(said, key=b"k" * 32), key=b"k" * 32, at=AT) == said
