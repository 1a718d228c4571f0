"""Recoupment: how much of what a period brought may go towards advances, where terms name the rights it comes from."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from linernotes.model import Account, Terms
from linernotes.store.books import Key, Run, last_to_divide
from linernotes.workspace import Workspace

__all__ = ["open_to_recoupment"]


def open_to_recoupment(
    workspace: Workspace, runs: Sequence[Run], period: str, standing: Mapping[Key, int]
) -> dict[tuple[str, str], int]:
    """Return what the rights named in their terms brought parties in a period, by party and currency.

    Only of parties whose terms name rights, and who have an advance to recoup, their own or their group's. What was
    found since a run before counts as the difference to it.
    """
    agreed = workspace.agreements.terms()
    chosen = _indebted(agreed, {party for (account, party, _), open_ in standing.items() if _is_open(account, open_)})
    found: dict[tuple[str, str], int] = defaultdict(int)
    if not chosen:
        return found
    payees = workspace.royalties.payees()
    holders = {party: party for party in chosen if party not in payees}
    holders |= {party: payee for party, payee in payees.items() if payee in chosen}
    now, then = last_to_divide(runs, period)
    for run_of, sign in ((now, 1), ({usage: then[usage] for usage in now if usage in then}, -1)):
        for run_id in sorted(set(run_of.values())):
            of = [usage for usage, name in run_of.items() if name == run_id]
            for (party, currency, right), amount in workspace.trails.brought(run_id, of, sorted(holders)).items():
                if right in agreed[holders[party]].recoup_from:
                    found[holders[party], currency] += sign * amount
    return found


def _is_open(account: Account, amount_micro: int) -> bool:
    return account is Account.RECOUPABLE and amount_micro < 0


def _indebted(agreed: Mapping[str, Terms], owing: set[str | None]) -> set[str]:
    groups = {terms.group for party, terms in agreed.items() if party in owing and terms.group}
    return {party for party, terms in agreed.items() if terms.recoup_from and (party in owing or terms.group in groups)}
