from datetime import date
from fractions import Fraction

from linernotes.model import RightType, Share
from linernotes.rights import shares
from linernotes.rights.shares import Fault

PERFORMANCE = RightType.PERFORMANCE


def share(
    party: str, fraction: str, territory: str = "2136", *, start: date | None = None, stop: date | None = None
) -> Share:
    return Share("wrk", party, PERFORMANCE, Fraction(fraction), territory, start, stop)


def test_a_whole_right_has_no_finding() -> None:
    assert shares.check("wrk", [share("ada", "1/3"), share("ben", "2/3")]) == []
    assert shares.check("wrk", []) == []


def test_what_is_missing_is_said() -> None:
    (found,) = shares.check("wrk", [share("ada", "1/3")])
    assert (found.fault, found.total, found.territory) == (Fault.MISSING, Fraction(1, 3), "2136")
    assert shares.explain(found, name="Song", names={"ada": "Ada"}) == (
        "Song: performance: Ada 1/3 add up to 1/3, 2/3 is missing"
    )
    missing = shares.check("wrk", [share("ada", "1")], expected=shares.WORK_RIGHTS)
    assert [f.right_type.value for f in missing] == ["mechanical", "synchronisation"]
    assert "nobody's share is known" in shares.explain(missing[0], name="Song", names={})


def test_a_ten_thousandth_too_much_is_a_conflict_that_names_both_sides() -> None:
    (found,) = shares.check("wrk", [share("ada", "1/2"), share("ben", "5001/10000")])
    assert found.fault is Fault.CONFLICT
    assert found.total == Fraction(10001, 10000)
    text = shares.explain(found, name="Song", names={"ada": "Ada", "ben": "Ben"})
    assert "Ada 1/2" in text
    assert "Ben 5001/10000" in text
    assert "1/10000 too much" in text


def test_days_are_looked_at_one_by_one() -> None:
    found = shares.check(
        "wrk",
        [
            share("ada", "1", stop=date(2026, 5, 1)),
            share("ben", "1", start=date(2026, 4, 1), stop=date(2026, 6, 1)),
            share("cem", "1", start=date(2026, 7, 1)),
        ],
    )
    assert [(f.fault, f.valid_from, f.valid_to) for f in found] == [
        (Fault.CONFLICT, date(2026, 4, 1), date(2026, 5, 1)),
        (Fault.MISSING, date(2026, 6, 1), date(2026, 7, 1)),
    ]
    assert "from 2026-04-01 until 2026-05-01" in shares.explain(found[0], name="Song", names={})


def test_countries_are_looked_at_one_by_one() -> None:
    found = shares.check("wrk", [share("ada", "1", "2136-US"), share("ben", "1/2", "US"), share("cem", "1/2", "2126")])
    assert {(f.fault, f.territory, f.total) for f in found} == {
        (Fault.CONFLICT, "CA+MX+PR", Fraction(3, 2)),
    }


def test_a_finding_that_goes_on_is_told_once() -> None:
    found = shares.check("wrk", [share("ada", "1/2"), share("ben", "1/2", "US", start=date(2026, 1, 1))])
    elsewhere = [f for f in found if f.territory == "2136-US"]
    assert [(f.valid_from, f.valid_to, f.total) for f in elsewhere] == [(date(2026, 1, 1), None, Fraction(1, 2))]


def test_one_party_saying_two_things_of_one_day_is_an_overlap() -> None:
    found = shares.check("wrk", [share("ada", "1/2"), share("ada", "1/2", start=date(2026, 1, 1))])
    assert Fault.OVERLAP in {f.fault for f in found}
    (overlap,) = [f for f in found if f.fault is Fault.OVERLAP]
    assert "named twice" in shares.explain(overlap, name="Song", names={})


def test_roles_of_one_party_add_up() -> None:
    assert shares.combined([share("ada", "1/2"), share("ada", "1/4"), share("ben", "1/4")]) == [
        share("ada", "3/4"),
        share("ben", "1/4"),
    ]
    assert len(shares.combined([share("ada", "3/4"), share("ada", "3/4")])) == 2


def test_what_held_on_a_day() -> None:
    old, new = share("ada", "1", stop=date(2026, 5, 1)), share("ben", "1", start=date(2026, 5, 1))
    assert shares.as_of([old, new], date(2026, 4, 30)) == [old]
    assert shares.as_of([old, new], date(2026, 5, 1)) == [new]


def test_a_new_statement_ends_what_it_contradicts_and_nothing_else() -> None:
    day = date(2026, 6, 1)
    held = [share("ada", "1/2"), share("ben", "1/2")]
    ended, begun = shares.succeed(held, [share("ada", "1/2"), share("cem", "1/2")], on=day)
    assert ended == [(held[1], share("ben", "1/2", stop=day))]
    assert begun == [share("cem", "1/2", start=day)]
    after = [held[0], *(new for _, new in ended), *begun]
    assert shares.check("wrk", after) == []


def test_a_statement_about_one_country_leaves_the_rest_of_the_world() -> None:
    day = date(2026, 6, 1)
    ended, begun = shares.succeed([share("ada", "1")], [share("ben", "1", "US")], on=day)
    assert ended == [(share("ada", "1"), share("ada", "1", stop=day))]
    assert begun == [share("ada", "1", "2136-US", start=day), share("ben", "1", "US", start=day)]
    assert shares.check("wrk", [*(new for _, new in ended), *begun]) == []
