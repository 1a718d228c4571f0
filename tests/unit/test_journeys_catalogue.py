import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import Connection

from linernotes.errors import FormatError, NotFoundError, StorageError
from linernotes.formats.csv_lines import read_cells
from linernotes.formats.cwr import CwrWork
from linernotes.formats.cwr_print import CwrWriter
from linernotes.formats.ddex_print import ErnParty
from linernotes.formats.party_cells import PartyLine
from linernotes.formats.tables import read_header
from linernotes.journeys import interchange
from linernotes.journeys.catalogue import Checked, Imported, check, describe, import_files, recognise
from linernotes.journeys.naming import party_id
from linernotes.journeys.reading import in_other_processes
from linernotes.journeys.table_rows import Told, from_lines
from linernotes.model import AiDisclosure, Problem, Recording, RecordingEntry, Reference, RightType, Role
from linernotes.store.batches import Batch
from linernotes.store.bulk import those_set_aside
from linernotes.store.database import reading, writing
from linernotes.store.entering import Entering
from linernotes.workspace import Workspace

TABLE = (
    "title,artist,isrc,iswc,writers,publisher,label,year,ai\n"
    "Night,Ada; Ben,US-AT2-99-00609,T-034.524.680-1,"
    "Ada Example [IPI 00014107338] 1/2; Ben 1/4,Pub 1/4,Lab 100%,1999,all\n"
    "Day,Ada,US-AT2-99-00610,,Ada Example [IPI 00014107338] 1/2; Cem 1/2,,,2001,\n"
    ",,,,Dua 1,,,,\n"
)
AT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path, place: Path | str) -> Iterator[Workspace]:
    url = None if isinstance(place, Path) else place
    with Workspace(tmp_path / "workspace", database_url=url, writable=True) as opened:
        yield opened


def table(tmp_path: Path, text: str = TABLE, *, name: str = "catalogue.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def imported(workspace: Workspace, path: Path, **options: object) -> Imported:
    return import_files(workspace, [path], **options)  # type: ignore[arg-type]


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


def everything(workspace: Workspace) -> list[str]:
    return sorted(
        repr(said)
        for page in workspace.catalogue.pages()
        for saids in (
            *([page.recordings, page.works.values(), page.parties.values(), page.voices.values()]),
            page.model_releases.values(),
            *(*page.contributions.values(), *page.shares.values()),
        )
        for said in saids
    )


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


def test_over_claims_inside_one_file_are_told_at_once(tmp_path: Path, workspace: Workspace) -> None:
    cwr = tmp_path / "x.V21"
    parties = [PartyLine(name, Role.WRITER, Fraction(5001, 10_000)) for name in ("ADA", "BEN")]
    writer = CwrWriter(
        [CwrWork("NIGHT", "T0345246801", tuple(parties))], sender="X", sender_ipi="00000000199", at=AT, version="2.1"
    )
    cwr.write_text("".join(writer), newline="")
    result = imported(workspace, cwr)
    assert {p.code for p in result.problems} == {"cwr_not_kept", "shares_conflict"}
    assert any("ADA 5001/10000" in p.message and "BEN 5001/10000" in p.message for p in result.problems)
    cell = "Ada 1/1 (US, from 2026-01-01, until 2026-03-01); Ben 1/1 (US, from 2026-02-01)"
    dated = f'title,iswc,writers\nDay,T0000000010,"{cell}"\n'
    (told, *rest) = imported(workspace, table(tmp_path, dated)).problems
    assert (told.code, len(rest)) == ("shares_conflict", 2)
    assert "US" in told.message
    assert "2026-02-01" in told.message


def test_what_one_party_is_said_to_hold_twice_survives(tmp_path: Path, workspace: Workspace) -> None:
    first = "title,artist,isrc,writers,label\nNight,Ada,USAT29900609,Ben 1/2,Lab 1/4\n"
    imported(workspace, table(tmp_path, first))
    result = imported(workspace, table(tmp_path, first.replace("1/2", "1/4").replace("Lab 1/4", "Lab 1/2")))
    assert {p.code for p in result.problems} == {"shares_overlap"}
    problems: list[Problem] = []
    text = "".join(interchange.table(workspace, problems))
    assert (problems, text.count("USAT29900609")) == ([], 2)
    with Workspace(tmp_path / "other", writable=True) as other:
        imported(other, table(tmp_path, text, name="again.csv"))
        assert everything(other) == everything(workspace)
    list(interchange.cwr(workspace, problems, sender="X", sender_ipi="00000000199", at=AT, version="2.2"))
    assert "Ben 1/4 of Night: said twice" in next(p.message for p in problems if p.code == "shares_overlap")


def test_a_voice_under_two_identifiers_of_one_party_is_one(tmp_path: Path, workspace: Workspace) -> None:
    isni, ipi = "ISNI 0000 0001 2103 2683", "IPI 00014107338"
    text = f'voice,consent\n"Ada [{ipi}, {isni}] 1/2",\nAda [{isni}] 1/2; Ben 1/4,signed\n'
    result = imported(workspace, table(tmp_path, text))
    assert (result.problems, result.n_voices) == ([], 1)
    again = imported(workspace, table(tmp_path, f"voice,consent\nAda [{isni}] 1/2,signed\n"))
    assert (again.problems, again.n_voices) == ([], 0)
    page = describe(workspace, "Ada")
    (voice,) = page.voices.values()
    assert voice.consent == "signed"
    assert {(page.parties[share.party_id].name, share.fraction) for share in page.shares[voice.id]} == {
        ("Ada", Fraction(1, 2)),
        ("Ben", Fraction(1, 4)),
    }


VOICES = (
    "title,artist,isrc,voice,voice_name,consent\n"
    'Copper,Cara,USAT29900611,Cara [ISNI 0000000121032683] 1/2; Lab 1/2,Cara (low),"signed, 2026-11-01"\n'
    ",,,Dua,,\n"
)


def test_voices_enter_with_their_consent_and_come_back(tmp_path: Path, workspace: Workspace) -> None:
    result = imported(workspace, table(tmp_path, VOICES))
    assert (result.problems, result.n_voices, result.n_recordings) == ([], 2, 1)
    page = describe(workspace, "0000000121032683")
    (voice,) = page.voices.values()
    assert (voice.name, voice.consent) == ("Cara (low)", "signed, 2026-11-01")
    assert {(page.parties[s.party_id].name, s.fraction, s.right_type) for s in page.shares[voice.id]} == {
        ("Cara", Fraction(1, 2), RightType.VOICE),
        ("Lab", Fraction(1, 2), RightType.VOICE),
    }
    assert describe(workspace, voice.id).voices == page.voices
    entry = workspace.claims.reference(Reference(voice.id, "Cara", "Cara", None, None))
    assert entry is not None
    assert entry.voice == voice
    assert entry.registered_at[voice.id] is not None
    again = imported(workspace, table(tmp_path, VOICES.replace(",,,Dua,,", ",,,Dua,,yes")))
    assert (again.problems, again.n_voices) == ([], 0)
    assert [v.consent for v in describe(workspace, "Dua").voices.values()] == ["yes"]
    problems: list[Problem] = []
    text = "".join(interchange.table(workspace, problems))
    with Workspace(tmp_path / "other", writable=True) as other:
        assert imported(other, table(tmp_path, text, name="again.csv")).problems == []
        assert everything(other) == everything(workspace)
    list(interchange.cwr(workspace, problems, sender="X", sender_ipi="00000000199", at=AT, version="2.2"))
    faults = imported(
        workspace, table(tmp_path, "title,voice,consent\nX,,yes\nY,Ada 1/1; Ben 1/1,\nZ,Eva [AI all],\n")
    ).problems
    assert sorted((p.code, p.where.rpartition(":")[2]) for p in faults) == [
        ("shares", "3"),
        ("voice", "2 voice"),
        ("voice", "4 voice"),
    ]


MODELS = (
    "title,model_release,model_party\n"
    ',"Hearth 1.0; large",Ember Audio [IPI 00014107338]\n'
    "Night,Hearth 1.1,Ember Audio [IPI 00014107338]\n"
)


def test_model_releases_enter_with_who_answers_for_them_and_come_back(tmp_path: Path, workspace: Workspace) -> None:
    result = imported(workspace, table(tmp_path, MODELS))
    assert (result.problems, result.n_model_releases, result.n_recordings, result.n_parties) == ([], 2, 1, 1)
    page = describe(workspace, "Ember Audio")
    assert {release.name for release in page.model_releases.values()} == {"Hearth 1.0; large", "Hearth 1.1"}
    (told,) = workspace.catalogue.model_releases()
    assert told.model_releases == page.model_releases
    assert set(told.parties) == {release.party_id for release in page.model_releases.values()}
    for release in page.model_releases.values():
        assert describe(workspace, release.id).model_releases == {release.id: release}
    assert (imported(workspace, table(tmp_path, MODELS)).problems, *workspace.catalogue.model_releases()) == ([], told)
    problems: list[Problem] = []
    text = "".join(interchange.table(workspace, problems))
    assert (problems, "mdl_" in text) == ([], False)
    with Workspace(tmp_path / "other", writable=True) as other:
        assert imported(other, table(tmp_path, text, name="again.csv")).problems == []
        assert everything(other) == everything(workspace)
    list(interchange.cwr(workspace, problems, sender="X", sender_ipi="00000000199", at=AT, version="2.2"))
    assert [p.code for p in problems] == ["model_release"] * 2


def test_a_model_release_is_the_same_however_its_party_is_named(tmp_path: Path, workspace: Workspace) -> None:
    both = "[IPI 00014107338, ISNI 0000000121032683]"
    first = imported(workspace, table(tmp_path, f'model_release,model_party\nHearth,"Ember {both}"\n'))
    assert (first.problems, first.n_model_releases) == ([], 1)
    again = imported(workspace, table(tmp_path, "model_release,model_party\nhearth,Ember [ISNI 0000000121032683]\n"))
    assert (again.problems, again.n_model_releases, again.n_parties) == ([], 0, 0)
    text = "model_release,model_party\nHearth,Ember\nHearth,Other Ember\n"
    assert imported(workspace, table(tmp_path, text)).n_model_releases == 2


def test_a_model_release_keeps_its_name_until_a_day_and_its_party(tmp_path: Path, workspace: Workspace) -> None:
    imported(workspace, table(tmp_path, "model_release,model_party\nHearth,Ember\n"))
    ((key, before),) = describe(workspace, "Ember").model_releases.items()
    header = "model_release,model_release_id,model_party\n"
    renamed = table(tmp_path, f"{header}Hearth One,{key},Ember\n")
    assert [p.code for p in imported(workspace, renamed).problems] == ["differs"]
    assert imported(workspace, renamed, on=date(2026, 6, 1)).problems == []
    assert describe(workspace, key, on=date(2026, 5, 31)).model_releases[key] == before
    assert describe(workspace, key).model_releases[key].name == "Hearth One"
    sold = table(tmp_path, f"{header}Hearth One,{key},Other\n")
    (problem,) = imported(workspace, sold, on=date(2026, 7, 1)).problems
    assert f"the party_id of {key} is" in problem.message
    text = "".join(interchange.table(workspace, []))
    assert key in text
    with Workspace(tmp_path / "other", writable=True) as other:
        imported(other, table(tmp_path, text))
        assert describe(other, key).model_releases == describe(workspace, key).model_releases


def test_a_faulty_model_release_is_told_by_line_and_column(tmp_path: Path, workspace: Workspace) -> None:
    lines = ["Hearth,,", ",Ember,", "Hearth,Ember; Ash,", "Hearth,Ember 1/2,", "Hearth,Ember [AI all],", "H,E,7"]
    path = table(tmp_path, "\n".join(["model_release,model_party,model_release_id", *lines, "Hearth,Ember,", ""]))
    result = imported(workspace, path)
    assert [p.where.rpartition(":")[2] for p in result.problems] == [
        *("2 model_party", "3 model_release", "4 model_party", "5 model_party", "6 model_party", "7 model_release_id")
    ]
    assert (result.n_faulty, result.n_model_releases) == (6, 1)


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


def test_what_enters_in_bulk_is_registered_now(tmp_path: Path, workspace: Workspace) -> None:
    before = datetime.now(UTC)
    imported(workspace, table(tmp_path))
    entry = workspace.claims.reference(Reference("x", "Night", "Ada", "USAT29900609", None))
    assert entry is not None
    assert entry.work is not None
    assert len(entry.registered_at) == 2
    assert all(before <= moment <= datetime.now(UTC) for moment in entry.registered_at.values())
    first = entry.registered_at
    imported(workspace, table(tmp_path))
    again = workspace.claims.reference(Reference("x", "Night", "Ada", "USAT29900609", None))
    assert again is not None
    assert again.registered_at == first


def test_indexes_set_aside_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linernotes.journeys.catalogue._ALONE_BYTES_MAX", 1)
    monkeypatch.setattr("linernotes.formats.csv_lines._CHUNK_LINES", 1)
    seen: list[int] = []
    enter = Entering.enter

    def watched(self: Entering, connection: Connection, batch: Batch) -> None:
        seen.append(len(those_set_aside(connection)))
        enter(self, connection, batch)

    monkeypatch.setattr(Entering, "enter", watched)
    monkeypatch.setattr("linernotes.journeys.catalogue._read_table", _read_here)
    with Workspace(tmp_path / "w", writable=True) as workspace:
        lines = "title,isrc,iswc,writers\nA,USAT29900609,T0345246801,Ada 1/1\nB,USAT29900610,T0345246801,Ada 1/1\n"
        result = imported(workspace, table(tmp_path, lines + "C,,,Eva 1/1\n"))
        assert (result.n_works, result.n_recordings) == (2, 3)
        # A work that comes up again is looked up by its shares: their index is back before the third batch.
        assert seen == [4, 4, 3]
        with reading(workspace.catalogue.engine) as connection:
            assert those_set_aside(connection) == []
        imported(workspace, table(tmp_path))
        assert seen[3:] == [0, 0, 0]
    with Workspace(tmp_path / "w", writable=True) as workspace, writing(workspace.catalogue.engine) as connection:
        connection.exec_driver_sql("DROP INDEX ix_parties_name")  # as a kill would leave it
    with Workspace(tmp_path / "w", writable=True) as workspace, reading(workspace.catalogue.engine) as connection:
        assert those_set_aside(connection) == []


def _read_here(path: Path, *, jobs: int) -> Iterator[Told]:
    del jobs
    header = read_header(path)
    for lines in read_cells(path, header):
        yield from_lines(path, header, lines)


_IMPORT = """
import sys, time
from pathlib import Path
from linernotes.journeys.catalogue import import_files
from linernotes.store.bulk import those_set_aside
from linernotes.store.database import reading, writing
from linernotes.store.entering import Entering
from linernotes.workspace import Workspace
folder, url, table, ready = sys.argv[1:]
with Workspace(Path(folder), database_url=url or None, writable=True) as workspace:
    Path(ready, Path(table).name).touch()
    while len(list(Path(ready).iterdir())) < 2:
        time.sleep(0.002)
    result = import_files(workspace, [Path(table)])
print(result.n_works, result.n_recordings, sorted({p.code for p in result.problems}))
"""


def test_two_processes_import_at_once_and_nothing_is_lost(
    tmp_path: Path, place: Path | str, workspace: Workspace
) -> None:
    assert len(workspace.catalogue) == 0  # makes the database
    ready = tmp_path / "ready"
    ready.mkdir()
    both = "title,isrc,iswc,writers\n" + "".join(f"T{n},USAT29910{n:03d},,Ada {n + 1}/200\n" for n in range(100))
    texts = (both, both + "Own,USAT29920000,,Ben 1/1\n")
    tables = [table(tmp_path, text, name=f"{n}.csv") for n, text in enumerate(texts)]
    url = "" if isinstance(place, Path) else place
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _IMPORT, tmp_path / "workspace", url, path, ready], stdout=subprocess.PIPE, text=True
        )
        for path in tables
    ]
    told = [process.communicate(timeout=120)[0].split(maxsplit=2) for process in processes]
    assert [problems.strip() for *_, problems in told] == ["[]", "[]"]
    # Who came second found the hundred there already; the shares stand once.
    assert sum(int(n_recordings) for _, n_recordings, _ in told) == len(workspace.catalogue) == 101
    assert list(check(workspace, checked := Checked())) != []
    assert set(checked.n_findings) == {"shares_missing"}


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


def test_other_processes_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linernotes.journeys.catalogue._ALONE_BYTES_MAX", 1)
    with Workspace(tmp_path / "w", writable=True) as workspace:
        result = imported(workspace, table(tmp_path), jobs=2)
        assert (result.n_works, result.n_recordings, result.n_faulty) == (2, 2, 1)


def test_three_processes_read_in_order_up_to_where_a_file_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("title,isrc\n" + "".join(f"T{n},USAT2{n:07d}\n" for n in range(21_000)))
    with path.open("ab") as handle:
        handle.write(b"\xff\xfe,\n")
    batches: list[list[str]] = []
    with pytest.raises(FormatError, match="not UTF-8"):
        for told in in_other_processes(path, jobs=3):
            batches.append(sorted(told.batch.recordings.column("isrc")))
    assert [isrc for batch in batches for isrc in batch] == [f"USAT2{n:07d}" for n in range(20_000)]


def test_a_process_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linernotes.journeys.reading._send", os._exit)
    with pytest.raises(StorageError, match="a process that read it died"):
        list(in_other_processes(table(tmp_path), jobs=1))


def test_what_is_not_here(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="nothing"):
        describe(workspace, "nothing")


def test_what_was_entered_stays_and_the_same_command_does_the_rest(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linernotes.store.catalogue._KEPT_EVERY_S", 0.0)
    monkeypatch.setattr("linernotes.formats.csv_lines._CHUNK_LINES", 1)
    path = table(tmp_path, "title,isrc\n" + "".join(f"T{n},USAT2990061{n}\n" for n in range(5)))
    enter, left = Entering.enter, [3]

    def fail(self: Entering, connection: Connection, batch: Batch) -> None:
        left[0] -= 1
        if not left[0]:
            raise RuntimeError("the power went")
        enter(self, connection, batch)

    monkeypatch.setattr(Entering, "enter", fail)
    with pytest.raises(RuntimeError, match="power"):
        imported(workspace, path)
    assert len(workspace.catalogue) == 2
    monkeypatch.setattr(Entering, "enter", enter)
    result = imported(workspace, path)
    assert (result.n_recordings, result.n_known, len(workspace.catalogue)) == (3, 2, 5)
