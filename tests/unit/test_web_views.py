from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest

from linernotes.errors import ParameterError
from linernotes.journeys.catalogue import Page
from linernotes.journeys.notice import StoredNotice
from linernotes.model import (
    Action,
    Claim,
    ClaimState,
    Contribution,
    Deduction,
    DeductionKind,
    Evidence,
    EvidenceKind,
    Job,
    JobKind,
    JobState,
    Obstacle,
    Party,
    Policy,
    Recording,
    Reference,
    RightType,
    Role,
    Share,
    Side,
    Statement,
    StatementLine,
    UseType,
    Work,
)
from linernotes.web import fields
from linernotes.web.sound import addresses, ranged
from linernotes.web.views import catalogue, charts, claims, money, notices, policies, uploads

HEARD = Evidence(
    kind=EvidenceKind.RECORDING,
    reference=Reference("rec_anvil", "Anvil", "Ada", None, None),
    query_start_s=10.0,
    query_stop_s=40.0,
    reference_start_s=0.0,
    reference_stop_s=30.0,
    score=0.8,
    probability=0.97,
    transform=None,
    explanation="It was heard.",
    parameter_id="test",
)
CLAIM = Claim(
    id="clm_1",
    upload_sha256="ab" * 32,
    upload_path="up/midnight.wav",
    evidence_id="ev",
    evidence=HEARD,
    subject_id="rec_anvil",
    party_id="pty_ada",
    right_type=RightType.MASTER,
    use_type=UseType.RECORDING,
    action=Action.SHARE,
    share=Fraction(1, 4),
    side=Side.RECORDING,
    state=ClaimState.CONFIRMED,
    because=(),
)
NAMES = {"pty_ada": "Ada"}
NOTICE = StoredNotice("ntc_1", "dmca", "plt", "ab" * 32, "issued", "{}", "2026-11-01T10:00:00", None, None, None, None)


# ── claims ───────────────────────────────────────────────────────────────────


def test_claims_that_wait_come_first() -> None:
    waiting = replace(CLAIM, id="clm_2", state=ClaimState.REVIEW, obstacles=(Obstacle.FLOOD,))
    told = claims.groups([CLAIM, waiting], NAMES)
    assert [(group.title, group.is_open) for group in told] == [("Review", True), ("Confirmed", False)]
    assert told[0].rows[0].obstacles == ["a flood of claims, slowed"]
    row = told[1].rows[0]
    assert (row.party, row.upload, row.stretch) == ("Ada", "midnight.wav", "0:10.0–0:40.0")
    assert row.choice == "Share 1/4 of the recording side"


@pytest.mark.parametrize(
    ("party", "scopes", "can"),
    [
        ("pty_ada", {"claims:decide", "claims:dispute"}, {"decide", "release"}),
        ("pty_bo", {"claims:decide", "claims:dispute"}, {"dispute"}),
        (None, {"claims:dispute"}, {"dispute"}),
        (None, {"claims:resolve", "claims:dispute"}, {"dispute", "resolve"}),
        (None, set(), set()),
    ],
)
def test_nobody_is_offered_what_they_may_not_do(party: str | None, scopes: set[str], can: set[str]) -> None:
    from linernotes.journeys.claim import ClaimFile  # noqa: PLC0415

    commands = ["decide", "release", "dispute", "resolve"]
    told = claims.file(ClaimFile(CLAIM, [], NAMES, commands, "due"), [], party_id=party, scopes=scopes)
    assert told.can == can


@pytest.mark.parametrize(
    ("today", "tone", "says"),
    [
        (date(2026, 11, 20), "calm", "stays down"),
        (date(2026, 12, 2), "near", "may be put back"),
        (date(2026, 12, 9), "over", "should have been put back"),
    ],
)
def test_a_countered_notice_runs_its_clock(today: date, tone: str, says: str) -> None:
    countered = replace(
        NOTICE,
        state="countered",
        countered_on=date(2026, 11, 16),
        restore_from=date(2026, 12, 1),
        restore_by=date(2026, 12, 7),
    )
    told = notices.clock(countered, "Somewhere", today=today)
    assert told.tone == tone
    assert says in told.says
    assert "01 Dec to 07 Dec 2026" in told.says


def test_complaints_have_a_clock_and_other_notices_none() -> None:
    open_until = replace(NOTICE, state="removed", complaint_until=date(2027, 5, 1))
    assert notices.clock(open_until, "P", today=date(2027, 4, 30)).says == "complaints until 01 May 2027, 1 day left"
    assert notices.clock(open_until, "P", today=date(2027, 5, 2)).tone == "over"
    assert notices.clock(NOTICE, "P", today=date(2027, 5, 2)).until is None


# ── rules ────────────────────────────────────────────────────────────────────


def test_a_rule_is_a_sentence_with_all_its_conditions() -> None:
    rule = Policy("pol", "pty_ada", UseType.RECORDING, Action.SHARE, Fraction(1, 4), Side.RECORDING)
    assert (
        policies.sentence(rule)
        == "If somebody uses a recording, it may stay for 1/4 (25\N{NO-BREAK SPACE}%) of the recording side."
    )
    narrow = Policy(
        *("pol", "pty_ada", UseType.VOICE, Action.BLOCK),
        territory="DE",
        match_length_min_s=Fraction(5),
        probability_min=Fraction(9, 10),
        subject_id="voi_1",
        valid_from=date(2026, 1, 1),
        valid_to=date(2027, 1, 1),
    )
    assert policies.sentence(narrow) == (
        "If somebody uses the voice (voi_1) in DE for 5 s or longer and we are at least 9/10 sure, "
        "it must be taken down from 01 Jan 2026 until the day before 01 Jan 2027."
    )
    assert [house.party for house in policies.houses([narrow, rule], NAMES)] == ["Ada"]


# ── charts ───────────────────────────────────────────────────────────────────


def test_bars_are_whole_parts_of_the_longest() -> None:
    told = charts.bars([("a", 3_000_000), ("b", -1_000_000), ("c", 0)], "EUR")
    assert [(bar.length, bar.is_negative) for bar in told] == [(10_000, False), (3333, True), (0, False)]
    assert charts.bars([("a", 0)], "EUR")[0].length == 0
    assert charts.bars([], "EUR") == []


def test_columns_stand_on_the_ground() -> None:
    told = charts.columns([("a", 5), ("b", 10), ("c", -3)], "EUR")
    assert [(column.y, column.height) for column in told] == [(5000, 5000), (0, 10_000), (10_000, 0)]


# ── money ────────────────────────────────────────────────────────────────────


def statement(*, closing_micro: int = 0) -> Statement:
    line = StatementLine(
        *("run.1.0.0", "rec_anvil", "Anvil", None, None, RightType.MASTER, "A service", "DE", "2026-10", 1000),
        *(100_000_000, Fraction(1, 5), 20_000_000, "clm_1"),
        held=False,
        because="claim clm_1",
    )
    held = replace(line, id="run.1.0.1", amount_micro=5_000_000, held=True)
    kept = Deduction(DeductionKind.HELD, 5_000_000, "not decided")
    return Statement(
        *("pty_ada", "Ada", "2026-10", "EUR", 0, (line, held), (kept,), 25_000_000, 2000),
        closing_micro=closing_micro,
    )


def test_a_statement_shows_where_every_cent_went() -> None:
    told = money.account(statement())
    assert (told.month, told.payable, told.closing) == (
        "October 2026",
        "EUR\N{NO-BREAK SPACE}20.00",
        "EUR\N{NO-BREAK SPACE}0.00",
    )
    assert [step.label for step in told.steps] == ["Opening balance", "Earned", "Held for now", "Paid out now"]
    assert [hold.amount for hold in told.holds] == ["EUR\N{NO-BREAK SPACE}5.00"]
    assert [line.id for line in told.things[0].lines] == ["run.1.0.0", "run.1.0.1"]


def test_a_statement_that_does_not_add_up_is_not_shown() -> None:
    with pytest.raises(Exception, match="micro-units"):
        money.account(statement(closing_micro=1))


def test_months_between_that_brought_nothing_are_in_the_chart() -> None:
    earned = {("2026-10", "pty_ada", "EUR"): 4, ("2026-08", "pty_ada", "EUR"): 2, ("2026-08", "pty_bo", "EUR"): 2}
    (series,) = money.charts(earned)
    assert [column.label for column in series.columns[-3:]] == ["August 2026", "September 2026", "October 2026"]
    assert [column.height for column in series.columns[-3:]] == [10_000, 0, 10_000]
    assert series.columns[0].label == "November 2025"


def test_to_those_who_see_all_a_period_counts_parties() -> None:
    earned = {("2026-10", "pty_ada", "EUR"): 4_000_000, ("2026-10", "pty_bo", "USD"): 2_000_000}
    (all_,) = money.periods(["2026-10"], ["2026-10"], earned, None)
    assert (all_.href, all_.amounts, all_.is_closed) == ("/money/2026-10", ["2"], True)
    (hers,) = money.periods(["2026-10"], [], {("2026-10", "pty_ada", "EUR"): 4_000_000}, "pty_ada")
    assert (hers.href, hers.amounts) == ("/money/2026-10/pty_ada", ["EUR\N{NO-BREAK SPACE}4.00"])
    assert [(each.name, each.amounts) for each in money.earners(earned, NAMES)] == [
        ("Ada", ["EUR\N{NO-BREAK SPACE}4.00"]),
        ("pty_bo", ["USD\N{NO-BREAK SPACE}2.00"]),
    ]


# ── the catalogue ────────────────────────────────────────────────────────────


def test_a_subject_tells_who_made_it_and_who_has_which_share() -> None:
    recording = Recording("rec_1", "Anvil", "Ada", "", "", 60.0, 0, 0, work_id="wrk_1", year=1999)
    page = Page(
        [recording],
        {"wrk_1": Work("wrk_1", "Anvil")},
        {"pty_ada": Party("pty_ada", "Ada")},
        {"rec_1": [Contribution("rec_1", "pty_ada", Role.PERFORMER)]},
        {"rec_1": [Share("rec_1", "pty_ada", RightType.MASTER, Fraction(1, 3), valid_from=date(2026, 1, 1))]},
    )
    first, second = catalogue.subjects(page, "rec_1")
    assert [(maker.party, maker.part) for maker in first.makers] == [("Ada", "performer")]
    assert first.rights[0].holders[0].where == "World, from 01 Jan 2026"
    assert first.rights[0].filled == [3333]
    assert ("Sound", "announced, not heard here yet") in first.facts
    assert second.thing.kind == "Work"
    assert [(field.name, field.value) for field in catalogue.editable(page, "rec_1")] == [
        ("title", "Anvil"),
        ("artist", "Ada"),
        ("year", "1999"),
    ]
    assert [field.name for field in catalogue.editable(page, "wrk_1")] == ["title"]
    (party,) = catalogue.subjects(page, "pty_ada")
    assert (party.thing.kind, party.thing.title) == ("Party", "Ada")
    assert [thing.id for thing in catalogue.part_in(page, "Ada")] == ["rec_1", "wrk_1"]
    assert catalogue.part_in(page, "rec_1") == []


# ── work ─────────────────────────────────────────────────────────────────────


def test_faults_of_an_import_are_counted_and_listed() -> None:
    faults = [{"code": "c", "message": f"line {n}", "where": "x"} for n in range(300)]
    job = Job(
        *(
            "job_1",
            JobKind.CATALOGUE_IMPORT,
            "acc",
            JobState.DONE,
            {"name": "x.csv"},
            datetime(2026, 11, 1, tzinfo=UTC),
        ),
        result={"n_lines": 1234, "n_problems": 300, "problems": faults},
    )
    told = uploads.outcome(job)
    assert told.verdict.startswith("300 faults")
    assert told.facts == [("Lines", "1,234")]
    assert (len(told.faults), told.n_more) == (200, 100)
    failed = replace(job, state=JobState.FAILED, result=None, problem={"code": "c", "message": "no table"})
    assert (uploads.work(failed).says, uploads.work(failed).why) == ("Failed", "no table")


# ── fields ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["", "one half", "1/0", "1e9", "1" * 30, "½"])
def test_a_share_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="give a number"):
        fields.exact(text, "a share")


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "0000-01", "２０２６-10", "2026-10\n", "../../etc"])
def test_a_period_that_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="not a month"):
        fields.period(text)


def test_fields_are_read() -> None:
    assert fields.exact("1/4", "a share") == Fraction(1, 4)
    assert fields.day("", "a day") is None
    assert fields.one_of(Action, "block", "a choice") is Action.BLOCK
    for read in (
        lambda: fields.day("31.12.2026", "a day"),
        lambda: fields.one_of(Action, "blok", "a choice"),
        lambda: fields.reason(""),
        lambda: fields.reason("x" * 501),
    ):
        with pytest.raises(ParameterError):
            read()


# ── sound ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "status", "content", "told"),
    [
        (None, 200, b"0123456789", None),
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=5-2", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=-", 200, b"0123456789", None),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("seconds=1-2", 200, b"0123456789", None),
    ],
)
def test_sound_is_given_in_parts(asked: str | None, status: int, content: bytes, told: str | None) -> None:
    response = ranged(b"0123456789", "audio/mpeg", asked)
    assert (response.status_code, response.body) == (status, content)
    assert response.headers.get("content-range") == told


def test_a_clip_is_no_longer_than_it_may_be() -> None:
    clips = addresses(HEARD, "/inbox/clm_1/clips", upload=True)
    assert (clips.query, clips.reference) == ("/inbox/clm_1/clips/upload.mp3", "/inbox/clm_1/clips/reference.mp3")
    assert clips.span_s == (10.0, 25.0)
    assert addresses(HEARD, "/x", upload=False).query is None
