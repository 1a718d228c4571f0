"""The shares of any catalogue sum to one, or it is said where they do not."""

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from linernotes.model import RightType, Share
from linernotes.rights import shares, territories

DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(6)]
TERRITORIES = ["2136", "2120", "US", "DE+FR", "2136-US", "2120-DE"]
COUNTRIES = ["US", "DE", "FR", "GB", "JP"]


@st.composite
def any_share(draw: st.DrawFn) -> Share:
    start, stop = draw(st.sampled_from([None, *DAYS])), draw(st.sampled_from([None, *DAYS]))
    if start and stop and stop < start:
        start, stop = stop, start
    fraction = Fraction(draw(st.integers(1, 4)), 4)
    return Share(
        "wrk",
        draw(st.sampled_from("abc")),
        RightType.MECHANICAL,
        fraction,
        draw(st.sampled_from(TERRITORIES)),
        start,
        stop,
    )


@given(st.lists(any_share(), max_size=6))
def test_every_day_and_country_sums_to_one_or_is_reported(given_shares: list[Share]) -> None:
    found = shares.check("wrk", given_shares)
    starts = [
        share.valid_from for share in given_shares if share.valid_from != share.valid_to or share.valid_to is None
    ]
    for day in [DAYS[0] - timedelta(days=1), *DAYS]:
        if not given_shares or not shares.as_of(given_shares, day):
            continue
        for country in COUNTRIES:
            held = [s for s in shares.as_of(given_shares, day) if country in territories.countries(s.territory)]
            total = sum((s.fraction for s in held), Fraction(0))
            told = [
                f.total
                for f in found
                if f.fault is not shares.Fault.OVERLAP
                and country in territories.countries(f.territory)
                and (f.valid_from is None or f.valid_from <= day)
                and (f.valid_to is None or day < f.valid_to)
            ]
            assert told == ([] if total == 1 else [total]), (day, country, starts)


@given(st.lists(any_share(), max_size=6), st.randoms())
def test_findings_do_not_depend_on_the_order(given_shares: list[Share], random: object) -> None:
    shuffled = list(given_shares)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sorted(map(repr, shares.check("wrk", shuffled))) == sorted(map(repr, shares.check("wrk", given_shares)))


@given(st.lists(any_share(), max_size=5), st.lists(any_share(), max_size=3), st.sampled_from(DAYS))
def test_a_new_statement_changes_nothing_before_its_day(held: list[Share], stated: list[Share], day: date) -> None:
    ended, begun = shares.succeed(held, stated, on=day)
    was = [before for before, _ in ended]
    after = [share for share in held if share not in was] + [share for _, share in ended] + begun
    for earlier in [DAYS[0] - timedelta(days=1), *(d for d in DAYS if d < day)]:
        assert sorted(map(_said, shares.as_of(after, earlier))) == sorted(map(_said, shares.as_of(held, earlier)))


def _said(share: Share) -> tuple[str, Fraction, str]:
    return share.party_id, share.fraction, share.territory


@given(st.lists(st.sampled_from(sorted(territories.countries("2136"))), min_size=1, unique=True))
def test_any_set_of_countries_has_a_name(members: list[str]) -> None:
    text = territories.name(members)
    assert territories.countries(text) == set(members)
    assert territories.territory(text) == text
