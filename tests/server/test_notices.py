"""A notice and its answer, over HTTP: each step by those whom it concerns, and seen by both sides."""

import json
import re
from datetime import timedelta

import httpx
import pytest

from linernotes import web
from linernotes.api.callers import now
from linernotes.journeys.subscribe import subscribe
from linernotes.model import JobKind
from linernotes.rights.notices import Platform, restoration_clock
from linernotes.store.jobs import NewJob
from tests.server.conftest import Served

TUBE = Platform("plt", "Tube", "agent")
REACHED = {"name": "Uta", "address": "2 Street", "phone": "+1 555 0199", "email": "uta@example.org"}
SWORN = ("mistake_under_penalty_of_perjury", "consents_to_jurisdiction", "accepts_service")
COUNTER = {"contact": REACHED, "signature": "/s/ Uta", "reason": "it is mine", **dict.fromkeys(SWORN, True)}
TAKEN_DOWN = {"what": "remove", "why": "Tube wrote to us"}


@pytest.fixture
def removed(story: Served) -> Served:
    """Ada's notice has had the uploader's upload taken down."""
    web.join(story.app)
    with story.client("ada") as ada:
        answer = ada.post(f"/v1/notices/{story.ids['notice']}/steps", json=TAKEN_DOWN)
    assert (answer.status_code, answer.json()["state"]) == (200, "removed")
    return story


def test_a_counter_notice_starts_the_clock_and_both_sides_see_it(removed: Served) -> None:
    here = f"/v1/notices/{removed.ids['notice']}"
    subscribe(removed.workspace, "acc_ada", "https://hooks.example/n", ["notice.changed"], at=now())
    with removed.client("uploader") as uploader, removed.client("ada") as ada:
        seen = uploader.get(here).json()
        assert (seen["next"], seen["state"]) == (["counter"], "removed")
        assert "deliveries" not in seen
        assert "down with it" not in json.dumps(seen)  # what the claimant noted for itself
        lacking = uploader.post(f"{here}/counter", json=COUNTER | {"accepts_service": False})
        assert (lacking.status_code, lacking.json()["code"]) == (400, "incomplete_notice")
        countered = uploader.post(f"{here}/counter", json=COUNTER).json()
        clock = restoration_clock(TUBE, now().date())
        told = [countered[name] for name in ("state", "restore_from", "restore_by", "next")]
        assert told == ["countered", clock.earliest.isoformat(), clock.latest.isoformat(), []]
        arrived = ada.get("/v1/notices").json()["items"][0]
        assert (arrived["state"], arrived["countered_on"]) == ("countered", clock.received_on.isoformat())
        assert set(ada.get(here).json()["next"]) == {"sue", "restore", "withdraw"}
        assert uploader.post(f"{here}/counter", json=COUNTER).status_code == 409
    hooks = removed.workspace.jobs.page(limit=9, kinds=[JobKind.WEBHOOK])
    assert [json.loads(job.payload["body"])["notice"]["state"] for job in hooks] == ["countered"]


def test_what_is_put_back_waits_for_its_clock_whatever_day_is_named(removed: Served) -> None:
    here = f"/v1/notices/{removed.ids['notice']}"
    back = {"what": "restore", "why": "ten days are over"}
    with removed.client("uploader") as uploader, removed.client("admin") as admin:
        uploader.post(f"{here}/counter", json=COUNTER)
        assert admin.post(f"{here}/steps", json=back).json()["code"] == "too_early"
        later = (now().date() + timedelta(days=60)).isoformat()
        assert admin.post(f"{here}/steps", json=back | {"on": later}).status_code == 422
        assert uploader.post(f"{here}/steps", json=back).json()["code"] == "not_yours"
        assert admin.post(f"{here}/steps", json={"what": "sue", "why": "x"}).json()["code"] == "not_yours"


def test_notices_come_in_pages(removed: Served) -> None:
    with removed.client("ada") as ada:
        first = ada.get("/v1/notices?limit=1").json()
        assert (len(first["items"]), first["next"]) == (1, None)
        assert ada.get(f"/v1/notices?after={removed.ids['notice']}").json()["items"] == []


# ── as pages ─────────────────────────────────────────────────────────────────


def form(browser: httpx.Client, **fields: str) -> dict[str, str]:
    """Fill a form in as a page of ours would."""
    return {"csrf": browser.headers["X-CSRF-Token"], **fields}


PAGES = {
    #                    admin auditor uploader another ada bea
    "": (200, 200, 200, 404, 200, 404),
    ".pdf": (200, 200, 404, 404, 200, 404),
    "/counter": (409, 403, 200, 404, 409, 404),
    "/counter.pdf": (404, 404, 404, 404, 404, 404),  # nobody has countered it
}


def test_everybody_sees_of_a_notice_what_concerns_them(removed: Served) -> None:
    people = ("admin", "auditor", "uploader", "another", "ada", "bea")
    here, seen = f"/notices/{removed.ids['notice']}", {}
    for page in PAGES:
        with_each = []
        for name in people:
            with removed.client(name) as browser:
                with_each.append(browser.get(here + page).status_code)
        seen[page] = tuple(with_each)
    assert seen == PAGES


def test_the_uploader_answers_from_the_inbox_and_the_claimant_finds_it_there(removed: Served) -> None:
    here = f"/notices/{removed.ids['notice']}"
    with removed.client("uploader") as uploader, removed.client("ada") as ada, removed.client("bea") as bea:
        assert here not in ada.get("/inbox").text  # taken down: nothing waits for her
        assert here in uploader.get("/inbox").text
        page = uploader.get(here).text
        assert f"{here}/counter" in page
        assert "1 Street, Town" not in page  # where the claimant lives is in the notice alone
        said = form(uploader, reason="it is mine", signature="/s/ Uta", **REACHED, **dict.fromkeys(SWORN, "yes"))
        assert bea.post(f"{here}/counter", data=said | form(bea)).status_code == 404
        assert ada.post(f"{here}/counter", data=said | form(ada)).status_code == 403
        assert uploader.post(f"{here}/counter", data=said | {"csrf": "0"}).status_code == 403
        assert uploader.post(f"{here}/counter", data=said | {"signature": ""}).status_code == 400
        answer = uploader.post(f"{here}/counter", data=said)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{here}?done=counter")
        for browser in (uploader, ada):
            assert here in browser.get("/inbox").text
            page = browser.get(here).text
            assert re.search(r"\d\d \w{3} to \d\d \w{3} \d{4}: stays down", page)
            assert browser.get(f"{here}/counter.pdf").content.startswith(b"%PDF")
        assert "by <bdi>uploader</bdi>" in ada.get(here).text
        told = form(ada, what="sue", why="we sued", on=now().date().isoformat())
        assert ada.post(f"{here}/steps", data=told).headers["location"] == f"{here}?done=step"
        assert "A suit is told of" in uploader.get(here).text
        assert "we sued" not in uploader.get(here).text


def test_who_uploaded_the_same_does_not_read_who_answered(removed: Served) -> None:
    again = {"name": "same.wav", "sha256": "cd" * 32, "file": "x.wav", "claim": False}
    removed.workspace.jobs.add([NewJob(JobKind.TRACE, "acc_another", again, upload_sha256="cd" * 32)], at=now())
    here = removed.ids["notice"]
    with removed.client("uploader") as uploader, removed.client("another") as another:
        uploader.post(f"/v1/notices/{here}/counter", json=COUNTER)
        assert another.get(f"/notices/{here}").status_code == 200
        assert another.get(f"/notices/{here}/counter.pdf").status_code == 404
