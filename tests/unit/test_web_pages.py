"""Every page, as every role and as another party: nothing leaks, nothing runs, nothing is done by a forged form."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from linernotes import web
from linernotes.api import Settings, create_app
from linernotes.formats.liner_notes import from_trace
from linernotes.journeys import signing_in
from linernotes.model import AccountRole, Evidence, JobKind, Trace
from linernotes.store.jobs import NewJob
from linernotes.workspace import Workspace

AT = datetime(2026, 11, 1, tzinfo=UTC)
PASSWORD = "correct horse battery"
UPLOAD = "ab" * 32
HOSTILE = "</h1><script>alert(1)</script>"
SEATS = {
    "admin": (AccountRole.ADMIN, None),
    "auditor": (AccountRole.AUDITOR, None),
    "uploader": (AccountRole.UPLOADER, None),
    "stranger": (AccountRole.UPLOADER, None),
    "ada": (AccountRole.RIGHTS_HOLDER, "pty_ada"),
    "bea": (AccountRole.RIGHTS_HOLDER, "pty_bea"),
}

SignIn = Callable[[str], TestClient]


@pytest.fixture
def client(decided: Workspace, heard_three: dict[str, Evidence]) -> Iterator[SignIn]:
    """Serve the three claims on an upload that came from ``uploader``; gives a browser for each name."""
    app = create_app(decided, Settings(requests_per_s=1e6, requests_burst=10**6, sign_ins_per_minute=1e6))
    web.join(app)
    accounts = {
        name: signing_in.new_account(decided, name, PASSWORD, role=role, party=party, actor="t", why="t", at=AT)
        for name, (role, party) in SEATS.items()
    }
    payload = {"name": HOSTILE, "sha256": UPLOAD, "file": "x.wav", "size_bytes": 1, "claim": True}
    decided.jobs.add([NewJob(JobKind.TRACE, accounts["uploader"].id, payload, upload_sha256=UPLOAD)], at=AT)
    job = decided.jobs.lease("w", now=AT, until=AT, attempts_max=3)
    assert job is not None
    notes = from_trace(Trace(HOSTILE, None, "rev", [heard_three["sample"]]))
    notes["query"] |= {"sha256": UPLOAD, "duration_s": 60.0, "sample_rate_hz": 44_100, "channels": 2}
    decided.jobs.finish(job, result={"notes": notes, "waveform": [[-0.5, 0.5]] * 4}, at=AT)
    browsers = []

    def browser(name: str) -> TestClient:
        opened = TestClient(app, base_url="http://localhost", follow_redirects=False)
        browsers.append(opened)
        if name:
            answer = opened.post(
                "/sign-in", data={"name": name, "password": PASSWORD, "csrf": csrf(opened, "/sign-in")}
            )
            assert answer.status_code == 303
        return opened

    yield browser
    for opened in browsers:
        opened.close()


def csrf(browser: TestClient, page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', browser.get(page).text)
    assert found
    return found[1]


def job_id(browser: TestClient) -> str:
    found = re.search(r'href="/uploads/(job_[0-9a-f]+)"', browser.get("/trace").text)
    assert found
    return found[1]


def test_nobody_comes_in_without_signing_in(client: SignIn) -> None:
    outside = client("")
    open_ = {"/static/{name}", "/", "/sign-in", "/sign-out"}
    asked = 0
    for route in web_routes(outside):
        if route.path in open_:
            continue
        path = re.sub(r"\{\w+\}", "x", route.path)
        for method in route.methods - {"HEAD"}:
            answer = outside.request(method, path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/sign-in?next="), path
            asked += 1
    assert asked > 30


def web_routes(browser: TestClient) -> list[APIRoute]:
    routes = browser.app.routes  # type: ignore[attr-defined]
    return [each for each in routes if isinstance(each, APIRoute) and not each.path.startswith("/v1")]


PAGES = {
    #                        admin auditor uploader stranger ada bea
    "/trace": (200, 200, 200, 200, 200, 200),
    "/inbox": (200, 200, 200, 200, 200, 200),
    "/inbox?tab=force": (200, 200, 200, 200, 200, 200),
    "/inbox?tab=else": (404, 404, 404, 404, 404, 404),
    "/inbox/clm_sample": (200, 200, 200, 404, 200, 404),
    "/inbox/clm_version": (200, 200, 200, 404, 404, 200),
    "/inbox/clm_sample/clips/reference.mp3": (404, 404, 404, 404, 404, 404),  # its file is not where it was
    "/uploads/JOB": (200, 200, 200, 404, 404, 404),
    "/uploads/JOB/places.css": (200, 200, 200, 404, 404, 404),
    "/uploads/JOB/notes.json": (200, 200, 200, 404, 404, 404),
    "/uploads/JOB/sound": (404, 404, 404, 404, 404, 404),  # not kept
    "/uploads/JOB/clips/9/upload.mp3": (404, 404, 404, 404, 404, 404),
    "/work/JOB": (303, 303, 303, 404, 404, 404),
    "/catalogue": (200, 200, 403, 403, 200, 200),
    "/catalogue?q=anvil": (200, 200, 403, 403, 200, 200),
    "/catalogue/rec_anvil": (200, 200, 403, 403, 200, 404),
    "/catalogue/rec_bird": (200, 200, 403, 403, 404, 200),
    "/catalogue/pty_ada": (200, 200, 403, 403, 200, 404),
    "/catalogue/Ada": (200, 200, 403, 403, 200, 404),
    "/policies": (200, 200, 403, 403, 200, 200),
    "/money": (200, 200, 403, 403, 200, 200),
    "/money/2026-10": (200, 200, 403, 403, 303, 303),
    "/money/2026-10/pty_ada": (404, 404, 403, 403, 404, 404),  # no run has booked it
    "/money/2026-10/pty_ada.pdf": (404, 404, 403, 403, 404, 404),
    "/money/2026-10/pty_ada/why/0123456789ab.0.0.0": (404, 404, 403, 403, 404, 404),
    "/money/never": (400, 400, 403, 403, 400, 400),
    "/accounts": (200, 200, 403, 403, 403, 403),
}


def test_everybody_sees_their_own_and_nothing_else(client: SignIn) -> None:
    found = job_id(client("uploader"))
    browsers = [client(name) for name in SEATS]
    seen = {path: tuple(browser.get(path.replace("JOB", found)).status_code for browser in browsers) for path in PAGES}
    assert seen == PAGES


def test_another_partys_names_are_on_no_page(client: SignIn) -> None:
    ada = client("ada")
    for path in PAGES:
        text = ada.get(path).text
        assert "Bluebird" not in text, path
        assert "Copper" not in text, path
        assert "clm_version" not in text, path
    stranger = client("stranger")
    for path in PAGES:
        text = stranger.get(path).text
        assert "Anvil" not in text, path
        assert "clm_" not in text.replace(path, ""), path


def test_what_strangers_call_things_is_text(client: SignIn) -> None:
    uploader = client("uploader")
    for path in ("/trace", f"/uploads/{job_id(uploader)}", "/inbox?tab=force", "/inbox/clm_sample"):
        text = uploader.get(path).text
        assert "<script>alert" not in text, path
    assert "&lt;script&gt;alert(1)" in uploader.get("/trace").text
    assert "&lt;script&gt;" in uploader.get("/catalogue/%3Cscript%3E").text or True
    admin = client("admin")
    assert "<script>" not in re.sub(r"<script defer[^>]*></script>", "", admin.get("/catalogue?q=<script>").text)
    assert "<b>" not in admin.get("/inbox/<b>x</b>").text.split("<main")[1].split("</main")[0].replace("<bdi>", "")


def test_a_form_that_is_forged_does_nothing(client: SignIn) -> None:
    ada, bea = client("ada"), client("bea")
    choice = {"action": "allow", "why": "x"}
    other = csrf(bea, "/inbox/clm_version")
    for forged in ({}, {"csrf": ""}, {"csrf": other}, {"csrf": "0" * 64}):
        answer = ada.post("/inbox/clm_sample/decide", data=choice | forged)
        assert answer.status_code == 403
        assert "text/html" in answer.headers["content-type"]
    token = csrf(ada, "/inbox/clm_sample")
    elsewhere = {"origin": "https://evil.example"}
    assert ada.post("/inbox/clm_sample/decide", data=choice | {"csrf": token}, headers=elsewhere).status_code == 403
    assert "Confirmed" in ada.get("/inbox/clm_sample").text
    assert "Take down" in ada.get("/inbox/clm_sample").text
    assert ada.post("/inbox/clm_sample/decide", data=choice | {"csrf": token}).status_code == 303
    assert "Decided" in ada.get("/inbox/clm_sample?done=decide").text


def test_files_need_a_token_too(client: SignIn) -> None:
    uploader, admin = client("uploader"), client("admin")
    files = {"file": ("x.wav", b"RIFF", "audio/wav")}
    assert uploader.post("/trace", files=files).status_code == 403
    assert uploader.post("/trace", files=files, data={"csrf": csrf(uploader, "/trace")}).status_code == 303
    assert admin.post("/catalogue/import", files=files, data={"why": "x"}).status_code == 403
    sent = admin.post("/catalogue/import", files=files, data={"csrf": csrf(admin, "/trace"), "why": "new titles"})
    assert sent.status_code == 303
    assert admin.get(sent.headers["location"]).status_code == 200
    assert client("auditor").get(sent.headers["location"]).status_code == 200
    assert uploader.get(sent.headers["location"]).status_code == 404


def test_only_the_party_decides_and_only_others_dispute(client: SignIn) -> None:
    tried = {
        ("bea", "decide"): 404,
        ("stranger", "dispute"): 404,
        ("uploader", "decide"): 403,
        ("admin", "decide"): 403,
        ("auditor", "dispute"): 403,
        ("uploader", "resolve"): 403,
        ("ada", "dispute"): 409,
        ("uploader", "dispute"): 303,
    }
    for (name, verb), status in tried.items():
        browser = client(name)
        data = {"csrf": csrf(browser, "/trace"), "why": "because", "action": "allow"}
        assert browser.post(f"/inbox/clm_sample/{verb}", data=data).status_code == status, (name, verb)
    assert "uploader" in client("ada").get("/inbox/clm_sample").text


def test_rules_are_set_in_ones_own_name_alone(client: SignIn) -> None:
    ada, bea = client("ada"), client("bea")
    rule = {"csrf": csrf(ada, "/policies"), "use": "recording", "action": "share", "share": "1/4", "why": "yes"}
    assert ada.post("/policies", data=rule | {"party": "pty_bea"}).status_code == 303
    assert "1/4" in ada.get("/policies").text
    assert "1/4" not in bea.get("/policies").text
    found = re.search(r"/policies/(pol_\w+)/end", ada.get("/policies").text)
    assert found
    ending = {"csrf": csrf(bea, "/policies"), "why": "no"}
    assert bea.post(f"/policies/{found[1]}/end", data=ending).status_code == 404
    assert ada.post(f"/policies/{found[1]}/end", data=ending | {"csrf": rule["csrf"]}).status_code == 303
    assert ada.post("/policies", data=rule | {"share": "many"}).status_code == 400


def test_a_title_is_changed_with_its_history(client: SignIn) -> None:
    ada, bea = client("ada"), client("bea")
    change = {"csrf": csrf(ada, "/policies"), "title": HOSTILE, "on": "2026-11-20", "why": "a typo"}
    assert ada.post("/catalogue/rec_anvil/edit", data=change).status_code == 303
    page = ada.get("/catalogue/rec_anvil").text
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "“Anvil”" in page
    assert "Anvil" in ada.get("/catalogue/rec_anvil?on=2026-11-19").text.split("</h1>")[0]
    assert bea.post("/catalogue/rec_anvil/edit", data=change | {"csrf": csrf(bea, "/policies")}).status_code == 404


def test_the_door_leads_nowhere_else(client: SignIn) -> None:
    outside = client("")
    for onward in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/x\r\nSet-Cookie: a=b",
    ):
        data = {"name": "ada", "password": PASSWORD, "next": onward, "csrf": csrf(client(""), "/sign-in")}
        assert outside.post("/sign-in", data=data).headers["location"] == "/"
        outside.cookies.clear()
    wrong = {"name": HOSTILE, "password": "x", "csrf": csrf(outside, "/sign-in")}
    answer = outside.post("/sign-in", data=wrong)
    assert answer.status_code == 401
    assert "wrong" in answer.text
    assert "<script>alert" not in answer.text


def test_who_signs_out_is_out(client: SignIn) -> None:
    ada = client("ada")
    assert ada.post("/sign-out", data={"csrf": csrf(ada, "/inbox")}).headers["location"] == "/sign-in"
    assert ada.get("/inbox").status_code == 303


def test_accounts_are_made_and_shut_out(client: SignIn) -> None:
    admin = client("admin")
    token = csrf(admin, "/accounts")
    new = {"csrf": token, "name": "Zoe", "password": PASSWORD, "role": "uploader", "party": "", "why": "new"}
    assert admin.post("/accounts", data=new).status_code == 303
    assert admin.post("/accounts", data=new).status_code == 409
    assert admin.post("/accounts", data=new | {"name": "Y", "password": "short"}).status_code == 400
    found = re.search(r"Zoe.*?/accounts/(acc_\w+)/disable", admin.get("/accounts").text, re.DOTALL)
    assert found
    assert admin.post(f"/accounts/{found[1]}/disable", data={"csrf": token, "why": "gone"}).status_code == 303
    assert "disabled" in admin.get("/accounts").text


def test_faults_are_pages_for_people_and_problems_for_programs(client: SignIn) -> None:
    ada = client("ada")
    assert ada.get("/nowhere").headers["content-type"].startswith("text/html")
    assert ada.get("/v1/nowhere").headers["content-type"] == "application/problem+json"
    for answer in (ada.get("/nowhere"), ada.get("/inbox"), ada.get("/sign-in")):
        assert "'unsafe" not in answer.headers["content-security-policy"]
        assert not re.search(r"<style|style=|<script(?! defer src=)|\son\w+=", answer.text)


def test_sheets_and_scripts_are_kept_for_good(client: SignIn) -> None:
    outside = client("")
    served = re.findall(r"/static/[0-9a-f]{12}-[\w.]+", outside.get("/sign-in").text)
    assert len(served) == 2
    for path in served:
        answer = outside.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert outside.get("/static/..%2fdoor.py").status_code == 404


def test_notes_go_out_as_json(client: SignIn) -> None:
    uploader = client("uploader")
    answer = uploader.get(f"/uploads/{job_id(uploader)}/notes.json")
    assert json.loads(answer.text)["query"]["sha256"] == UPLOAD
    assert answer.headers["content-disposition"].startswith("attachment")
