"""Whatever was used and whoever shares it: advances take what the named rights brought, and nothing of the others.

Each example closes two months; the second also finds what was used in the first, some of it taken back.
"""

import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linernotes.journeys import pay
from linernotes.model import Account, Advance, RightType, Terms
from linernotes.money import minor_micro
from linernotes.workspace import Workspace
from tests.property.test_royalties import PARTIES, fill, lines_of, template, worlds
from tests.royalty_oracle import World, by_right, write_usage

__all__ = ["template"]

AT = datetime(2026, 4, 1, tzinfo=UTC)
CURRENCIES = ("EUR", "JPY")
Slots = Mapping[tuple[str, str], int]


def earned(world: World, rights: tuple[RightType, ...]) -> Slots:
    """What is payable from these rights, or from all where none is named, by party and currency."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for (_, currency, account, party, right), amount in by_right(world).items():
        if account == "payable" and party is not None and (not rights or right in rights):
            found[party, currency] += amount
    return found


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_advances_take_what_the_named_rights_brought(
    template: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    world = data.draw(worlds())
    rights = data.draw(st.sampled_from([(RightType.MASTER,), (RightType.PERFORMANCE, RightType.MECHANICAL), ()]))
    given_micro = data.draw(st.integers(1, 20_000) | st.integers(1, 10**16))
    folder = tmp_path_factory.mktemp("w") / "w"
    shutil.copytree(template, folder)
    earlier = replace(world, usage=world.usage[::2])
    try:
        with Workspace(folder, writable=True) as workspace:
            fill(workspace, world)
            workspace.agreements.set_terms([Terms(party, recoup_from=rights) for party in PARTIES])
            paid = [(party, currency) for party in PARTIES for currency in CURRENCIES]
            workspace.agreements.add_advances(
                [Advance(f"{p}{c}", p, c, given_micro, date(2026, 1, 1)) for p, c in paid]
            )
            payees = workspace.royalties.payees()
            left: dict[tuple[str, str], int] = defaultdict(int)
            for party, currency in paid:
                left[payees.get(party, party), currency] += given_micro
            owed = dict.fromkeys(left, 0)
            before: World = replace(world, usage=[])
            for number, (month, now) in enumerate((("2026-02", earlier), ("2026-03", world))):
                for period, lines in lines_of(replace(world, usage=world.usage[number::2])).items():
                    write_usage(workspace, period, f"{number}-{period}", lines)
                pay.run_royalties(workspace, month, at=AT, close=True)
                assert pay.check_books(workspace)[1] == []
                standing = workspace.books.balances()
                all_new, named_new = (_less(earned(now, of), earned(before, of)) for of in ((), rights))
                for slot in owed:
                    owed[slot] += all_new.get(slot, 0)
                    open_micro = named_new.get(slot, 0) if rights else owed[slot]
                    taken = max(0, min(owed[slot], open_micro, left[slot]))
                    left[slot] -= taken
                    owed[slot] -= taken
                    owed[slot] = owed[slot] % minor_micro(slot[1]) if owed[slot] > 0 else owed[slot]
                    assert standing.get((Account.RECOUPABLE, *slot), 0) == -left[slot]
                before = now
    finally:
        shutil.rmtree(folder.parent)


def _less(of: Slots, then: Slots) -> Slots:
    return {slot: of.get(slot, 0) - then.get(slot, 0) for slot in {*of, *then}}
