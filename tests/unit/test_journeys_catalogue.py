from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from linernotes.errors import NotFoundError
from linernotes.formats.ddex_print import ErnParty
from linernotes.journeys import interchange
from linernotes.journeys.catalogue import Checked, check, describe, import_files, recognise
from linernotes.journeys.naming import party_id
from linernotes.model import AiDisclosure, Problem, Recording, RecordingEntry, RightType, Role
from linernotes.workspace import Workspace
from tests.catalogue_samples import AT, everything, imported, table


@pytest.fixture
def workspace(tmp_path: Path, place: Path | str) -> Iterator[Workspace]:
    url = None if isinstance(place, Path) else place
    with Workspace(tmp_path / "workspace", database_url=url, writable=True) as opened:
        yield opened


def test_a_table_becomes_a_catalogue(tmp_path: Path, workspace: Workspace) -> None:
    path = table(tmp_path)
    result = imported(workspace, path)
    assert (result.n_works, result.n_recordings, result.n_lines, result.n_faulty) == (2, 2, 3, 1)
    assert [(p.code, p.where) for p in result.problems] == [("title", f"{path}:4 title")]
    page = describe(workspace, "US-AT2-99-00609")
    (recording,) = page.recordings
    assert (recording.title, recording.artist, recording.sha256) == ("Night", "Ada, Ben", "")
    assert recording.contains_ai is AiDisclosure.ALL
    (work,) = page.works.values()
    assert sum(s.fraction for s in page.shares[work.id] if s.right_type is RightType.MECHANICAL) == 1
    assert {c.role for c in page.contributions[recording.id]} == {Role.PERFORMER, Role.LABEL}
    assert describe(workspace, "T-034.524.680-1").works == page.works
    assert len(describe(workspace, "00014107338").works) == 2


def test_twice_the_same_changes_nothing(tmp_path: Path, workspace: Workspace) -> None:
    path = table(tmp_path)
    imported(workspace, path)
    before = list(workspace.catalogue.pages())
    again = imported(workspace, path)
    assert (again.n_works, again.n_recordings, again.n_parties, again.n_known) == (0, 0, 0, 2)
    assert list(workspace.catalogue.pages()) == before


def test_over_claims_are_a_conflict_that_names_both_sides(tmp_path: Path, workspace: Workspace) -> None:
    imported(workspace, table(tmp_path, "title,iswc,writers\nNight,T0345246801,Ada 1/1\n"))
    result = imported(workspace, table(tmp_path, "title,iswc,writers\nNight,T0345246801,Ben 1/10000\n"))
    assert {p.code for p in result.problems} == {"shares_conflict"}
    assert all("Ada 1 " in p.message and "Ben 1/10000" in p.message for p in result.problems)
    found = list(check(workspace, checked := Checked()))
    assert (len(found), checked.n_findings["shares_conflict"]) == (3, 3)


def test_two_lines_of_one_file_that_differ_are_a_conflict_too(tmp_path: Path, workspace: Workspace) -> None:
    text = "title,isrc,iswc,writers\nA,USAT29900609,T0345246801,Ada 1/1\nB,USAT29900610,T0345246801,Ben 1/1\n"
    result = imported(workspace, table(tmp_path, text))
    assert {p.code for p in result.problems} == {"differs", "shares_conflict"}


def test_what_is_new_from_a_day_on_leaves_what_was(tmp_path: Path, workspace: Workspace) -> None:
    imported(workspace, table(tmp_path, "title,iswc,writers\nNight,T0345246801,Ada 1/2; Ben 1/2\n"))
    later = table(tmp_path, "title,iswc,writers\nNight,T0345246801,Ada 1/2; Cem 1/2\n")
    result = imported(workspace, later, on=date(2026, 6, 1))
    assert (result.problems, result.n_shares_ended) == ([], 3)
    holders = {
        day: {
            (page.parties[share.party_id].name, share.fraction)
            for page in [describe(workspace, "T0345246801", on=day)]
            for held in page.shares.values()
            for share in held
        }
        for day in (date(2026, 5, 1), date(2026, 6, 1))
    }
    half = Fraction(1, 2)
    assert holders[date(2026, 5, 1)] == {("Ada", half), ("Ben", half)}
    assert holders[date(2026, 6, 1)] == {("Ada", half), ("Cem", half)}
    assert imported(workspace, later, on=date(2026, 6, 1)).n_shares_ended == 0
    assert list(check(workspace, Checked())) == []


def test_a_difference_is_told_and_the_catalogue_keeps_its_own(tmp_path: Path, workspace: Workspace) -> None:
    imported(workspace, table(tmp_path))
    text = "title,artist,isrc,year\nNight,Ada; Ben,USAT29900609,2000\nOther,Ada,USAT29900610,2001\n"
    result = imported(workspace, table(tmp_path, text))
    told = sorted(p.message for p in result.problems)
    assert "the title of" in told[0]
    assert "'Day' in the catalogue, 'Other' here" in told[0]
    assert "the year of" in told[1]
    assert describe(workspace, "USAT29900609").recordings[0].year == 1999


def test_what_was_missing_is_added(tmp_path: Path, workspace: Workspace) -> None:
    imported(workspace, table(tmp_path, "title,isrc\nNight,USAT29900609\n"))
    text = (
        "title,artist,isrc,year,iswc,writers\nNight,Ada,USAT29900609,1999,T0345246801,Ada [ISNI 0000000121032683] 1/1\n"
    )
    assert imported(workspace, table(tmp_path, text)).problems == []
    page = describe(workspace, "USAT29900609")
    assert (page.recordings[0].artist, page.recordings[0].year) == ("Ada", 1999)
    assert [work.iswc for work in page.works.values()] == ["T0345246801"]


def test_one_identifier_is_one_party_and_one_that_differs_is_told(tmp_path: Path, workspace: Workspace) -> None:
    imported(workspace, table(tmp_path, "title,writers\nA,Ada [IPI 00014107338] 1/1\n"))
    text = (
        "title,writers\n"
        '"B","A. Example [IPI 00014107338, ISNI 0000000121032683] 1/1"\n'
        '"C","A. Example [IPI 00014107338, ISNI 000000012146438X] 1/1"\n'
    )
    result = imported(workspace, table(tmp_path, text))
    assert [p.code for p in result.problems] == ["party_conflict"]
    page = describe(workspace, "00014107338")
    assert {party.name for party in page.parties.values()} == {"Ada"}
    assert page.parties[party_id("Ada", "00014107338")].isni == "0000000121032683"


def test_a_recording_that_was_told_of_is_the_one_that_is_heard(tmp_path: Path, workspace: Workspace) -> None:
    imported(workspace, table(tmp_path))
    heard = Recording("rec_0123456789abcdef", "Night", "Ada", "ab" * 32, "/a.wav", 9.0, 44_100, 2, isrc="USAT29900609")
    workspace.catalogue.add(RecordingEntry(heard))
    page = describe(workspace, "USAT29900609")
    assert page.recordings[0].id == heard.id
    assert page.recordings[0].year == 1999
    assert len(page.works) == 1
    assert {c.role for c in page.contributions[heard.id]} == {Role.PERFORMER, Role.LABEL}


def test_a_catalogue_written_as_a_table_is_the_same_catalogue(tmp_path: Path, workspace: Workspace) -> None:
    extra = (
        "title,artist,isrc,writers,producer\n"
        'Sum 41 1/2,"50 Cent; ""A; B""",,"Ada 1/2 (performance, US, from 2026-01-01, until 2027-01-01); Ada 1/3",Pro\n'
        ",,,,\n"
    )
    imported(workspace, table(tmp_path))
    imported(workspace, table(tmp_path, extra))
    imported(workspace, table(tmp_path, "work_title,writers\nUnrecorded,Eva 1/1\n"))
    problems: list[Problem] = []
    text = "".join(interchange.table(workspace, problems))
    assert problems == []
    with Workspace(tmp_path / "other", writable=True) as other:
        result = imported(other, table(tmp_path, text, name="again.csv"))
        assert [p for p in result.problems if not p.code.startswith("shares")] == []
        assert everything(other) == everything(workspace)
        assert "".join(interchange.table(other, problems)) == text


def test_cwr_and_ern_and_back(tmp_path: Path, workspace: Workspace) -> None:
    imported(workspace, table(tmp_path))
    problems: list[Problem] = []
    cwr = "".join(interchange.cwr(workspace, problems, sender="X", sender_ipi="00000000199", at=AT, version="2.2"))
    ern = "".join(
        interchange.ern(
            workspace,
            problems,
            sender=ErnParty("PADPIDA2014021302H", "X"),
            recipient=ErnParty("PADPIDA2024072201A", "Y"),
            at=AT,
            deal_from=None,
            version="4.3.2",
        )
    )
    for number, (name, text, kind) in enumerate((("a.V22", cwr, "cwr"), ("a.xml", ern, "ern"))):
        path = tmp_path / name
        path.write_bytes(text.encode())
        assert recognise(path) == kind
        with Workspace(tmp_path / f"other{number}", writable=True) as other:
            result = imported(other, path)
            assert (result.n_works, result.n_recordings) == (2, 2)
            assert {p.code for p in result.problems} <= {"cwr_not_kept", "ern_not_kept"}
            page = describe(other, "USAT29900609")
            (work,) = page.works.values()
            assert work.title.upper() == "NIGHT"
            assert sum(s.fraction for s in page.shares[work.id] if s.right_type is RightType.PERFORMANCE) == 1
    assert result.taken_down == ["USAT29900610", "USAT29900609"] or set(result.taken_down) == {
        "USAT29900609",
        "USAT29900610",
    }


def test_files_by_others_enter(data: Path, workspace: Workspace) -> None:
    folder = data / "rights"
    paths = sorted([*(folder / "cwr").iterdir(), *(folder / "ern").glob("*.xml")])
    result = import_files(workspace, paths)
    assert result.n_works > 20
    refused = {p.where.rsplit("/", 1)[1] for p in result.problems if p.code == "xml"}
    assert refused == {"hostile-billion-laughs.xml", "sample-41.xml"}
    checked = Checked()
    assert len(list(check(workspace, checked))) == checked.n_findings.total() > 0


def test_files_by_others_come_back_as_they_were(data: Path, tmp_path: Path) -> None:
    folder = data / "rights"
    for path in sorted([*(folder / "cwr").iterdir(), *(folder / "ern").glob("*-43.xml")]):
        with Workspace(tmp_path / path.name, writable=True) as first:
            result = import_files(first, [path])
            problems: list[Problem] = []
            written = table(tmp_path, "".join(interchange.table(first, problems)), name=f"{path.name}.csv")
            assert problems == []
            if path.name == "ackexample.V21":
                assert (len(result.acknowledgements), result.n_works, result.n_recordings) == (20, 20, 18)
            before = everything(first)
        with Workspace(tmp_path / f"{path.name} again", writable=True) as second:
            assert [p.code for p in imported(second, written).problems if not p.code.startswith("shares_")] == []
            assert everything(second) == before


def test_a_title_may_change_from_a_day_on_and_was_what_it_was(tmp_path: Path, workspace: Workspace) -> None:
    text = "title,artist,isrc,iswc,year,voice,consent\nNight,Ada,USAT29900609,T0345246801,1999,Ada,yes\n"
    imported(workspace, table(tmp_path, text))
    later = table(tmp_path, text.replace("Night", "Nights").replace("1999", "2000").replace("yes", "until 2030"))
    kept = imported(workspace, later)
    assert (len(kept.problems), kept.n_changed) == (4, 0)
    result = imported(workspace, later, on=date(2026, 6, 1))
    assert (result.problems, result.n_changed) == ([], 4)
    third = table(tmp_path, text.replace("Night", "Nacht"), name="third.csv")
    assert imported(workspace, third, on=date(2026, 9, 1)).problems == []

    def said(on: date | None) -> tuple[object, ...]:
        page = describe(workspace, "USAT29900609", on=on)
        (work,), (recording,) = page.works.values(), page.recordings
        return work.title, recording.title, recording.year

    assert said(date(2026, 5, 31)) == ("Night", "Night", 1999)
    assert said(date(2026, 6, 1)) == ("Nights", "Nights", 2000)
    assert said(date(2026, 9, 1)) == said(None) == ("Nacht", "Nacht", 1999)
    (voice,) = describe(workspace, "Ada", on=date(2026, 6, 1)).voices.values()
    assert voice.consent == "until 2030"
    before = imported(workspace, later, on=date(2026, 1, 1))
    assert "which changed on 2026-09-01 already" in before.problems[0].message
    problems: list[Problem] = []
    list(interchange.table(workspace, problems))
    assert [p.code for p in problems] == ["history"]


def test_bad_input_is_told_and_the_other_files_enter(tmp_path: Path, workspace: Workspace) -> None:
    good = table(tmp_path)
    huge = tmp_path / "huge.xml"
    with huge.open("wb") as handle:
        handle.write(b"<")
        handle.truncate(1 << 30)
    bad = table(tmp_path, "artist\nx\n", name="bad.csv")
    lines = "title,isrc,iswc,writers\nA,US-AT2,,\nB,,T-034.524.680-8,\nC,,,Ada 1/2; Ben 5001/10000\nD,,,Ada 1/2 (XX)\n"
    faulty = table(tmp_path, lines, name="faulty.csv")
    result = import_files(workspace, [huge, bad, tmp_path / "none.csv", faulty, good])
    assert result.n_works == 2
    told = {(p.code, p.where.removeprefix(str(tmp_path) + "/")) for p in result.problems}
    assert told == {
        ("xml", "huge.xml"),
        ("format", "bad.csv"),
        ("format", "none.csv"),
        ("isrc", "faulty.csv:2 isrc"),
        ("iswc", "faulty.csv:3 iswc"),
        ("shares", "faulty.csv:4"),
        ("territory", "faulty.csv:5 writers"),
        ("title", "catalogue.csv:4 title"),
    }


def test_what_is_not_here(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="nothing"):
        describe(workspace, "nothing")
