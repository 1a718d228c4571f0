from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from linernotes.model import Action, Policy, RightType, Side, UseType
from linernotes.rights import territories
from linernotes.rights.policies import Situation, evaluate, exceptions, valid

DAY = date(2026, 11, 22)
# Each lies in the one before, or apart: in such a family "the narrowest that covers it" is one territory.
TERRITORIES = ("2136", "2120", "2123", "DE", "FR", "2130", "JP", "US")
FRACTIONS = st.fractions(min_value=0, max_value=1, max_denominator=4)


@st.composite
def policies(draw: st.DrawFn) -> list[Policy]:
    drawn = []
    for number in range(draw(st.integers(0, 8))):
        action = draw(st.sampled_from(Action))
        drawn.append(
            Policy(
                id=f"pol_{number}",
                party_id=draw(st.sampled_from(("own", "label", "stranger"))),
                use_type=draw(st.sampled_from((UseType.VOICE, UseType.SOUNDALIKE))),
                action=action,
                share=draw(st.sampled_from((Fraction(1, 2), Fraction(1, 3)))) if action is Action.SHARE else None,
                side=draw(st.sampled_from((None, *Side))) if action is Action.SHARE else None,
                territory=draw(st.sampled_from(TERRITORIES)),
                match_length_min_s=draw(st.sampled_from((Fraction(0), Fraction(10), Fraction(40)))),
                probability_min=draw(FRACTIONS),
                subject_id=draw(st.sampled_from((None, "voi", "other"))),
                valid_from=draw(st.sampled_from((None, DAY - timedelta(1), DAY + timedelta(1)))),
                valid_to=draw(st.sampled_from((None, DAY + timedelta(2)))),
            )
        )
    return [valid(policy) for policy in drawn]


def asked(territory: str = "2136") -> Situation:
    return Situation(
        use_type=UseType.VOICE,
        right_type=RightType.VOICE,
        subject_id="voi",
        match_length_s=Fraction(30),
        probability=Fraction(1, 2),
        on=DAY,
        owner_ids=("own",),
        default_ids=("label",),
        territory=territory,
    )


@given(st.data())
def test_the_order_of_policies_makes_no_difference(data: st.DataObject) -> None:
    drawn = data.draw(policies())
    shuffled = data.draw(st.permutations(drawn))
    assert evaluate(drawn, asked()) == evaluate(shuffled, asked())
    assert exceptions(drawn, asked()) == exceptions(shuffled, asked())


@given(policies())
def test_a_ruling_is_the_winners_word_and_every_other_rule_says_why_it_lost(drawn: list[Policy]) -> None:
    ruling = evaluate(drawn, asked())
    concerned = {
        p.id for p in drawn if p.party_id != "stranger" and p.use_type is UseType.VOICE and p.subject_id != "other"
    }
    told = {policy.id for policy, reason in ruling.lost if reason}
    if ruling.policy is None:
        assert (ruling.action, told) == (Action.REVIEW, concerned)
    else:
        assert (ruling.action, ruling.share) == (ruling.policy.action, ruling.policy.share)
        assert told | {ruling.policy.id} == concerned


@given(policies(), st.sampled_from(("DE", "FR", "JP", "US", "BR")))
def test_the_narrowest_exception_says_what_holds_in_a_country(drawn: list[Policy], country: str) -> None:
    world = evaluate(drawn, asked()).verdict
    there = [rule for rule in exceptions(drawn, asked()) if territories.covers(rule.territory, country)]
    narrowest = min(there, key=lambda rule: territories.size(rule.territory), default=None)
    told = world if narrowest is None else (narrowest.action, narrowest.share, narrowest.side)
    assert evaluate(drawn, asked(country)).verdict == told
