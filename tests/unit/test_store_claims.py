"""The same tests on SQLite and on a real PostgreSQL."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DatabaseError

from linernotes.errors import ConflictError, NotFoundError
from linernotes.model import (
    Action,
    Claim,
    ClaimState,
    Evidence,
    Obstacle,
    Policy,
    Reference,
    RightType,
    Side,
    TerritoryRule,
    UseType,
    Voice,
)
from linernotes.rights import claims as rules
from linernotes.store import chain, migrations
from linernotes.store.claims import Claims, Stored
from linernotes.store.database import writing
from linernotes.store.schema import metadata

AT = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
SHA = "ab" * 32
BY = {"actor": "pty_cara", "why": "so", "at": AT}


@pytest.fixture
def store(place: Path | str, fill_with_three: Callable[[Path | str], None]) -> Iterator[Claims]:
    fill_with_three(place)
    opened = Claims(place, writable=True)
    yield opened
    opened.close()


def entered(store: Claims, heard: Evidence, number: int = 1, **changes: object) -> Stored:
    _, (evidence_id,) = store.add_evidence(SHA, "up.wav", [heard], seen_at=AT)
    claim = Claim(
        id=f"clm_{number:05}",
        upload_sha256=SHA,
        upload_path="up.wav",
        evidence_id=evidence_id,
        evidence=heard,
        subject_id="voi_cara",
        party_id="pty_cara",
        right_type=RightType.VOICE,
        use_type=UseType.VOICE,
        action=Action.SHARE,
        share=Fraction(1, 3),
        side=Side.RECORDING,
        state=ClaimState.PROPOSED,
        because=("one", "two"),
        exceptions=(
            TerritoryRule("DE", Action.BLOCK),
            TerritoryRule("US", Action.SHARE, Fraction(1, 7), Side.COMPOSITION),
        ),
        obstacles=(),
        policy_id="pol",
    )
    claim = replace(claim, **changes)  # type: ignore[arg-type]
    (stored,) = store.enter([[rules.propose(claim, actor="linernotes", why="heard", at=AT)]])
    return stored


def test_what_goes_in_comes_out(store: Claims, heard_three: dict[str, Evidence]) -> None:
    for number, heard in enumerate(heard_three.values()):
        stored = entered(store, heard, number, obstacles=(Obstacle.FLOOD,))
        assert store.get(stored.claim.id) == stored
    assert [stored.claim.id for stored in store.find()] == ["clm_00000", "clm_00001", "clm_00002"]
    with pytest.raises(NotFoundError, match="no claim 'nope'"):
        store.get("nope")


def test_a_claim_is_found_by_party_state_upload_and_age(store: Claims, heard_three: dict[str, Evidence]) -> None:
    one = entered(store, heard_three["voice"])
    entered(store, heard_three["sample"], 2, party_id="pty_ada")
    store.advance(one, lambda claim: rules.decide(claim, action=Action.BLOCK, **BY))  # type: ignore[arg-type]

    def found(**asked: object) -> list[str]:
        return [stored.claim.id for stored in store.find(**asked)]  # type: ignore[arg-type]

    assert found(party_id="pty_ada") == ["clm_00002"]
    assert found(state=ClaimState.CONFIRMED) == ["clm_00001"]
    assert found(upload_sha256s=["cd" * 32]) == []
    assert found(upload_sha256s=[SHA]) == ["clm_00001", "clm_00002"]
    assert (found(proposed_before=AT), len(found(proposed_before=AT + timedelta(seconds=1)))) == ([], 2)
    assert store.count("pty_ada", since=AT, before=AT + timedelta(seconds=1)) == 1
    assert store.count("pty_ada", since=AT - timedelta(1), before=AT) == 0


def test_history_has_who_when_and_why(store: Claims, heard_three: dict[str, Evidence]) -> None:
    stored = entered(store, heard_three["voice"])
    stored = store.advance(stored, lambda claim: rules.decide(claim, action=Action.ALLOW, **BY))  # type: ignore[arg-type]
    later = AT + timedelta(hours=1)
    stored = store.advance(stored, lambda claim: rules.dispute(claim, actor="somebody", why="licensed", at=later))
    steps = [(s.command, s.state, s.action, s.actor, s.why, s.at) for s in store.history("clm_00001")]
    assert steps == [
        ("propose", ClaimState.PROPOSED, Action.SHARE, "linernotes", "heard", AT),
        ("decide", ClaimState.CONFIRMED, Action.ALLOW, "pty_cara", "so", AT),
        ("dispute", ClaimState.DISPUTED, Action.ALLOW, "somebody", "licensed", later),
    ]


def test_the_same_claim_twice_is_one(store: Claims, heard_three: dict[str, Evidence]) -> None:
    stored = entered(store, heard_three["voice"])
    assert store.enter([[rules.propose(stored.claim, actor="linernotes", why="heard", at=AT)]]) == []
    assert store.verify()[0] == 1


def test_who_saw_an_older_state_changes_nothing(store: Claims, heard_three: dict[str, Evidence]) -> None:
    seen = entered(store, heard_three["voice"])
    store.advance(seen, lambda claim: rules.decide(claim, action=Action.BLOCK, **BY))  # type: ignore[arg-type]
    with pytest.raises(ConflictError, match="somebody else was faster, it is confirmed now") as caught:
        store.advance(seen, lambda claim: rules.decide(claim, action=Action.ALLOW, **BY))  # type: ignore[arg-type]
    assert caught.value.code == "decided_meanwhile"
    assert store.get("clm_00001").claim.action is Action.BLOCK
    with pytest.raises(NotFoundError):
        store.advance(
            replace(seen, claim=replace(seen.claim, id="gone")),
            lambda claim: rules.decide(claim, action=Action.BLOCK, **BY),  # type: ignore[arg-type]
        )


_DECIDE = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from linernotes.errors import ConflictError
from linernotes.model import Action
from linernotes.rights import claims as rules
from linernotes.store.claims import Claims
place, ready, action = sys.argv[1:]
store = Claims(place if "://" in place else Path(place), writable=True)
seen = store.get("clm_00001")
Path(ready, action).touch()
while len(list(Path(ready).iterdir())) < 2:
    time.sleep(0.002)
try:
    store.advance(seen, lambda claim: rules.decide(
        claim, action=Action(action), actor="pty_cara", why=action, at=datetime.now(UTC)))
    print("won")
except ConflictError as error:
    print(error.code)
"""


def test_two_processes_decide_at_once_and_one_wins(
    store: Claims, place: Path | str, heard_three: dict[str, Evidence], tmp_path: Path
) -> None:
    entered(store, heard_three["voice"])
    ready = tmp_path / "ready"
    ready.mkdir()
    processes = [
        subprocess.Popen([sys.executable, "-c", _DECIDE, place, ready, action], stdout=subprocess.PIPE, text=True)
        for action in ("allow", "block")
    ]
    told = {
        action: process.communicate(timeout=60)[0].strip()
        for action, process in zip(("allow", "block"), processes, strict=True)
    }
    assert sorted(told.values()) == ["decided_meanwhile", "won"]
    (winner,) = [action for action, result in told.items() if result == "won"]
    assert store.get("clm_00001").claim.action == winner
    assert [step.why for step in store.history("clm_00001")] == ["heard", winner]
    assert store.verify()[2] == []


# ── standing rules, voices, uploads ──────────────────────────────────────────


def test_a_rule_takes_the_place_of_one_about_the_same(store: Claims) -> None:
    offer = Policy("pol_1", "pty_cara", UseType.VOICE, Action.SHARE, Fraction(1, 2))
    narrow = replace(
        offer,
        id="pol_2",
        territory="DE",
        valid_from=date(2026, 1, 1),
        match_length_min_s=Fraction(7, 2),
        side=Side.RECORDING,
    )
    assert store.set_policy(offer, actor="pty_cara", why="open", at=AT) == []
    assert store.set_policy(narrow, actor="pty_cara", why="open", at=AT) == []
    assert store.policies() == [offer, narrow]
    block = Policy("pol_3", "pty_cara", UseType.VOICE, Action.BLOCK)
    assert store.set_policy(block, actor="pty_cara", why="closed", at=AT) == [offer]
    assert store.policies(["pty_cara"]) == [narrow, block]
    assert store.policies(["pty_ada"]) == []
    assert store.end_policy("pol_2", actor="pty_cara", why="over", at=AT) == narrow
    with pytest.raises(NotFoundError, match="no policy 'pol_2' stands"):
        store.end_policy("pol_2", actor="pty_cara", why="over", at=AT)
    with pytest.raises(NotFoundError, match="no party 'nobody'"):
        store.set_policy(replace(offer, party_id="nobody"), actor="x", why="x", at=AT)
    assert store.verify()[2] == []


def test_parties_are_found_by_id_and_by_whole_name(store: Claims) -> None:
    assert store.party("pty_cara") == store.party("Cara") == "pty_cara"
    with pytest.raises(NotFoundError, match="no party is called"):
        store.party("Car")
    assert store.names(["pty_cara", "pty_ada", "x"]) == {"pty_cara": "Cara", "pty_ada": "Ada"}


def test_an_upload_was_first_seen_when_it_was(store: Claims, heard_three: dict[str, Evidence]) -> None:
    heard = list(heard_three.values())
    first, ids = store.add_evidence(SHA, "up.wav", heard, seen_at=AT)
    assert (first, len(set(ids))) == (AT, 3)
    assert store.add_evidence(SHA, "up.wav", heard, seen_at=AT + timedelta(1)) == (AT, ids)
    earlier = AT - timedelta(1)
    assert store.add_evidence(SHA, "up.wav", [], seen_at=earlier) == (earlier, [])


def test_a_reference_is_looked_up_with_all_that_goes_with_it(store: Claims) -> None:
    def look(reference_id: str, isrc: str | None = None, iswc: str | None = None) -> object:
        return store.reference(Reference(reference_id, "", "", isrc, iswc))

    bird = store.reference(Reference("rec_bird", "", "", None, None))
    assert bird is not None
    assert bird.recording is not None
    assert bird.work is not None
    assert {c.party_id for c in bird.contributions} == {"pty_bea", "pty_bo"}
    assert bird.names == {"pty_bea": "Bea", "pty_bo": "Bo"}
    assert set(bird.registered_at) == {"rec_bird", "wrk_bird"}
    assert all(moment.tzinfo is not None for moment in bird.registered_at.values())
    voice = store.reference(Reference("voi_cara", "", "", None, None))
    assert voice is not None
    assert voice.voice == Voice("voi_cara", "pty_cara", "Cara", "signed on paper, 2026-10-01")
    assert voice.label_ids == ["pty_label"]
    work = store.reference(Reference("wrk_bird", "", "", None, None))
    assert work is not None
    assert (work.recording, work.shares) == (None, bird.shares)
    assert look("nope") is look("nope", "USAT29900609", "T0345246801") is None


# ── the chain ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("table", ["chain", "evidence"])
@pytest.mark.parametrize("change", ["UPDATE {} SET payload = payload", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_what_was_said(
    store: Claims, heard_three: dict[str, Evidence], table: str, change: str
) -> None:
    entered(store, heard_three["voice"])
    with pytest.raises(DatabaseError, match=f"{table} is append-only"), writing(store.engine) as connection:
        connection.execute(text(change.format(table)))
    assert store.verify()[2] == []


def test_replacing_a_row_is_refused_as_well(store: Claims, heard_three: dict[str, Evidence]) -> None:
    entered(store, heard_three["voice"])
    other = "INSERT OR REPLACE" if store.engine.dialect.name == "sqlite" else "INSERT"
    columns = ", ".join(chain.ChainRow.__slots__)
    values = columns.replace("actor", "'somebody else'")
    with pytest.raises(DatabaseError, match=r"append-only|duplicate"), writing(store.engine) as connection:
        connection.execute(text(f"{other} INTO chain ({columns}) SELECT {values} FROM chain"))
    assert store.verify()[2] == []


def test_a_decision_that_fails_half_way_was_never_taken(store: Claims, heard_three: dict[str, Evidence]) -> None:
    seen = entered(store, heard_three["voice"])
    for nth in range(1, 6):
        left = [nth]

        def fail(*_: object, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise OSError("the power went")

        event.listen(store.engine, "after_cursor_execute", fail)
        try:
            with pytest.raises(OSError, match="power"):
                store.advance(seen, lambda claim: rules.decide(claim, action=Action.BLOCK, **BY))  # type: ignore[arg-type]
        finally:
            event.remove(store.engine, "after_cursor_execute", fail)
        assert (store.get(seen.claim.id), store.verify()[2]) == (seen, [])


def tamper(store: Claims, statement: str) -> None:
    """Change what the database would not let go: as somebody would who has the file in their hands."""
    with writing(store.engine) as connection:
        if connection.dialect.name == "sqlite":
            for trigger in ("chain", "evidence"):
                for change in ("update", "delete"):
                    connection.execute(text(f"DROP TRIGGER {trigger}_refuses_{change}"))
        else:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(statement))


FLIPS = {
    "UPDATE chain SET payload = replace(payload, 'one', 'onf') WHERE sequence = 1": {"chain_changed"},
    "UPDATE chain SET why = 'sp' WHERE sequence = 2": {"chain_changed"},
    "UPDATE chain SET actor = 'pty_ada' WHERE sequence = 2": {"chain_changed"},
    "UPDATE chain SET at = replace(at, '2026', '2025') WHERE sequence = 1": {"chain_changed"},
    "UPDATE chain SET hash = replace(hash, substr(hash, 1, 1), 'g') WHERE sequence = 1": {
        "chain_changed",
        "chain_broken",
    },
    "DELETE FROM chain WHERE sequence = 2": {"chain_gap", "chain_broken", "policy_changed"},
    "DELETE FROM chain WHERE sequence = 3": {"claim_changed"},
    "UPDATE claims SET state = 'confirmed'": {"claim_changed"},
    "UPDATE claims SET content = replace(content, '1/3', '1/2')": {"claim_changed"},
    "DELETE FROM claims": {"claim_missing"},
    "UPDATE evidence SET payload = replace(payload, '0.97', '0.98')": {"evidence_changed"},
    "UPDATE policies SET share = '1/3'": {"policy_changed"},
    "UPDATE policies SET ended_at = NULL": set(),
    "DELETE FROM policies": {"policy_missing"},
}


@pytest.mark.parametrize("flip", list(FLIPS))
def test_one_flipped_byte_is_found(store: Claims, heard_three: dict[str, Evidence], flip: str) -> None:
    stored = entered(store, heard_three["voice"])
    store.set_policy(Policy("pol", "pty_cara", UseType.VOICE, Action.SHARE, Fraction(1, 2)), actor="x", why="x", at=AT)
    store.advance(stored, lambda claim: rules.release(claim, **BY))  # type: ignore[arg-type]
    n_rows, head, problems = store.verify()
    assert (n_rows, problems, len(head)) == (3, [], 64)
    tamper(store, flip)
    assert FLIPS[flip] <= {problem.code for problem in store.verify()[2]}
    assert bool(FLIPS[flip]) == bool(store.verify()[2])


def test_a_head_that_was_noted_finds_a_chain_written_anew(store: Claims, heard_three: dict[str, Evidence]) -> None:
    entered(store, heard_three["voice"])
    noted = store.verify()[1]
    entered(store, heard_three["sample"], 2)
    assert store.verify(head=noted)[2] == []
    assert [problem.code for problem in store.verify(head="f" * 64)[2]] == ["chain_head"]


def test_a_row_is_hashed_as_the_page_says() -> None:
    assert chain.canonical({"b": 1, "a": ["é", None]}) == '{"a":["é",null],"b":1}'
    with pytest.raises(ValueError, match="JSON"):
        chain.canonical(float("nan"))


def test_a_chain_longer_than_a_page(
    store: Claims, heard_three: dict[str, Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linernotes.store.chain._PAGE_ROWS", 3)
    monkeypatch.setattr("linernotes.store.claims._PAGE_ROWS", 2)
    for number in range(7):
        entered(store, heard_three["voice"], number)
    assert store.verify()[0] == 7
    assert len(list(store.find())) == 7
    with store.engine.connect() as connection:
        assert [row.sequence for row in chain.rows(connection, kind="claim")] == list(range(1, 8))


def test_a_catalogue_from_before_there_were_claims_is_carried_over(place: Path | str) -> None:
    engine = (
        create_engine(f"sqlite:///{place}")
        if isinstance(place, Path)
        else create_engine(place.replace("postgresql:", "postgresql+psycopg:"))
    )
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        command.upgrade(config, "0001")
        columns = "id, subject_id, party_id, right_type, numerator, denominator, territory"
        for statement in (
            "INSERT INTO parties (id, name) VALUES ('pty_ada', 'Ada')",
            "INSERT INTO works (id, title) VALUES ('wrk', 'Anvil')",
            "INSERT INTO contributions (subject_id, party_id, role) VALUES ('wrk', 'pty_ada', 'writer')",
            f"INSERT INTO shares ({columns}) VALUES (1, 'wrk', 'pty_ada', 'mechanical', 1, 2, '2136')",
        ):
            connection.execute(text(statement))
    engine.dispose()
    store = Claims(place, writable=True)
    known = store.reference(Reference("wrk", "", "", None, None))
    assert known is not None
    assert (known.names, known.shares[0].fraction) == ({"pty_ada": "Ada"}, Fraction(1, 2))
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    store.close()


def test_many_threads_share_a_store(store: Claims, heard_three: dict[str, Evidence]) -> None:
    seen = entered(store, heard_three["voice"])

    def look(_: int) -> object:
        return store.get(seen.claim.id) if store.verify()[2] == [] else None

    with ThreadPoolExecutor(max_workers=12) as pool:
        assert list(pool.map(look, range(120))) == [seen] * 120


def test_reading_needs_no_database(tmp_path: Path) -> None:
    nothing = Claims(tmp_path / "none.sqlite3", writable=False)
    with ThreadPoolExecutor(max_workers=12) as pool:
        assert list(pool.map(lambda _: nothing.policies(), range(200))) == [[]] * 200
    assert (list(nothing.find()), nothing.policies(), nothing.verify()) == ([], [], (0, chain.FIRST, []))
    assert not (tmp_path / "none.sqlite3").exists()


def test_what_a_claim_needs_is_looked_up_in_no_time(store: Claims) -> None:
    started = time.perf_counter()
    for _ in range(20):
        store.reference(Reference("rec_bird", "", "", None, None))
    assert (time.perf_counter() - started) / 20 < 0.2  # the benchmark measures; this only catches a runaway
