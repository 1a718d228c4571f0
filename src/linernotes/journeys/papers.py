"""The papers of a notice as files: a folder for each in the outbox, text, PDF and JSON beside each other.

The same notice gives the same bytes: what a crash left out is written when deliveries are made, and nothing twice.
"""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from linernotes.document import Document
from linernotes.formats.letters import plain_text
from linernotes.formats.pdf import pdf
from linernotes.journeys.files import write_whole
from linernotes.model import UseType
from linernotes.rights.letters import notice_letter
from linernotes.rights.notices import Contact, Notice, Platform, Regime, Statements, Use
from linernotes.store.notices import StoredNotice
from linernotes.workspace import Workspace

__all__ = ["content_of", "folder_of", "notice_of", "write_notice", "write_paper"]


def content_of(notice: Notice) -> str:
    """Return a notice as the JSON that is stored, and whose digest the chain keeps."""
    return json.dumps(
        asdict(notice) | {"written_on": notice.written_on.isoformat()}, ensure_ascii=False, sort_keys=True
    )


def notice_of(content: str) -> Notice:
    """Return the notice that :func:`content_of` wrote."""
    said: dict[str, Any] = json.loads(content)
    return Notice(
        **said
        | {
            "regime": Regime(said["regime"]),
            "platform": Platform(**said["platform"]),
            "locations": tuple(said["locations"]),
            "uses": tuple(Use(**use | {"use_type": UseType(use["use_type"])}) for use in said["uses"]),
            "contact": Contact(**said["contact"]),
            "on_behalf_of": tuple(said["on_behalf_of"]),
            "statements": Statements(**said["statements"]),
            "written_on": date.fromisoformat(said["written_on"]),
        }
    )


def folder_of(workspace: Workspace, stored: StoredNotice) -> Path:
    """Return the folder in the outbox where a notice's papers are."""
    return workspace.folder / "outbox" / stored.platform_id / stored.id


def write_notice(workspace: Workspace, stored: StoredNotice) -> Path:
    """Write a notice's own files, those that are not there yet; return its folder."""
    folder = folder_of(workspace, stored)
    names = ("notice.txt", "notice.pdf", "notice.json")
    if not all((folder / name).exists() for name in names):
        write_paper(folder, "notice", notice_letter(notice_of(stored.content)))
        write_whole(folder / "notice.json", stored.content)
    return folder


def write_paper(folder: Path, name: str, document: Document) -> None:
    """Write a letter as text and as PDF."""
    write_whole(folder / f"{name}.txt", plain_text(document))
    write_whole(folder / f"{name}.pdf", pdf(document))
