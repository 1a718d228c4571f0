"""Models over HTTP: who sees what of a release, and what a consent that is withdrawn comes to."""

import json
import re
from typing import Any

import pytest

from linernotes import web
from linernotes.journeys.claim import set_policy
from linernotes.journeys.outputs import kept
from linernotes.journeys.releases import release_folder
from linernotes.model import Action, Policy, UseType
from tests.server.conftest import AT, Served


@pytest.fixture
def served(story: Served) -> Served:
    web.join(story.app)
    for party in ("pty_ada", "pty_bea", "pty_cara"):
        set_policy(story.workspace, Policy("", party, UseType.TRAINING, Action.ALLOW), by=party, why="yes", at=AT)
    return story


def told(served: Served, name: str, path: str = "") -> Any:
    with served.client(name) as client:
        answer = client.get(f"/v1/models{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_party_hears_of_its_own_part_alone(served: Served) -> None:
    for name, sees, hidden in (
        ("ada", "Anvil", "Bea|Bluebird|pol_of_pty_bea"),
        ("bea", "Bluebird", "Ada|Anvil|pty_ada"),
    ):
        release, works, outputs = (told(served, name, f"/mdl_hearth{part}") for part in ("", "/works", "/outputs"))
        assert (release["works"], release["works_seen"]) == (2, 1)
        whole = json.dumps([release, works, outputs])
        assert sees in whole
        assert not re.search(hidden, whole)
        with served.client(name) as browser:
            page = browser.get("/models/mdl_hearth").text
        assert sees in page
        assert not re.search(hidden, page)
        assert "50.0 % (40.0 to 60.0)" in page


def test_those_who_see_all_see_all_of_it(served: Served) -> None:
    for name in ("admin", "auditor"):
        works, outputs = (told(served, name, f"/mdl_hearth{part}")["items"] for part in ("/works", "/outputs"))
        assert [work["title"] for work in works] == ["Anvil", "Bluebird"]
        (output,) = outputs
        assert [owner["ppm"] for owner in output["owners"]] == [500_000, 500_000]
        assert output["works"][0]["copied"] == 0.25


def test_pages_of_works_follow_each_other(served: Served) -> None:
    first = told(served, "admin", "/mdl_hearth/works?limit=1")
    then = told(served, "admin", f"/mdl_hearth/works?limit=1&after={first['next']}")
    assert [item["title"] for page in (first, then) for item in page["items"]] == ["Anvil", "Bluebird"]
    assert then["next"] is None
    (output,) = told(served, "admin", "/mdl_hearth/outputs")["items"]
    assert told(served, "admin", f"/mdl_hearth/outputs?after={output['id']}")["items"] == []
    assert told(served, "admin", "?after=mdl_hearth")["items"] == []


def test_a_release_that_learned_from_nothing_of_theirs_is_not_there(served: Served) -> None:
    folder = release_folder(served.workspace, "mdl_hearth")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["works"] = [work for work in manifest["works"] if work["title"] == "Bluebird"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert told(served, "ada")["items"] == []
    with served.client("ada") as ada:
        assert ada.get("/v1/models/mdl_hearth").status_code == 404
        assert ada.get("/models/mdl_hearth").status_code == 404
        assert "Hearth" not in ada.get("/models").text
        data = {"csrf": ada.headers["X-CSRF-Token"], "why": "no"}
        assert ada.post("/models/mdl_hearth/withdraw", data=data).status_code == 404
    faults = told(served, "admin", "/mdl_hearth")["faults"]
    assert "the signature is not of this content" in str(faults)
    assert told(served, "bea", "/mdl_hearth")["faults"] == ["this release is not what was signed, or lacks a consent"]


def test_a_consent_is_withdrawn_in_ones_own_name_and_at_once(served: Served) -> None:
    works = told(served, "ada", "/mdl_hearth/works")["items"]
    assert works[0]["consents"][0]["stands"]
    for name, status in (("uploader", 403), ("admin", 403), ("auditor", 403)):
        with served.client(name) as client:
            data = {"csrf": client.headers["X-CSRF-Token"], "why": "no"}
            assert client.post("/models/mdl_hearth/withdraw", data=data).status_code == status
    with served.client("ada") as ada:
        data = {"csrf": ada.headers["X-CSRF-Token"], "why": "I changed my mind"}
        assert ada.post("/models/mdl_hearth/withdraw", data=data | {"csrf": "0"}).status_code == 403
        answer = ada.post("/models/mdl_hearth/withdraw", data=data)
        assert answer.status_code == 303
        page = ada.get(answer.headers["location"]).text
    assert "Withdrawn." in page
    assert "your consent no longer stands" in page
    assert "/withdraw" not in page
    (work,) = told(served, "ada", "/mdl_hearth/works")["items"]
    assert (work["withdrawn"], work["consents"][0]["stands"], work["because"]) == (True, False, "")
    anvil, bluebird = told(served, "auditor", "/mdl_hearth/works")["items"]
    assert (anvil["because"].split(" (")[0], bluebird["withdrawn"]) == ("Ada says block", False)
    assert len(kept(release_folder(served.workspace, "mdl_hearth"))) == 1


def test_the_maker_sees_all_of_its_own(served: Served) -> None:
    folder = release_folder(served.workspace, "mdl_hearth")
    text = (folder / "manifest.json").read_text().replace("pty_cara", "pty_bea")
    (folder / "manifest.json").write_text(text)
    works = told(served, "bea", "/mdl_hearth/works")["items"]
    assert [work["title"] for work in works] == ["Anvil", "Bluebird"]
