from pathlib import Path

import pytest

from linernotes.errors import FormatError
from linernotes.formats.xml_items import items

MESSAGE = """<m:Message xmlns:m="urn:m" a="1">
  <Header><Id> 7 </Id></Header>
  <PartyList b="2"><Party>Ada &amp; Ben<i/> Cem</Party><Other><Party>Dua</Party></Other></PartyList>
</m:Message>"""


@pytest.fixture
def message(tmp_path: Path) -> Path:
    path = tmp_path / "message.xml"
    path.write_text(MESSAGE)
    return path


def test_each_item_comes_whole_and_lists_come_empty(message: Path) -> None:
    told = [(item.name, item.namespace, item.line, item.text, len(item.children)) for item in items(message)]
    assert told == [
        ("Message", "urn:m", 1, "", 0),
        ("Header", "", 2, "", 1),
        ("Party", "", 3, "Ada & Ben Cem", 1),
        ("Other", "", 3, "", 1),
        ("PartyList", "", 3, "", 0),
    ]


def test_what_was_not_used_is_told_and_counted(message: Path) -> None:
    _, header, party, *_, parties = items(message)
    assert header.read("Id") == "7"
    assert header.read("Id/None") == header.read("None/Id") == ""
    assert list(header.unused()) == []
    assert list(party.unused()) == [("Party", 3)]
    assert list(parties.unused()) == [("PartyList/@b", 3)]
    assert (header.count(), party.count(), parties.count()) == (1, 1, 1)


def test_items_that_are_not_wanted_are_passed_over(message: Path) -> None:
    told = [item.name for item in items(message, is_wanted="Party".__ne__)]
    assert told == ["Message", "Header", "Other", "PartyList"]
    assert [item.name for item in items(message, is_wanted="Party".__eq__)] == ["Message", "Party", "PartyList"]


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ("_ITEM_CHARACTERS_MAX", "5 characters"),
        ("_ITEM_ELEMENTS_MAX", "5 elements"),
        ("_DEPTH_MAX", "5 deep"),
    ],
)
def test_what_is_passed_over_is_held_to_the_same_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, told: str
) -> None:
    monkeypatch.setattr(f"linernotes.formats.xml_items.{limit}", 5)
    path = tmp_path / "deep.xml"
    path.write_text("<m><PartyList><Party>" + "<i>text</i>" * 9 + "<i><i><i><i/></i></i></i></Party></PartyList></m>")
    for is_wanted in (bool, "Party".__ne__):
        with pytest.raises(FormatError, match=told):
            list(items(path, is_wanted=is_wanted))
