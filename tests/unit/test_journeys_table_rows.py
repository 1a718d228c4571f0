from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from linernotes.formats.cwr import CwrWork
from linernotes.formats.cwr_print import CwrWriter
from linernotes.formats.party_cells import PartyLine
from linernotes.journeys import interchange
from linernotes.journeys.catalogue import describe
from linernotes.model import Problem, Reference, RightType, Role
from linernotes.workspace import Workspace
from tests.catalogue_samples import AT, everything, imported, table


@pytest.fixture
def workspace(tmp_path: Path, place: Path | str) -> Iterator[Workspace]:
    url = None if isinstance(place, Path) else place
    with Workspace(tmp_path / "workspace", database_url=url, writable=True) as opened:
        yield opened


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
