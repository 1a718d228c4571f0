import pytest

from linernotes.errors import FormatError
from linernotes.rights import territories


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2136", "2136"),
        ("Worldwide", "2136"),
        ("us", "US"),
        ("0840", "US"),
        ("840", "US"),
        ("0840 + ca", "CA+US"),
        ("2120-826", "2120-GB"),
        ("0278", "0278"),
    ],
)
def test_one_way_to_write_a_territory(text: str, stored: str) -> None:
    assert territories.territory(text) == stored
    assert territories.territory(stored) == stored


@pytest.mark.parametrize("text", ["", "XX", "-US", "999", "2199", "2136-2136", "US-CA", "DE++AT-", "U S A"])
def test_what_is_no_territory(text: str) -> None:
    with pytest.raises(FormatError, match="territory"):
        territories.territory(text)


def test_groups_have_their_members() -> None:
    assert territories.size("2136") == 249
    assert territories.countries("2110") == {"BE", "NL", "LU"}
    assert territories.size("2123") == 27
    assert "GB" not in territories.countries("2123")
    assert territories.countries("0810") >= {"RU", "EE", "KZ"}
    assert territories.covers("2136", "2120")
    assert territories.covers("2120", "DE")
    assert not territories.covers("2120-DE", "DE")
    assert territories.overlaps("2120", "FR+US")
    assert not territories.overlaps("2120", "US")


def test_what_the_formats_write() -> None:
    assert territories.as_tis("2136-CA-US") == [("I", "2136"), ("E", "0124"), ("E", "0840")]
    assert territories.as_ddex("2136") == (["Worldwide"], [])
    assert territories.as_ddex("2136-US") == ([], ["US"])
    assert territories.as_ddex("2110") == (["BE", "LU", "NL"], [])
    assert territories.combined(["0056", "0442", "0528"]) == "BE+LU+NL"


@pytest.mark.parametrize("text", ["2136", "2110", "DE+AT", "2136-US", "US"])
def test_a_name_for_countries_names_them(text: str) -> None:
    members = territories.countries(territories.territory(text))
    assert territories.countries(territories.name(members)) == members
