"""Every route, asked by everybody: who may not see a thing gets 401, 403 or 404, and no word of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert

from linernotes.store.database import writing
from linernotes.store.schema import contributions
from tests.server.conftest import PERIOD, Served

WHY = {"why": "for the tests"}
EVERYBODY = frozenset({"ada", "bea", "uploader", "another", "auditor", "admin"})
PARTIES = frozenset({"ada", "bea"})
SEE_ALL = frozenset({"auditor", "admin"})
CHANGE = EVERYBODY - {"auditor"}
FILE = {"file": ("notes.csv", b"title,artist\nAnvil,Ada\n")}


@dataclass(frozen=True)
class Case:
    """One request; ``open_to``: who is answered, be it that they come too late or said nonsense."""

    method: str
    path: str
    open_to: frozenset[str]
    request: dict[str, Any] = field(default_factory=dict)
    query: str = ""
    nobody_too: bool = False


CASES = [
    Case("GET", "/v1/session", EVERYBODY),
    Case("POST", "/v1/session", EVERYBODY, {"json": {"name": "x", "password": "y"}}, nobody_too=True),
    Case("GET", "/v1/accounts", SEE_ALL),
    Case("POST", "/v1/accounts", frozenset({"admin"}), {"json": {"name": "x", "password": "short", "role": "auditor"}}),
    Case("PATCH", "/v1/accounts/{account_id}", frozenset({"admin"}), {"json": WHY}),
    Case("GET", "/v1/tokens", EVERYBODY),
    Case("POST", "/v1/tokens", EVERYBODY, {"json": {"name": "x", "scopes": ["nothing"]}}),
    Case("DELETE", "/v1/tokens/{token_id}", frozenset({"uploader"})),
    Case("GET", "/v1/jobs", EVERYBODY),
    Case("GET", "/v1/jobs/{job_id}", SEE_ALL | {"uploader"}),
    Case("GET", "/v1/jobs/{job_id}/events", SEE_ALL | {"uploader"}, query="?once=true"),
    Case("POST", "/v1/jobs/{job_id}/cancel", frozenset({"uploader", "admin"})),
    Case("GET", "/v1/traces", EVERYBODY),
    Case("POST", "/v1/traces", CHANGE, {"files": FILE}),
    Case("GET", "/v1/traces/{trace_id}", SEE_ALL | {"uploader"}),
    Case("GET", "/v1/traces/{trace_id}/notes", SEE_ALL | {"uploader"}),
    Case("GET", "/v1/traces/{trace_id}/waveform", SEE_ALL | {"uploader"}),
    Case("GET", "/v1/traces/{trace_id}/evidence/{number}/audio", frozenset()),  # this trace has none, for anybody
    Case("GET", "/v1/masters", EVERYBODY),
    Case("POST", "/v1/masters", CHANGE, {"files": FILE}),
    Case("GET", "/v1/masters/{master_id}", SEE_ALL | {"uploader"}),
    Case("GET", "/v1/masters/{master_id}/songs/{song}", SEE_ALL | {"uploader"}),
    Case("GET", "/v1/masters/{master_id}/songs/{song}/excerpt", SEE_ALL | {"uploader"}),
    Case("GET", "/v1/masters/{master_id}/report", SEE_ALL | {"uploader"}),
    Case("GET", "/v1/masters/{master_id}/records", SEE_ALL | {"uploader"}),
    Case("GET", "/v1/masters/{master_id}/parcel", SEE_ALL | {"uploader"}),
    Case("DELETE", "/v1/masters/{master_id}", frozenset({"uploader", "admin"})),
    Case("GET", "/v1/claims", EVERYBODY),
    Case("GET", "/v1/claims/{claim_id}", SEE_ALL | {"ada", "uploader"}),
    Case("GET", "/v1/claims/{claim_id}/audio", SEE_ALL | {"ada", "uploader"}),
    Case("POST", "/v1/claims/{claim_id}/decide", frozenset({"ada"}), {"json": WHY | {"action": "block"}}),
    Case("POST", "/v1/claims/{claim_id}/dispute", frozenset({"ada", "uploader", "admin"}), {"json": WHY}),
    Case("POST", "/v1/claims/{claim_id}/withdraw", frozenset({"ada"}), {"json": WHY}),
    Case("POST", "/v1/claims/{claim_id}/release", frozenset({"ada"}), {"json": WHY}),
    Case("POST", "/v1/claims/{claim_id}/resolve", frozenset({"admin"}), {"json": WHY}),
    Case("GET", "/v1/notices", EVERYBODY),
    Case("POST", "/v1/notices", frozenset({"ada"}), {"json": WHY | {"claim_ids": ["{claim}"], "draft": True}}),
    Case("GET", "/v1/notices/{notice_id}", SEE_ALL | {"ada", "uploader"}),
    Case("POST", "/v1/notices/{notice_id}/steps", frozenset({"ada", "admin"}), {"json": WHY | {"what": "receive"}}),
    Case("POST", "/v1/notices/{notice_id}/counter", frozenset({"uploader"}), {"json": {}}),
    Case("POST", "/v1/notices/{notice_id}/withdraw", frozenset({"ada"}), {"json": WHY}),
    Case("GET", "/v1/policies", PARTIES | SEE_ALL),
    Case("POST", "/v1/policies", PARTIES, {"json": WHY | {"use": "version", "action": "allow"}}),
    Case("POST", "/v1/policies/{policy_id}/end", frozenset({"ada"}), {"json": WHY}),
    Case("GET", "/v1/catalogue", PARTIES | SEE_ALL),
    Case("POST", "/v1/catalogue/imports", frozenset({"admin"}), {"files": FILE, "data": WHY}),
    Case("GET", "/v1/catalogue/{key}", SEE_ALL | {"ada"}),
    Case("PATCH", "/v1/catalogue/{key}", frozenset({"ada", "admin"}), {"json": WHY | {"title": "Anvil"}}),
    Case("GET", "/v1/models", PARTIES | SEE_ALL),
    Case("GET", "/v1/models/{model_id}", PARTIES | SEE_ALL),
    Case("GET", "/v1/models/{model_id}/works", PARTIES | SEE_ALL),
    Case("GET", "/v1/models/{model_id}/outputs", PARTIES | SEE_ALL),
    Case("GET", "/v1/usage/reports", SEE_ALL),
    Case("GET", "/v1/usage/reports/{report_id}/faults", SEE_ALL),
    Case("GET", "/v1/usage/unmatched", SEE_ALL),
    Case("POST", "/v1/usage/imports", frozenset({"admin"}), {"files": FILE, "data": WHY}),
    Case("GET", "/v1/royalties/periods", PARTIES | SEE_ALL),
    Case("GET", "/v1/royalties/runs", PARTIES | SEE_ALL),
    Case("POST", "/v1/royalties/runs", frozenset({"admin"}), {"json": WHY | {"period": "2026-10"}}),
    Case("GET", "/v1/statements", SEE_ALL | {"ada"}, query="?period=2026-10&party=pty_ada"),
    Case("GET", "/v1/statements/pdf", SEE_ALL | {"ada"}, query="?period=2026-10&party=pty_ada"),
    Case("GET", "/v1/statements/lines/{line_id}/why", SEE_ALL | {"ada"}),
    Case("GET", "/v1/ledger/balance", SEE_ALL | {"ada"}, query="?party=pty_ada"),
    Case("GET", "/v1/ledger/check", SEE_ALL),
    Case("GET", "/v1/audit", SEE_ALL),
    Case("GET", "/v1/audit/check", SEE_ALL),
    Case("GET", "/v1/webhooks", EVERYBODY),
    Case("POST", "/v1/webhooks", CHANGE, {"json": {"url": "https://hooks.example/", "events": ["trace.done"]}}),
    Case("DELETE", "/v1/webhooks/{webhook_id}", frozenset({"ada"})),
    Case("DELETE", "/v1/session", EVERYBODY, nobody_too=True),  # last: it signs everybody out
]


IDS = {
    "account_id": "acc_bea",
    "token_id": "{token}",
    "job_id": "{waiting}",
    "trace_id": "{trace}",
    "number": "0",
    "master_id": "{masters}",
    "song": "1",
    "claim_id": "{claim}",
    "notice_id": "{notice}",
    "policy_id": "{policy}",
    "key": "rec_anvil",
    "model_id": "{model}",
    "report_id": "{report}",
    "line_id": "{line}",
    "webhook_id": "{webhook}",
}
OURS = ("Anvil", "pty_ada", "{claim}", "{trace}", "{notice}", "{policy}", "{webhook}", "123.45", "123450000")
"""What only Ada, the uploader and those who see all may hear of."""
STRANGERS = ("bea", "another", None)


def test_the_table_has_every_route(serve: Callable[..., Served]) -> None:
    paths = serve().app.openapi()["paths"]
    there = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert {(case.method, case.path) for case in CASES} == there
    assert len(CASES) == len(there)


def test_everybody_sees_what_is_theirs_and_no_word_of_anything_else(month: Served) -> None:
    story = month
    ids = story.ids
    wrong = []
    clients = {name: story.client(name) for name in (None, *EVERYBODY)}
    for case in CASES:
        path = case.path.format(**IDS).format(**ids) + case.query
        request = {name: _filled(value, ids) for name, value in case.request.items()}
        # Those who may not ask first: what is done then has not been done yet.
        for name in (None, *sorted(EVERYBODY - case.open_to), *sorted(case.open_to)):
            with story.client(name) as client:
                answer = client.request(case.method, path, **request)
            refused = answer.status_code in (401, 403, 404)
            may = case.nobody_too if name is None else name in case.open_to
            if case.path == "/v1/session" and case.method == "POST":
                may, refused = True, answer.status_code != 401  # the password is wrong, whoever asks
            if may == refused or answer.status_code >= 500:
                wrong.append(f"{case.method} {path} as {name}: {answer.status_code} {answer.text[:200]}")
            if name in STRANGERS:
                asked = path + str(request)
                heard = [word for mark in OURS if (word := mark.format(**ids)) in answer.text and word not in asked]
                wrong += [f"{case.method} {path} as {name} hears {word}" for word in heard]
    for client in clients.values():
        client.close()
    assert wrong == []


def _filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, ids) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, ids) for inner in value]
    return value.format(**ids) if isinstance(value, str) else value


def test_a_token_may_do_what_its_scopes_say_and_no_more(story: Served) -> None:
    headers, made = {"Authorization": f"Bearer {story.ids['token_text']}"}, {"name": "x", "scopes": ["traces:read"]}
    with story.client() as client:
        assert client.get("/v1/traces", headers=headers).status_code == 200
        assert client.get("/v1/claims", headers=headers).status_code == 403
        assert client.post("/v1/tokens", headers=headers, json=made).status_code == 403
        assert client.get("/v1/traces", headers={"Authorization": "Bearer lnt_nothing_at_all"}).status_code == 401
    with story.client("uploader") as client:
        assert client.delete(f"/v1/tokens/{story.ids['token']}").status_code == 204
        assert client.get("/v1/traces", headers=headers).status_code == 401


def test_an_uploader_called_like_a_party_is_not_that_party(story: Served) -> None:
    with story.client("admin") as client:
        made = {"name": "Ada", "password": "a long enough password", "role": "uploader"}
        assert client.post("/v1/accounts", json=made).status_code == 201
    with story.client("uploader") as client:
        done = client.post(f"/v1/claims/{story.ids['claim']}/dispute", json=WHY).json()
    assert done["history"][-1]["by"] == "acc_uploader"


def test_who_once_wrote_with_somebody_does_not_see_all_of_theirs(story: Served) -> None:
    rows = [{"subject_id": "rec_anvil", "party_id": party, "role": "producer"} for party in ("pty_ada", "pty_bea")]
    with writing(story.workspace.catalogue.engine) as connection:
        connection.execute(insert(contributions), rows)
    with story.client("ada") as client:
        seen = {key: client.get(f"/v1/catalogue/{key}").status_code for key in ("rec_anvil", "pty_ada", "Ada")}
        unseen = {key: client.get(f"/v1/catalogue/{key}").status_code for key in ("pty_bea", "Bea", "rec_bird")}
    assert set(seen.values()) == {200}
    assert set(unseen.values()) == {404}


def test_what_admins_do_is_in_the_chain(story: Served) -> None:
    with story.client("admin") as client:
        client.patch("/v1/accounts/acc_bea", json={"disabled": True, "why": "she asked for it"})
        client.post("/v1/royalties/runs", json={"period": PERIOD, "why": "the month is over"})
        client.patch("/v1/catalogue/rec_00000000000000aa", json={"title": "Anchor!", "why": "as it is written"})
        rows = client.get("/v1/audit", params={"limit": 500}).json()["items"]
        proof = client.get("/v1/audit/check").json()
        entry = client.get("/v1/catalogue/rec_00000000000000aa").json()
    assert entry["recordings"][0]["title"] == "Anchor!"
    assert entry["history"][0]["value"] == "Anchor"
    told = {(row["kind"], row["actor"], row["why"]) for row in rows}
    assert ("account-change", "acc_admin", "she asked for it") in told
    assert ("royalty_run", "acc_admin", "the month is over") in told
    assert ("catalogue-correction", "acc_admin", "as it is written") in told
    assert proof["problems"] == []
    with story.client("bea") as client:
        assert client.get("/v1/claims").status_code == 401
