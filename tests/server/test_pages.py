"""Every page, as every role and as another party: nothing leaks, nothing runs, nothing is done by a forged form."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi.routing import APIRoute

from linernotes import web
from linernotes.formats.liner_notes import TracedUpload, from_trace
from linernotes.journeys.claim import decide, propose
from linernotes.journeys.platforms import add_platform
from linernotes.model import Action, Contribution, Evidence, JobKind, Party, Recording, RecordingEntry, Role, Trace
from linernotes.store.jobs import NewJob
from linernotes.web.joining import ROOMS
from linernotes.workspace import Workspace
from tests.server.conftest import tell_masters, tell_model

if TYPE_CHECKING:
    from tests.server.conftest import Served

AT = datetime.now(UTC) + timedelta(days=400)  # long after everything here was registered: nobody came late
PASSWORD = "a password of the tests"
UPLOAD = "ab" * 32
HOSTILE = "<script>alert(1)<script>"  # no slash: of a path, the last part is shown
DPIDS = "sender_dpid=PADPIDA2014021302H&recipient=A+Service&recipient_dpid=PADPIDA2024072201A"
PEOPLE = ("admin", "auditor", "uploader", "another", "ada", "bea")


@dataclass
class Rooms:
    """Pages that are served, and the browsers that look at them."""

    served: "Served"
    browsers: list[httpx.Client] = field(default_factory=list)

    @property
    def ids(self) -> dict[str, str]:
        return self.served.ids

    @property
    def workspace(self) -> Workspace:
        return self.served.workspace

    def client(self, name: str | None = None) -> httpx.Client:
        self.browsers.append(self.served.client(name))
        return self.browsers[-1]


@pytest.fixture
def rooms(serve: Callable[..., "Served"], heard_three: dict[str, Evidence]) -> Iterator[Rooms]:
    """Serve pages and three claims on an upload that came from ``uploader``; Ada has decided hers."""
    served = serve()
    web.join(served.app)
    workspace = served.workspace
    anchor = Recording("rec_00000000000000aa", "Anchor", "Ada", "aa" * 32, "/music/anchor.wav", 60.0, 44_100, 2)
    ada = Contribution(anchor.id, "pty_ada", Role.PERFORMER)
    workspace.catalogue.add(RecordingEntry(anchor, parties=[Party("pty_ada", "Ada")], contributions=[ada]))
    payload = {"name": HOSTILE, "sha256": UPLOAD, "file": "x.wav", "size_bytes": 1, "claim": True}
    workspace.jobs.add([NewJob(JobKind.TRACE, "acc_uploader", payload, upload_sha256=UPLOAD)], at=AT)
    job = workspace.jobs.lease("tests", now=AT, until=AT + timedelta(days=1), attempts_max=3)
    assert job is not None
    notes = from_trace(Trace(HOSTILE, None, "rev", [heard_three["sample"]]))
    notes["query"] |= {"sha256": UPLOAD, "duration_s": 60.0, "sample_rate_hz": 44_100, "channels": 2}
    workspace.jobs.finish(job, result={"notes": notes, "waveform": [[-0.5, 0.5]] * 4}, at=AT)
    heard = TracedUpload(HOSTILE, HOSTILE, UPLOAD, list(heard_three.values()), [])
    claims = {claim.party_id: claim.id for claim in propose(workspace, heard, at=AT).claims}
    decide(workspace, claims["pty_ada"], action=Action.BLOCK, by="pty_ada", why="no", at=AT)
    served.ids |= {
        "JOB": job.id,
        "ORDER": tell_masters(workspace),
        "MODEL": tell_model(workspace),
        "ADAS": claims["pty_ada"],
        "BEAS": claims["pty_bea"],
    }
    rooms = Rooms(served)
    yield rooms
    for browser in rooms.browsers:
        browser.close()


def named(rooms: Rooms, path: str) -> str:
    """Put the ids of the story into a path."""
    return re.sub("|".join(rooms.ids), lambda found: rooms.ids[found[0]], path)


def form(browser: httpx.Client, **fields: str) -> dict[str, str]:
    """Fill a form in as a page of ours would."""
    page = browser.get("/sign-in" if "X-CSRF-Token" not in browser.headers else "/trace").text
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found
    return {"csrf": found[1], **fields}


def test_nobody_comes_in_without_signing_in(rooms: Rooms) -> None:
    outside = rooms.client()
    open_ = {"/static/{name}", "/", "/sign-in", "/sign-out"}
    routes = [route for room in ROOMS for route in room.router.routes if isinstance(route, APIRoute)]
    asked = [(route.path, method) for route in routes for method in route.methods or () if route.path not in open_]
    assert len(asked) > 30
    for path, method in asked:
        answer = outside.request(method, re.sub(r"\{\w+\}", "x", path))
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in?next="), path


PAGES = {
    #                        admin auditor uploader another ada bea
    "/trace": (200, 200, 200, 200, 200, 200),
    "/inbox": (200, 200, 200, 200, 200, 200),
    "/inbox?tab=force": (200, 200, 200, 200, 200, 200),
    "/inbox?tab=else": (404, 404, 404, 404, 404, 404),
    "/inbox/ADAS": (200, 200, 200, 404, 200, 404),
    "/inbox/BEAS": (200, 200, 200, 404, 404, 200),
    "/inbox/ADAS/clips/reference.mp3": (404, 404, 404, 404, 404, 404),  # its file is not where it was
    "/uploads/JOB": (200, 200, 200, 404, 404, 404),
    "/uploads/JOB/places.css": (200, 200, 200, 404, 404, 404),
    "/uploads/JOB/notes.json": (200, 200, 200, 404, 404, 404),
    "/uploads/JOB/notes.pdf": (200, 200, 200, 404, 404, 404),
    "/uploads/JOB/notes.xml": (400, 400, 400, 404, 404, 404),  # nobody sends it to nobody
    f"/uploads/JOB/notes.xml?{DPIDS}": (200, 200, 200, 404, 404, 404),
    "/uploads/JOB/sound": (404, 404, 404, 404, 404, 404),  # not kept
    "/uploads/JOB/clips/9/upload.mp3": (404, 404, 404, 404, 404, 404),
    "/masters": (200, 200, 200, 200, 200, 200),
    "/masters/ORDER": (200, 200, 200, 404, 404, 404),
    "/masters/ORDER/songs/1": (200, 200, 200, 404, 404, 404),
    "/masters/ORDER/songs/2": (404, 404, 404, 404, 404, 404),
    "/masters/ORDER/excerpts/1/after.mp3": (200, 200, 200, 404, 404, 404),
    "/masters/ORDER/all.zip": (200, 200, 200, 404, 404, 404),
    "/masters/ORDER/report.html": (200, 200, 200, 404, 404, 404),
    "/masters/JOB": (404, 404, 404, 404, 404, 404),  # a trace
    "/uploads/ORDER": (404, 404, 404, 404, 404, 404),
    "/work/ORDER": (303, 303, 303, 404, 404, 404),
    "/work/JOB": (303, 303, 303, 404, 404, 404),
    "/catalogue": (200, 200, 403, 403, 200, 200),
    "/catalogue?q=anvil": (200, 200, 403, 403, 200, 200),
    "/catalogue/rec_anvil": (200, 200, 403, 403, 200, 404),
    "/catalogue/rec_bird": (200, 200, 403, 403, 404, 200),
    "/catalogue/pty_ada": (200, 200, 403, 403, 200, 404),
    "/catalogue/Ada": (200, 200, 403, 403, 200, 404),
    "/models": (200, 200, 403, 403, 200, 200),
    "/models/mdl_hearth": (200, 200, 403, 403, 200, 200),
    "/models/mdl_hearth?works=25": (200, 200, 403, 403, 200, 200),
    "/models/mdl_nothing": (404, 404, 403, 403, 404, 404),
    "/policies": (200, 200, 403, 403, 200, 200),
    "/money": (200, 200, 403, 403, 200, 200),
    "/money/2026-10": (200, 200, 403, 403, 303, 303),
    "/money/2026-10/pty_ada": (404, 404, 403, 403, 404, 404),  # no run has booked it
    "/money/2026-10/pty_ada.pdf": (404, 404, 403, 403, 404, 404),
    "/money/2026-10/pty_ada/why/0123456789ab.0.0.0": (404, 404, 403, 403, 404, 404),
    "/money/never": (400, 400, 403, 403, 400, 400),
    "/accounts": (200, 200, 403, 403, 403, 403),
}


def test_everybody_sees_their_own_and_nothing_else(rooms: Rooms) -> None:
    browsers = [rooms.client(name) for name in PEOPLE]
    seen = {path: tuple(browser.get(named(rooms, path)).status_code for browser in browsers) for path in PAGES}
    assert seen == PAGES


def test_another_partys_names_are_on_no_page(rooms: Rooms) -> None:
    ada, another = rooms.client("ada"), rooms.client("another")
    for path in PAGES:
        asked = named(rooms, path)
        told_back = asked.split("/")[2] if asked.count("/") > 1 else "nothing"
        text = ada.get(asked).text.replace(told_back, "")
        assert not re.search(rf"Bluebird|Copper|{rooms.ids['BEAS']}", text), path
        text = another.get(asked).text.replace(told_back, "")
        assert not re.search(r"Anvil|Bluebird|clm_|job_", text), path


def test_what_strangers_call_things_is_text(rooms: Rooms) -> None:
    uploader, admin = rooms.client("uploader"), rooms.client("admin")
    for path in ("/trace", "/uploads/JOB", "/inbox?tab=force", "/inbox/ADAS"):
        text = uploader.get(named(rooms, path)).text
        assert "&lt;script&gt;alert(1)" in text, path
        assert "<script>alert" not in text, path
    for path in (
        "/catalogue?q=<script>alert(1)</script>",
        "/inbox/<script>alert(1)</script>",
        "/sign-in?next=<script>alert",
    ):
        assert "<script>alert" not in admin.get(path).text, path


def test_a_form_that_is_forged_does_nothing(rooms: Rooms) -> None:
    ada, bea = rooms.client("ada"), rooms.client("bea")
    here = named(rooms, "/inbox/ADAS")
    forgeries = [{}, {"csrf": ""}, {"csrf": form(bea)["csrf"]}, {"csrf": "0" * 64}]
    for forged in forgeries:
        answer = ada.post(f"{here}/decide", data={"action": "allow", "why": "x", **forged})
        assert answer.status_code == 403
        assert "text/html" in answer.headers["content-type"]
    mine = form(ada, action="allow", why="x")
    assert ada.post(f"{here}/decide", data=mine, headers={"origin": "https://evil.example"}).status_code == 403
    assert len(rooms.workspace.claims.history(rooms.ids["ADAS"])) == 3
    answer = ada.post(f"{here}/decide", data=mine)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{here}?done=decide")
    assert "Decided." in ada.get(answer.headers["location"]).text


def test_files_need_a_token_too(rooms: Rooms) -> None:
    uploader, admin = rooms.client("uploader"), rooms.client("admin")
    files = {"file": ("x.wav", b"RIFF", "audio/wav")}
    assert uploader.post("/trace", files=files, data={"csrf": "0"}).status_code == 403
    assert uploader.post("/trace", files=files, data=form(uploader)).status_code == 303
    assert admin.post("/catalogue/import", files=files, data={"csrf": "0", "why": "x"}).status_code == 403
    for said in ({}, {"why": " "}, {"why": "new", "on": "soon"}):
        assert admin.post("/catalogue/import", files=files, data=form(admin, **said)).status_code == 422
    sent = admin.post("/catalogue/import", files=files, data=form(admin, why="new titles"))
    assert sent.status_code == 303
    there = sent.headers["location"]
    told = [rooms.client(name).get(there).status_code for name in ("admin", "auditor", "uploader", "ada")]
    assert told == [200, 200, 404, 404]


def test_work_is_stopped_by_whoever_asked_for_it(rooms: Rooms) -> None:
    files = {"file": ("x.wav", b"RIFF", "audio/wav")}
    uploader, ada, auditor = (rooms.client(name) for name in ("uploader", "ada", "auditor"))
    there = uploader.post("/masters", files=files, data=form(uploader)).headers["location"]
    assert "Stop it" in uploader.get(there).text
    assert "Stop it" not in auditor.get(there).text
    stop = there.replace("/masters/", "/work/") + "/stop"
    assert [each.post(stop, data=form(each)).status_code for each in (ada, auditor, uploader)] == [404, 403, 303]
    told = uploader.get(there).text
    assert "Cancelled" in told
    assert "Stop it" not in told


def test_only_the_party_decides_and_only_others_dispute(rooms: Rooms) -> None:
    tried = {
        ("bea", "decide"): 404,
        ("another", "dispute"): 404,
        ("uploader", "decide"): 403,
        ("admin", "decide"): 403,
        ("auditor", "dispute"): 403,
        ("uploader", "resolve"): 403,
        ("ada", "dispute"): 409,
        ("uploader", "dispute"): 303,
    }
    for (name, verb), status in tried.items():
        browser = rooms.client(name)
        answer = browser.post(named(rooms, f"/inbox/ADAS/{verb}"), data=form(browser, why="because", action="allow"))
        assert answer.status_code == status, (name, verb)
    told = rooms.client("ada").get(named(rooms, "/inbox/ADAS")).text
    assert "<b>Disputed</b> by <bdi>uploader</bdi>" in told  # the role, not the account
    assert "acc_" not in told


def test_a_notice_follows_the_decision_that_it_must_go(rooms: Rooms) -> None:
    add_platform(rooms.workspace, "Tube", agent="agent@tube.example", regime="dmca", country="US")
    ada, bea = rooms.client("ada"), rooms.client("bea")
    here, not_decided = named(rooms, "/inbox/ADAS/notice"), named(rooms, "/inbox/BEAS/notice")
    assert [ada.get(here).status_code, bea.get(here).status_code, bea.get(not_decided).status_code] == [200, 404, 409]
    said = {"platform": "Tube", "urls": "https://tube.example/1", "explanation": "no licence", "why": "down with it"}
    said |= {"name": "Ada", "address": "1 Street, Town", "phone": "+1 555 0100", "email": "ada@example.org"}
    said |= dict.fromkeys(("good_faith", "accurate", "authorised_under_penalty_of_perjury"), "yes")
    unsigned = ada.post(here, data=form(ada, **said))
    assert unsigned.status_code == 400
    assert "signature" in unsigned.text
    assert ada.post(here, data=form(ada, signature="Ada", fair_use_considered="yes", **said)).status_code == 303
    page = ada.get(named(rooms, "/inbox/ADAS")).text
    found = re.search(r"/notices/ntc_\w+", page)
    assert found
    paper = f"{found[0]}.pdf"
    assert ada.get(paper).content.startswith(b"%PDF")
    assert [rooms.client(name).get(paper).status_code for name in ("admin", "bea", "uploader")] == [200, 404, 404]
    told = [rooms.client(name).get(named(rooms, "/uploads/JOB")).text for name in ("admin", "uploader")]
    assert [found[0] in page for page in told] == [True, True]  # whoever uploaded finds it where the upload is


def test_rules_are_set_in_ones_own_name_alone(rooms: Rooms) -> None:
    ada, bea = rooms.client("ada"), rooms.client("bea")
    rule = form(ada, use="recording", action="share", share="1/4", why="yes", party="pty_bea")
    assert ada.post("/policies", data=rule).status_code == 303
    assert "for 1/4" in ada.get("/policies").text
    assert "for 1/4" not in bea.get("/policies").text
    (policy,) = rooms.workspace.claims.policies(["pty_ada"])
    ending = f"/policies/{policy.id}/end"
    assert bea.post(ending, data=form(bea, why="no")).status_code == 404
    assert ada.post(ending, data=form(ada, why="no")).status_code == 303
    assert ada.post("/policies", data=rule | {"share": "many"}).status_code == 400


def test_a_title_is_changed_with_its_history(rooms: Rooms) -> None:
    ada, bea = rooms.client("ada"), rooms.client("bea")
    change = {"title": HOSTILE, "on": "2026-11-20", "why": "a typo"}
    answer = ada.post("/catalogue/rec_00000000000000aa/edit", data=form(ada, **change))
    assert answer.status_code == 303, answer.text
    page = ada.get("/catalogue/rec_00000000000000aa").text
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "“Anchor”" in page
    assert ">Anchor<" in ada.get("/catalogue/rec_00000000000000aa?on=2026-11-19").text
    assert bea.post("/catalogue/rec_00000000000000aa/edit", data=form(bea, **change)).status_code == 404


def test_the_door_leads_nowhere_else(rooms: Rooms) -> None:
    outside = rooms.client()
    for onward in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/x\r\nA: b"):
        data = form(outside, name="ada", password=PASSWORD, next=onward)
        assert outside.post("/sign-in", data=data).headers["location"] == "/"
        outside.cookies.clear()
    data = form(outside, name="ada", password=PASSWORD, next="/money")
    assert outside.post("/sign-in", data=data).headers["location"] == "/money"
    outside.cookies.clear()
    wrong = outside.post("/sign-in", data=form(outside, name=HOSTILE, password="x"))
    assert wrong.status_code == 401
    assert "the name or the password is wrong" in wrong.text
    assert "<script>alert" not in wrong.text


def test_who_signs_out_is_out(rooms: Rooms) -> None:
    ada = rooms.client("ada")
    assert ada.post("/sign-out", data=form(ada)).headers["location"] == "/sign-in"
    assert ada.get("/inbox").status_code == 303


def test_accounts_are_made_and_shut_out(rooms: Rooms) -> None:
    admin = rooms.client("admin")
    new = form(admin, name="Zoe", password=PASSWORD, role="uploader", party="", why="new")
    assert admin.post("/accounts", data=new).status_code == 303
    assert admin.post("/accounts", data=new).status_code == 409
    assert admin.post("/accounts", data=new | {"name": "Y", "password": "short"}).status_code == 400
    zoe = next(account for account in rooms.workspace.accounts.all() if account.name == "Zoe")
    for verb, says in (("disable", "disabled"), ("enable", "active")):
        assert admin.post(f"/accounts/{zoe.id}/{verb}", data=form(admin, why="so be it")).status_code == 303
        assert says in admin.get("/accounts").text.split("Zoe")[1]


def test_faults_are_pages_for_people_and_problems_for_programs(rooms: Rooms) -> None:
    ada = rooms.client("ada")
    assert ada.get("/nowhere").headers["content-type"].startswith("text/html")
    assert ada.get("/v1/nowhere").headers["content-type"] == "application/problem+json"
    for path in ("/nowhere", "/inbox", "/sign-in", named(rooms, "/inbox/ADAS")):
        answer = ada.get(path)
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert not re.search(r"<style|style=|<script(?! defer src=)|\son\w+=", answer.text), path


def test_sheets_and_scripts_are_kept_for_good(rooms: Rooms) -> None:
    outside = rooms.client()
    served = re.findall(r"/static/[0-9a-f]{12}-[\w.]+", outside.get("/sign-in").text)
    assert len(served) == 2
    for path in served:
        answer = outside.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert outside.get("/static/..%2fdoor.py").status_code == 404


def test_notes_go_out_as_json(rooms: Rooms) -> None:
    answer = rooms.client("uploader").get(named(rooms, "/uploads/JOB/notes.json"))
    assert json.loads(answer.text)["query"]["sha256"] == UPLOAD
    assert answer.headers["content-disposition"].startswith("attachment")


def test_notes_go_out_on_paper(rooms: Rooms) -> None:
    uploader = rooms.client("uploader")
    answer = uploader.get(named(rooms, "/uploads/JOB/notes.pdf"))
    assert (answer.headers["content-type"], answer.content[:4]) == ("application/pdf", b"%PDF")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert 'notes.pdf" download' in uploader.get(named(rooms, "/uploads/JOB")).text


def test_notes_go_out_as_ddex(rooms: Rooms) -> None:
    uploader = rooms.client("uploader")
    answer = uploader.get(named(rooms, f"/uploads/JOB/notes.xml?{DPIDS}"))
    assert answer.headers["content-type"] == "application/xml"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "<FullName>uploader</FullName>" in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
    assert 'name="recipient_dpid"' in uploader.get(named(rooms, "/uploads/JOB")).text
    refused = uploader.get(named(rooms, "/uploads/JOB/notes.xml?sender_dpid=x"))
    assert "is not a DPID" in refused.text


# ── money ────────────────────────────────────────────────────────────────────


def test_a_statement_is_its_partys_alone_and_bears_being_asked_at_once(month: "Served") -> None:
    web.join(month.app)
    hers = "/money/2026-10/pty_ada"
    paths = (hers, f"{hers}.pdf", f"{hers}.csv", f"{hers}/why/{month.ids['line']}")
    seen = {"ada": [200] * 4, "bea": [404] * 4, "auditor": [200] * 4, "uploader": [403] * 4}
    for name, statuses in seen.items():
        with month.client(name) as browser:
            assert [browser.get(path).status_code for path in paths] == statuses, name
    with month.client("ada") as ada, month.client("bea") as bea:
        assert ada.get("/money/2026-10").headers["location"] == hers
        assert bea.get(f"/money/2026-10/pty_bea/why/{month.ids['line']}").status_code == 404
        assert "Anvil" in ada.get(hers).text
        assert ada.get(f"{hers}.pdf").content.startswith(b"%PDF")
    with month.client("auditor") as auditor, ThreadPoolExecutor(8) as at_once:
        told = {answer.text for answer in at_once.map(lambda _: auditor.get(hers), range(24))}
        assert len({re.sub(r'value="[0-9a-f]{64}"', "", text) for text in told}) == 1
        assert "1 part" in auditor.get("/money/2026-10").text
