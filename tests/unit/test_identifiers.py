from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linernotes import identifiers
from linernotes.errors import IdentifierError

# Published examples: ISO 3901, ISO 15707, CISAC's IPI and ISNI's own pages.
GOOD = [
    (identifiers.isrc, "US-AT2-99-00609", "USAT29900609"),
    (identifiers.isrc, "us at2 99 00609", "USAT29900609"),
    (identifiers.iswc, "T-034.524.680-1", "T0345246801"),
    (identifiers.iswc, "T-000.000.001-0", "T0000000010"),
    (identifiers.ipi_name_number, "00000000199", "00000000199"),
    (identifiers.ipi_name_number, "14107338", "00014107338"),
    (identifiers.ipi_base_number, "I-000000229-7", "I0000002297"),
    (identifiers.isni, "0000 0001 2103 2683", "0000000121032683"),
    (identifiers.isni, "000000012146438x", "000000012146438X"),
]


@pytest.mark.parametrize(("check", "text", "compact"), GOOD)
def test_published_examples(check: Callable[[str], str], text: str, compact: str) -> None:
    assert check(text) == compact
    assert check(compact) == compact


@pytest.mark.parametrize(("check", "text", "compact"), [row for row in GOOD if row[0] is not identifiers.isrc])
def test_one_wrong_digit_is_found_and_not_corrected(check: Callable[[str], str], text: str, compact: str) -> None:
    for place in range(1, len(compact)):
        if compact[place].isdigit():
            wrong = compact[:place] + str((int(compact[place]) + 1) % 10) + compact[place + 1 :]
            with pytest.raises(IdentifierError) as caught:
                check(wrong)
            assert wrong in str(caught.value)


def test_luhn_is_not_what_an_iswc_uses() -> None:
    # T-034.524.680 has Luhn digit 8 and ISO 15707 digit 1; pages that say Luhn are wrong.
    with pytest.raises(IdentifierError, match="should be 1"):
        identifiers.iswc("T-034.524.680-8")


@pytest.mark.parametrize("name", identifiers.__all__)
@given(text=st.text(max_size=30))
def test_anything_else_is_refused_in_words(name: str, text: str) -> None:
    check: Callable[[str], str] = getattr(identifiers, name)
    try:
        compact = check(text)
    except IdentifierError as error:
        assert error.code == name
    else:
        assert check(compact) == compact


@pytest.mark.parametrize("text", ["PADPIDA2014021302H", "PADPIDA2013102502A", "padpida2013042401u"])
def test_dpids_that_are_in_use(text: str) -> None:
    assert identifiers.dpid(text) == text.upper()


@pytest.mark.parametrize(("text", "told"), [("PADPIDA2014999999Z", "should be"), ("PADPIDA2014120301", "ten digits")])
def test_dpids_that_cannot_be(text: str, told: str) -> None:
    with pytest.raises(IdentifierError, match=told):
        identifiers.dpid(text)
