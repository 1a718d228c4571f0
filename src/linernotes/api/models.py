"""``/v1/models``: what released models learned from, whether that holds, what they made, and who is owed which part."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Annotated, Any, TypeVar

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from linernotes.api.callers import Caller, Opened, Permit, now
from linernotes.api.paging import After, Limit, page
from linernotes.api.routing import routes
from linernotes.journeys.disclosure import Seen, learned, made, seen, seen_by

__all__ = [
    "ConsentOut",
    "InfluenceOut",
    "ModelOut",
    "Models",
    "Outputs",
    "OwnerOut",
    "PieceOut",
    "WorkOut",
    "Works",
    "list_models",
    "list_outputs",
    "list_works",
    "router",
    "show_model",
]

router = routes("/models", "models")

Reads = Annotated[Caller, Depends(Permit("models:read"))]
Ppm = Annotated[int, Field(ge=0, le=1_000_000, examples=[125_000])]

_T = TypeVar("_T")


class _Out(BaseModel):
    model_config = ConfigDict(extra="allow")


class ModelOut(_Out):
    """A release. ``works_seen``: of its works, those that one sees; ``faults``: what its audit found."""

    id: Annotated[str, Field(examples=["mdl_0123456789abcdef"])]
    name: Annotated[str, Field(examples=["Hearth 1.0"])]
    party_id: str
    party: Annotated[str, Field(description="who answers for it", examples=["Ember Audio"])]
    trained_on: Annotated[str, Field(examples=["2026-11-22"])]
    works: int
    works_seen: int
    public_key: str
    faults: list[str]


class Models(_Out):
    """Releases, the newest first; ``next`` is the ``after`` of the page that follows."""

    items: list[ModelOut]
    next: str | None


class ConsentOut(_Out):
    """What a party said of a work when the model learned, by which rule, and whether that stands now."""

    party_id: str
    party: str
    part: str | None
    action: Annotated[str, Field(examples=["allow"])]
    share: str | None
    policy_id: str
    stands: bool


class WorkOut(_Out):
    """A work that a model learned from, with the consents that one sees."""

    reference_id: str
    title: str
    isrc: str | None
    style: str
    consents: list[ConsentOut]
    withdrawn: Annotated[bool, Field(description="a consent to it no longer stands")]
    since: str
    because: str


class Works(_Out):
    """Works in the order of the training set."""

    items: list[WorkOut]
    next: str | None


class OwnerOut(_Out):
    """What an owner gets of an output's pool (``ppm``), and the influence of their works, with its interval (90 %)."""

    party_id: str
    party: str
    ppm: Ppm
    share_ppm: Ppm | None
    low_ppm: Ppm | None
    high_ppm: Ppm | None


class InfluenceOut(_Out):
    """What of a work is in an output: three numbers that are never one."""

    reference_id: str
    title: str
    isrc: str | None
    influenced_ppm: Ppm
    copied: Annotated[float, Field(description="part of the piece that is copied from it, 0 to 1")]
    similar: Annotated[float, Field(description="how alike they are, 0 to 1")]
    paid_ppm: Annotated[int | None, Field(description="of the pool; null beyond the foremost works")]


class PieceOut(_Out):
    """A piece that a model made, and, as far as one sees it, whom it was learned from."""

    id: str
    title: str
    made_at: str
    recording_id: str | None
    isrc: str | None
    pool: Annotated[str, Field(description="the part of its earnings that its sources share", examples=["1/2"])]
    informativeness_ppm: Ppm
    method: str
    n_runs: int
    owners: list[OwnerOut]
    works: list[InfluenceOut]


class Outputs(_Out):
    """Pieces, the newest first."""

    items: list[PieceOut]
    next: str | None


def _told(release: Seen) -> dict[str, Any]:
    manifest = release.manifest
    return {
        "id": manifest.release_id,
        "name": manifest.release,
        "party_id": manifest.party_id,
        "party": release.maker,
        "trained_on": manifest.trained_on,
        "works": len(manifest.works),
        "works_seen": len(release.works),
        "public_key": release.audited.public_key,
        "faults": release.faults,
    }


def _after(items: Sequence[_T], after: str | None, key: Callable[[_T], str]) -> Iterator[_T]:
    """Yield what follows the item of that key; from the beginning where there is none."""
    rest = iter(items)
    if after is not None and any(key(item) == after for item in items):
        while key(next(rest)) != after:
            pass
    return rest


@router.get("", response_model=Models)
def list_models(caller: Reads, workspace: Opened, limit: Limit = 50, after: After = None) -> Response:
    """List the releases that one's party made, or that learned from it; admins and auditors see all."""

    def key(release: Seen) -> str:
        return release.manifest.release_id

    found = list(islice(_after(seen_by(workspace, caller.party_id(None)), after, key), limit + 1))
    return JSONResponse(page(found, limit, key=key, told=_told))


@router.get("/{model_id}", response_model=ModelOut)
def show_model(caller: Reads, workspace: Opened, model_id: str) -> Response:
    """Show a release, and whether its signature, its files and the consents behind them hold."""
    return JSONResponse(_told(seen(workspace, model_id, caller.party_id(None))))


@router.get("/{model_id}/works", response_model=Works)
def list_works(caller: Reads, workspace: Opened, model_id: str, limit: Limit = 50, after: After = None) -> Response:
    """List what a release learned from, with the consents and whether they stand; a party sees its own."""
    release = seen(workspace, model_id, caller.party_id(None))
    works = list(islice(_after(release.works, after, lambda work: work.reference_id), limit + 1))
    told = learned(workspace, release, works, on=now().date())
    return JSONResponse(page(told, limit, key=lambda work: work.reference_id, told=asdict))


@router.get("/{model_id}/outputs", response_model=Outputs)
def list_outputs(caller: Reads, workspace: Opened, model_id: str, limit: Limit = 50, after: After = None) -> Response:
    """List what a release made, with who is owed which part and why; a party sees those that it has a part in."""
    release = seen(workspace, model_id, caller.party_id(None))
    found = list(islice(made(release, after=after), limit + 1))
    return JSONResponse(page(found, limit, key=lambda piece: piece["id"], told=lambda piece: piece))
