"""What a search finds, with its index and without, whatever happened to the catalogue since."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from linernotes.model import Contribution, Party, Recording, RecordingEntry, RightType, Role, Share, Work
from linernotes.store import searching, words
from linernotes.store.catalogue import Catalogue
from linernotes.store.database import writing
from linernotes.store.schema import recordings, works

TITLES = {"rec_1": "Über den Wolken", "rec_2": "Love on the Anvil", "rec_3": "love's labour", "rec_4": "Copper"}


def entry(recording_id: str, title: str, *, artist: str = "Ada", work: str | None = None) -> RecordingEntry:
    work_id = work and f"wrk_{recording_id}"
    sha256 = recording_id.encode().hex().zfill(64)
    recording = Recording(recording_id, title, artist, sha256, "/x", 60.0, 44_100, 2, work_id=work_id)
    party = f"pty_{artist.lower()}"
    return RecordingEntry(
        recording,
        work=Work(work_id, work) if work and work_id else None,
        parties=[Party(party, artist)],
        contributions=[Contribution(recording_id, party, Role.PERFORMER)],
        shares=[Share(work_id, party, RightType.MECHANICAL, 1)] if work_id else [],  # type: ignore[arg-type]
    )


@pytest.fixture
def catalogue(place: Path | str) -> Iterator[Catalogue]:
    opened = Catalogue(place, writable=True)
    for recording_id, title in TITLES.items():
        opened.add(entry(recording_id, title, artist="Bo" if recording_id == "rec_4" else "Ada"))
    yield opened
    opened.close()


def found(catalogue: Catalogue, text: str, *, party_id: str | None = None, limit: int = 9) -> list[str]:
    return [each.id for each, _ in catalogue.search(text, limit=limit, party_id=party_id)]


def index(catalogue: Catalogue) -> None:
    while catalogue.index_words():
        pass


@pytest.mark.parametrize("few", [searching._FEW, 0])  # 0: everything is common, and is come across
@pytest.mark.parametrize("indexed", [True, False])
def test_words_are_found_wherever_they_stand(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, few: int, *, indexed: bool
) -> None:
    monkeypatch.setattr(searching, "_FEW", few)
    if indexed:
        index(catalogue)
    asked = {
        "love": ["rec_2", "rec_3"],
        "LOVE anv": ["rec_2"],  # the last word may be unfinished
        "anvil love": ["rec_2"],
        "den wolken": ["rec_1"],
        "copper bo": ["rec_4"],  # title and artist
        "copper ada": [],
        "nothing": [],
        "%": [],
        '"': [],
        "": list(TITLES),
    }
    assert {text: found(catalogue, text) for text in asked} == asked
    assert found(catalogue, "love", limit=1) == ["rec_2"]
    assert found(catalogue, "", party_id="pty_bo") == ["rec_4"]
    assert found(catalogue, "love", party_id="pty_bo") == []
    assert [each.id for each, _ in catalogue.search("love", limit=9, after="rec_2")] == ["rec_3"]


def test_codes_and_works_are_found_too(catalogue: Catalogue) -> None:
    index(catalogue)
    catalogue.add(entry("rec_5", "Blue", work="Azul"))
    with writing(catalogue.engine) as connection:
        connection.execute(update(recordings).where(recordings.c.id == "rec_5").values(isrc="USAB10000001"))
        connection.execute(update(works).values(iswc="T0345246801"))
    for _ in range(2):  # read through, then looked up
        for text in ("rec_5", "usab10000001", "t0345246801", "azul", "azu"):
            assert found(catalogue, text) == ["rec_5"], text
        index(catalogue)
    assert found(catalogue, "", party_id="pty_ada", limit=1) == ["rec_1"]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_accents_do_not_hide(catalogue: Catalogue) -> None:
    index(catalogue)
    assert found(catalogue, "uber") == found(catalogue, "ÜBER") == ["rec_1"]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_the_index_is_made_again_where_a_table_was(catalogue: Catalogue, tmp_path: Path) -> None:
    index(catalogue)
    with sqlite3.connect(tmp_path / "catalogue.sqlite3") as connection:
        connection.execute("DROP TRIGGER recording_words_work_after")
    assert catalogue.index_words()
    assert found(catalogue, "anvil") == ["rec_2"]


WORDS = st.sampled_from(["alpha", "alphabet", "beta", "Beta-gamma", "gam", "ma"])
CHANGE = st.tuples(st.sampled_from(["add", "title", "work", "delete", "index"]), st.integers(0, 5), WORDS, WORDS)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(changes=st.lists(CHANGE, max_size=25))
def test_what_is_found_is_what_is_there_whatever_changed(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, int, str, str]]
) -> None:
    catalogue = Catalogue(tmp_path_factory.mktemp("words") / "catalogue.sqlite3", writable=True)
    there: dict[str, list[str]] = {}
    for what, number, one, two in changes:
        key = f"rec_{number}"
        if what == "index":
            catalogue.index_words()
        elif what == "add" and key not in there:
            with writing(catalogue.engine) as connection:
                connection.execute(delete(works).where(works.c.id == f"wrk_{key}"))
            catalogue.add(entry(key, one, work=two))
            there[key] = [one, two]
        elif key in there and what != "add":
            with writing(catalogue.engine) as connection:
                if what == "delete":
                    connection.execute(delete(recordings).where(recordings.c.id == key))
                    del there[key]
                else:
                    table, own = (recordings, key) if what == "title" else (works, f"wrk_{key}")
                    connection.execute(update(table).where(table.c.id == own).values(title=one))
                    there[key][what == "work"] = one
    index(catalogue)
    for word in ("alpha", "alp", "beta", "gam", "gamma", "ma"):
        said = {key: words.words_of(" ".join(titles)) for key, titles in there.items()}
        begins = re.compile(word if len(word) > 2 else f"{word}$")
        assert found(catalogue, word) == sorted(k for k, each in said.items() if any(map(begins.match, each))), word
    catalogue.close()
