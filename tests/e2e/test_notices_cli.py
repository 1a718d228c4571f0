"""Notices and split sheets through the command line, on a decided upload; the webhook is a real server."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from linernotes import webhook
from linernotes.cli import main
from linernotes.workspace import Workspace

SHA = "ab" * 32
CONTACT = (
    *("--contact-name", "Ada Łukasz", "--contact-address", "Example Street 1, Town"),
    *("--contact-phone", "+49 30 1", "--contact-email", "ada@example.org"),
)
SAID = ("--signature", "/s/ Ada", "--good-faith", "--accurate", "--authorised-under-penalty-of-perjury")
BY = ("--by", "Ada", "--why", "not with my song")


@pytest.fixture
def run_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run the command line in this process, which has everything imported already."""

    def command(*arguments: str, env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        with monkeypatch.context() as patch, pytest.raises(SystemExit) as left:
            patch.setattr("sys.argv", ["linernotes", *arguments])
            patch.chdir(tmp_path)
            for name, value in env.items():
                patch.setenv(name, value)
            main()
        return subprocess.CompletedProcess(arguments, int(left.value.code or 0), *capsys.readouterr())

    return command


@pytest.fixture
def tell(
    run: Callable[..., "subprocess.CompletedProcess[str]"],
    run_here: Callable[..., "subprocess.CompletedProcess[str]"],
    decided: Workspace,
) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run a command in the decided workspace, whichever database it has; checks the exit code."""
    url = decided.database if isinstance(decided.database, str) else None

    def command(*arguments: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        said = (*arguments, "--workspace", str(decided.folder))
        # Forty processes show what they show with SQLite; another database is another database.
        done = run(*said) if url is None else run_here(*said, env={"LINERNOTES_DATABASE": url})
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return command


@pytest.fixture
def ask(tell: Callable[..., "subprocess.CompletedProcess[str]"]) -> Callable[..., Any]:
    """Run a command with --json; gives what it told, a list where it told several things."""

    def command(*arguments: str, code: int = 0) -> Any:
        told = [json.loads(line) for line in tell(*arguments, "--json", code=code).stdout.splitlines()]
        return told[0] if len(told) == 1 else told

    return command


@pytest.fixture
def hook() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A platform's webhook on this machine, and what it was told."""
    told: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append((dict(self.headers.items()), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/", told
        http.shutdown()
        thread.join()


def test_one_decision_takes_the_upload_down_everywhere(
    tell: Callable[..., Any], ask: Callable[..., Any], hook: tuple[str, list[tuple[dict[str, str], bytes]]]
) -> None:
    url, received = hook
    added = ask("platforms", "add", "Streamhaus", "--agent", "Agent, 1 Market St", "--webhook", url, "--private")
    ask("platforms", "add", "Klangwerk", "--agent", "Stelle", "--regime", "dsa", "--country", "DE", "--region", "BE")
    ask("platforms", "locate", SHA, "Streamhaus", "https://streamhaus.example/1")
    ask("platforms", "locate", SHA, "Klangwerk", "https://klangwerk.example/1")
    assert len(ask("platforms", "list")) == 2

    lacking = tell("claims", "notice", "clm_sample", *BY, *CONTACT, code=2).stderr
    assert all(f"({key})" in lacking for key in ("i", "v", "vi", "a", "d")) or "(a)" in lacking
    draft = tell("claims", "notice", "clm_sample", *BY, *CONTACT, "--draft").stdout
    assert "DRAFT: not to be sent" in draft
    assert ask("claims", "notices") == []

    issued = ask("claims", "notice", "clm_sample", "clm_version", *BY, *CONTACT, *SAID, "--explanation", "It is ours.")
    by_platform = {notice["platform"]: notice for notice in issued["issued"]}
    assert set(by_platform) == {"Streamhaus", "Klangwerk"}
    text = (Path(by_platform["Streamhaus"]["folder"]) / "notice.txt").read_text(encoding="utf-8")
    six = ("/s/ Ada", "“Anvil”", "https://streamhaus.example/1", "+49 30 1", "good faith belief", "penalty of perjury")
    assert all(element in " ".join(text.split()) for element in six)

    notice_id = by_platform["Streamhaus"]["id"]
    assert ask("claims", "deliver")["arrived"] == [f"{notice_id}-1"]
    ((headers, body),) = received
    secret = bytes.fromhex(Path(added["key_file"]).read_text())
    assert webhook.verify(body, headers, secret=secret, now=int(headers["Linernotes-Timestamp"]))
    assert "Nothing to deliver" in tell("claims", "deliver").stdout

    ask("claims", "notice-step", notice_id, "remove", "--by", "Streamhaus", "--why", "taken down")
    counter = ("--signature", "/s/ Bo", "--mistake-under-penalty-of-perjury", "--consents-to-jurisdiction")
    lacking = tell("claims", "counter-notice", notice_id, "--by", "Bo", *CONTACT, *counter, code=2).stderr
    assert "(D)" in lacking
    clock = ask(
        *("claims", "counter-notice", notice_id, "--by", "Bo", "--on", "2026-11-16"),
        *CONTACT,
        *counter,
        "--accepts-service",
    )
    assert (clock["earliest"], clock["latest"]) == ("2026-12-01", "2026-12-07")
    early = ("--by", "Streamhaus", "--why", "time", "--on", "2026-11-30")
    assert "too early" in tell("claims", "notice-step", notice_id, "restore", *early, code=4).stderr
    assert "goes back between 2026-12-01 and 2026-12-07" in tell("claims", "notices").stdout

    klangwerk = by_platform["Klangwerk"]["id"]
    ask("claims", "notice-receipt", klangwerk, "--by", "Klangwerk", "--automated")
    decision = ("removed", "--by", "Klangwerk", "--on", "2026-08-31", "--territory", "EU", "--duration", "without end")
    reasons = (
        "--facts",
        "10 s",
        "--ground-reference",
        "§ 85 UrhG",
        "--explanation",
        "A copy.",
        "--automated-detection",
    )
    redress = ("--complain-to", "c@klangwerk.example", "--settlement-body", "User Rights", "--ground", "law")
    lacking = tell("claims", "notice-decision", klangwerk, *decision, *reasons, *redress, code=2).stderr
    assert "(c)" in lacking
    told = ask("claims", "notice-decision", klangwerk, *decision, *reasons, *redress, "--no-automated-decision")
    assert (told["state"], told["complaint_until"]) == ("removed", "2027-03-01")
    file = ask("claims", "notices", klangwerk)
    assert [row["what"] for row in file["history"]] == ["notice.issued", "notice.received", "notice.removed"]
    assert "complain" in file["can_follow"]
    assert ask("claims", "verify")["problems"] == []


def test_choices_that_are_none_are_said(tell: Callable[..., Any]) -> None:
    assert "one of dmca, dsa, voice" in tell("claims", "notice", "x", *BY, "--regime", "law", code=2).stderr
    assert "notices follow one of" in tell("platforms", "add", "X", "--agent", "A", "--regime", "law", code=2).stderr
    assert "no notice" in tell("claims", "notices", "ntc_nope", code=3).stderr
    assert "give the platform and the address" in tell("platforms", "locate", SHA, "X", code=2).stderr
    named = tell("platforms", "add", "Bad\x1b[31m", "--agent", "A").stdout
    assert ("\x1b" in named, "[U+001B]" in named) == (False, True)
    assert "WHAT 'jump'" in tell("claims", "notice-step", "n", "jump", *BY, code=2).stderr


def test_a_split_sheet_from_the_proposal_to_the_catalogue(
    tell: Callable[..., Any], ask: Callable[..., Any], tmp_path: Path
) -> None:
    ask("sheet", "alias", "Night Owl", "--of", "Cara")
    lines = ("--share", "Bea=1/2", "--share", "Night Owl=1/2")
    opened = ask("sheet", "propose", "wrk_bird", *lines, "--from", "2026-12-01", "--as", "Bea")
    sheet_id = opened["id"]
    assert (opened["state"], opened["waiting_for"]) == ("provisional", ["Night Owl"])

    token = ask("sheet", "link", sheet_id, "--for", "Night Owl", "--days", "7")["link"]
    countered = ask(
        "sheet", "counter", "--link", token, "--share", "Bea=2/5", "--share", "Night Owl=3/5", "--why", "hook"
    )
    assert (countered["version"], countered["waiting_for"]) == (2, ["Bea"])
    assert "ask for a new link" in tell("sheet", "accept", "--link", token, code=4).stderr
    assert "altered" in tell("sheet", "accept", "--link", token[:-3] + "AAA", code=2).stderr
    assert "at version 2, not 1" in tell("sheet", "accept", sheet_id, "--as", "Bea", "--version", "1", code=4).stderr
    assert "To accept: linernotes sheet accept" in tell("sheet", "show", sheet_id).stderr

    agreed = ask("sheet", "accept", sheet_id, "--as", "Bea", "--version", "2")
    assert (agreed["state"], agreed["waiting_for"]) == ("agreed", [])
    shown = tell("sheet", "show", sheet_id, "--pdf", str(tmp_path / "sheet.pdf")).stdout
    assert "Night Owl" in shown
    assert "Cara" not in shown
    assert (tmp_path / "sheet.pdf").read_bytes().startswith(b"%PDF")
    assert "is agreed" in tell("sheet", "withdraw", sheet_id, "--as", "Bea", "--version", "2", code=4).stderr
    assert ask("sheet", "list")["state"] == "agreed"
    assert ask("claims", "verify")["problems"] == []
    uneven = ("--share", "Bea=1/2", "--share", "Bo=1/3", "--from", "2027-01-01", "--as", "Bea")
    assert "add up to 5/6" in tell("sheet", "propose", "wrk_bird", *uneven, code=2).stderr
