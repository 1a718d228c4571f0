"""A catalogue table, and how tests import one."""

from datetime import UTC, datetime
from pathlib import Path

from linernotes.journeys.catalogue import Imported, import_files
from linernotes.workspace import Workspace

TABLE = (
    "title,artist,isrc,iswc,writers,publisher,label,year,ai\n"
    "Night,Ada; Ben,US-AT2-99-00609,T-034.524.680-1,"
    "Ada Example [IPI 00014107338] 1/2; Ben 1/4,Pub 1/4,Lab 100%,1999,all\n"
    "Day,Ada,US-AT2-99-00610,,Ada Example [IPI 00014107338] 1/2; Cem 1/2,,,2001,\n"
    ",,,,Dua 1,,,,\n"
)
AT = datetime(2026, 5, 1, tzinfo=UTC)


def table(tmp_path: Path, text: str = TABLE, *, name: str = "catalogue.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def imported(workspace: Workspace, path: Path, **options: object) -> Imported:
    return import_files(workspace, [path], **options)  # type: ignore[arg-type]


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
