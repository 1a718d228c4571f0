from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from linernotes.errors import ConflictError, ParameterError
from linernotes.formats.letters import plain_text
from linernotes.model import UseType
from linernotes.rights.answers import (
    Ground,
    ReasonedDecision,
    Receipt,
    Restriction,
    decision_elements,
    require_reasoned,
)
from linernotes.rights.letters import counter_notice_letter, decision_letter, notice_letter, receipt_letter
from linernotes.rights.notices import (
    Contact,
    CounterNotice,
    Notice,
    NoticeState,
    NoticeVerb,
    Platform,
    Regime,
    Statements,
    Use,
    counter_elements,
    elements,
    missing,
    next_state,
    obliges_to_help,
    require_complete,
    require_fitting,
    restoration_clock,
)

CONTACT = Contact("Ada Łukasz", "Example Street 1, Town", "+49 30 1234567", "ada@example.org")
CONFIRMED = Statements("/s/ Ada Łukasz", True, True, True, True)  # noqa: FBT003
USE = Use("clm_1", UseType.RECORDING, "Paper Lanterns", "The Four", "Ada", "ISRC USAT29900609", "0:12–1:05; likely")


def notice(regime: Regime = Regime.DMCA, **changes: Any) -> Notice:
    whole = Notice(
        id="ntc_1",
        regime=regime,
        platform=Platform("plt_1", "Streamhaus", "Agent, 1 Market St"),
        upload_title="midnight.mp3",
        upload_sha256="ab" * 32,
        locations=["https://streamhaus.example/4711"],
        uses=[USE if regime is not Regime.VOICE else replace(USE, use_type=UseType.VOICE)],
        contact=CONTACT,
        on_behalf_of=["Ada"],
        statements=CONFIRMED,
        written_on=date(2026, 11, 22),
        explanation="It is my recording." if regime is Regime.DSA else "",
    )
    return replace(whole, **changes)


LACKING: list[tuple[Regime, str, dict[str, Any]]] = [
    (Regime.DMCA, "i", {"statements": replace(CONFIRMED, signature=" ")}),
    (Regime.DMCA, "ii", {"uses": []}),
    (Regime.DMCA, "iii", {"locations": []}),
    (Regime.DMCA, "iv", {"contact": replace(CONTACT, phone="")}),
    (Regime.DMCA, "v", {"statements": replace(CONFIRMED, good_faith=False)}),
    (Regime.DMCA, "vi", {"statements": replace(CONFIRMED, authorised_under_penalty_of_perjury=False)}),
    (Regime.DMCA, "vi", {"statements": replace(CONFIRMED, accurate=False)}),
    (Regime.DSA, "a", {"explanation": " "}),
    (Regime.DSA, "b", {"locations": []}),
    (Regime.DSA, "c", {"contact": replace(CONTACT, email="")}),
    (Regime.DSA, "d", {"statements": replace(CONFIRMED, good_faith=False)}),
    (Regime.VOICE, "1", {"uses": []}),
    (Regime.VOICE, "2", {"locations": []}),
    (Regime.VOICE, "3", {"contact": Contact()}),
    (Regime.VOICE, "4", {"statements": replace(CONFIRMED, good_faith=False)}),
    (Regime.VOICE, "5", {"statements": replace(CONFIRMED, accurate=False)}),
    (Regime.VOICE, "6", {"statements": replace(CONFIRMED, signature="")}),
]


@pytest.mark.parametrize("regime", Regime)
def test_a_whole_notice_may_be_issued_and_its_letter_is_no_draft(regime: Regime) -> None:
    require_complete(notice(regime))
    assert not notice_letter(notice(regime)).draft


@pytest.mark.parametrize(
    ("regime", "key", "change"), LACKING, ids=[f"{r}-{k}-{i}" for i, (r, k, _) in enumerate(LACKING)]
)
def test_a_notice_that_lacks_an_element_is_refused_by_name(regime: Regime, key: str, change: dict[str, Any]) -> None:
    faulty = notice(regime, **change)
    assert [element.key for element in missing(faulty)] == [key]
    with pytest.raises(ParameterError, match=rf"lacks \({key}\)") as caught:
        require_complete(faulty)
    assert caught.value.code == "incomplete_notice"
    letter = notice_letter(faulty)
    assert letter.draft
    assert "must not be sent" in letter.sections[0].heading


def test_every_missing_element_is_named_at_once() -> None:
    empty = notice(uses=[], locations=[], contact=Contact(), statements=Statements())
    with pytest.raises(ParameterError) as caught:
        require_complete(empty)
    assert all(f"({key})" in str(caught.value) for key in ("i", "ii", "iii", "iv", "v", "vi"))


def test_elements_ii_to_iv_oblige_a_provider_to_help() -> None:
    unsigned = notice(statements=Statements())
    assert obliges_to_help(unsigned)
    with pytest.raises(ParameterError, match="oblige the provider to help"):
        require_complete(unsigned)
    assert not obliges_to_help(notice(locations=[], statements=Statements()))
    assert not obliges_to_help(notice())
    assert not obliges_to_help(notice(Regime.DSA, statements=Statements()))


def test_the_letter_of_a_dmca_notice_carries_the_six_elements() -> None:
    text = " ".join(plain_text(notice_letter(notice())).split())
    assert "/s/ Ada Łukasz" in text
    assert "Paper Lanterns" in text
    assert "https://streamhaus.example/4711" in text
    assert all(part in text for part in ("Example Street 1", "+49 30 1234567", "ada@example.org"))
    assert "I have a good faith belief that use of the material in the manner complained of is not authorized" in text
    assert "under penalty of perjury, I am authorized to act on behalf of the owner" in text
    assert "The information in this notification is accurate" in text


@pytest.mark.parametrize("regime", Regime)
def test_nothing_is_asserted_that_nobody_confirmed(regime: Regime) -> None:
    letter = notice_letter(notice(regime, statements=Statements()))
    assert [section.blocks for section in letter.sections if section.heading == "Statements"] == [["[not confirmed]"]]
    signature = next(section for section in letter.sections if section.heading == "Signature")
    assert "[missing]" in repr(signature)


def test_a_voice_notice_says_which_law_it_rests_on_or_that_there_is_none() -> None:
    without = " ".join(plain_text(notice_letter(notice(Regime.VOICE))).split())
    assert "rests on no statute" in without
    assert "NO FAKES Act" in without
    with_law = " ".join(plain_text(notice_letter(notice(Regime.VOICE, legal_basis="Tenn. Code § 47-25-1105"))).split())
    assert "The sender says that it rests on: Tenn. Code § 47-25-1105. This was not checked" in with_law
    assert "no statute" not in with_law


def test_a_copyright_notice_is_not_about_voices_nor_a_voice_notice_about_copyright() -> None:
    voice = replace(USE, use_type=UseType.VOICE)
    require_fitting(Regime.DMCA, [USE])
    require_fitting(Regime.VOICE, [voice])
    require_fitting(Regime.DSA, [USE, voice])
    for regime, use in (
        (Regime.DMCA, voice),
        (Regime.DMCA, replace(USE, use_type=UseType.TRAINING)),
        (Regime.VOICE, USE),
    ):
        with pytest.raises(ParameterError, match="clm_1") as caught:
            require_fitting(regime, [use])
        assert caught.value.code == "regime"


# ── counter-notices ──────────────────────────────────────────────────────────

COUNTER = CounterNotice("ntc_1", CONTACT, "/s/ Bo", True, True, True)  # noqa: FBT003


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("A", {"signature": ""}),
        ("C", {"mistake_under_penalty_of_perjury": False}),
        ("D", {"consents_to_jurisdiction": False}),
        ("D", {"accepts_service": False}),
        ("D", {"contact": replace(CONTACT, address="")}),
    ],
)
def test_a_counter_notice_that_lacks_an_element_says_so(key: str, change: dict[str, Any]) -> None:
    faulty = replace(COUNTER, **change)
    assert [e.key for e in counter_elements(faulty, locations=["https://x.example"]) if not e.present] == [key]
    clock = restoration_clock(notice().platform, date(2026, 11, 16))
    assert counter_notice_letter(faulty, notice(), clock).draft


def test_a_counter_notice_says_what_it_must_and_when_the_material_goes_back() -> None:
    clock = restoration_clock(notice().platform, date(2026, 11, 16))
    here = " ".join(plain_text(counter_notice_letter(COUNTER, notice(), clock)).split())
    assert "under penalty of perjury" in here
    assert "the judicial district in which my address is located" in here
    assert "not earlier than 2026-12-01 (10 business days) and not later than 2026-12-07 (14 business days)" in here
    abroad = counter_notice_letter(replace(COUNTER, lives_outside_us=True, reason="Mine."), notice(), clock)
    text = " ".join(plain_text(abroad).split())
    assert "any judicial district in which the service provider may be found" in text
    assert "Mine." in text


# ── steps ────────────────────────────────────────────────────────────────────


def test_material_goes_back_neither_too_early_nor_after_a_suit_by_itself() -> None:
    clock = restoration_clock(notice().platform, date(2026, 11, 16))
    said: dict[str, Any] = {"regime": Regime.DMCA, "clock": clock}
    with pytest.raises(ConflictError, match="not before 2026-12-01") as caught:
        next_state(NoticeState.COUNTERED, NoticeVerb.RESTORE, today=date(2026, 11, 30), **said)
    assert caught.value.code == "too_early"
    after = next_state(NoticeState.COUNTERED, NoticeVerb.RESTORE, today=date(2026, 12, 1), **said)
    assert after is NoticeState.RESTORED
    assert next_state(NoticeState.COUNTERED, NoticeVerb.SUE, today=date(2026, 11, 20), **said) is NoticeState.SUED


@pytest.mark.parametrize(
    ("state", "verb", "regime"),
    [
        (NoticeState.ISSUED, NoticeVerb.COUNTER, Regime.DMCA),
        (NoticeState.REMOVED, NoticeVerb.COUNTER, Regime.DSA),
        (NoticeState.REMOVED, NoticeVerb.COMPLAIN, Regime.DMCA),
        (NoticeState.WITHDRAWN, NoticeVerb.REMOVE, Regime.DMCA),
        (NoticeState.RESTORED, NoticeVerb.SUE, Regime.DMCA),
    ],
)
def test_what_may_not_follow_is_refused_and_what_may_is_named(
    state: NoticeState, verb: NoticeVerb, regime: Regime
) -> None:
    with pytest.raises(ConflictError, match="can follow"):
        next_state(state, verb, regime=regime, today=date(2026, 11, 22))


# ── the platform's answers ───────────────────────────────────────────────────

DECISION = ReasonedDecision(
    notice_id="ntc_1",
    restriction=Restriction.REMOVED,
    territory="European Union",
    duration="without end",
    facts="The upload holds 53 s of the recording.",
    ground=Ground.LAW,
    ground_reference="§ 85 UrhG",
    explanation="A copy without permission.",
    automated_detection=True,
    automated_decision=False,
    complain_to="complaints@streamhaus.example",
    settlement_body="User Rights",
    decided_on=date(2026, 11, 23),
)


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("a", {"territory": ""}),
        ("a", {"duration": ""}),
        ("b", {"facts": " "}),
        ("c", {"automated_detection": None}),
        ("c", {"automated_decision": None}),
        ("d", {"ground_reference": ""}),
        ("e", {"ground": Ground.TERMS, "explanation": ""}),
        ("f", {"settlement_body": ""}),
    ],
)
def test_a_decision_without_a_reason_that_the_law_asks_for_is_refused(key: str, change: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=rf"lacks \({key}\)") as caught:
        require_reasoned(replace(DECISION, **change))
    assert caught.value.code == "incomplete_decision"


def test_a_refusal_restricts_nothing_but_is_explained() -> None:
    refusal = replace(DECISION, restriction=Restriction.NONE, territory="", duration="", ground_reference="")
    require_reasoned(refusal)
    with pytest.raises(ParameterError):
        require_reasoned(replace(refusal, explanation=""))
    assert "not restricted" in plain_text(
        decision_letter(refusal, notice(Regime.DSA), complaint_until=date(2027, 5, 24))
    )


def test_receipt_and_decision_disclose_automation_and_the_ways_to_complain() -> None:
    receipt = " ".join(
        plain_text(receipt_letter(Receipt("ntc_1", date(2026, 11, 22), automated=True), notice())).split()
    )
    assert "was received on 2026-11-22" in receipt
    assert "Automated means are used" in receipt
    letter = decision_letter(DECISION, notice(Regime.DSA), complaint_until=date(2027, 5, 24))
    text = " ".join(plain_text(letter).split())
    assert "The upload was detected by automated means. The decision was not taken by automated means." in text
    assert "until 2027-05-24" in text
    assert "§ 85 UrhG" in text
    assert all(element.present for element in decision_elements(DECISION))


def test_elements_come_in_the_order_of_the_law() -> None:
    assert [e.key for e in elements(notice())] == ["i", "ii", "iii", "iv", "v", "vi"]
    assert [e.key for e in elements(notice(Regime.DSA))] == ["a", "b", "c", "d"]
