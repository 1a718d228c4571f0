"""Making music: a trained model, a plan of what is wanted, and dice; needs PyTorch.

Conventions
-----------
What comes next is drawn from what the model finds likely, never against the grammar of the tokens: a piece that is
made is always one that can be read. Bars count from 0. The same model, plan and seed give the same piece on the same
machine.

Source: A. Holtzman et al., The curious case of neural text degeneration, 2020 (drawing from the likeliest part).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from linernotes.errors import ParameterError
from linernotes.learn.tokens import ANY_STYLE, BAR, BEGIN, END, PADDING, TokenState, Vocabulary
from linernotes.learn.training import padded
from linernotes.learn.transformer import Cache, Transformer, sequence_losses
from linernotes.model.scores import Key, Metre

__all__ = ["Plan", "Sampling", "continued", "generate", "infilled"]

BARS_MAX = 256
_BAR_TOKENS_MAX = 96
_INFILL_DRAWS = 6
_C_MAJOR, _COMMON_TIME = Key(0), Metre()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted. ``sections``: bar and letter of each part of the form; none leaves the form to the model."""

    key: Key = _C_MAJOR
    metre: Metre = _COMMON_TIME
    style: str = ANY_STYLE
    n_bars: int = 16
    sections: Sequence[tuple[int, str]] = ()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the dice fall: ``temperature`` below 1 is more careful; ``likeliest``: the part that is drawn from."""

    temperature: float = 0.95
    likeliest: float = 0.95
    seed: int = 0
    is_free: bool = False
    """For measuring: without the grammar, what the model itself would say."""


_PLAIN = Sampling()


class _Reader:
    """Reads on, token by token, and starts afresh with the last bars where the context is full."""

    def __init__(self, model: Transformer, tokens: Sequence[int]) -> None:
        self.model, self.tokens = model, list(tokens)
        self._past: Cache | None = None
        self._n_read = 0
        self._head = list(tokens[:4])

    def logits(self) -> Tensor:
        """Return what may come next: ``(vocabulary,)``."""
        context = self.model.config.context
        held = self._past[0][0].shape[2] if self._past else 0
        if held + len(self.tokens) - self._n_read > context:
            room = context // 2
            start = next((p for p in range(len(self.tokens) - room, len(self.tokens)) if self.tokens[p] == BAR), None)
            start = len(self.tokens) - room if start is None else start
            fresh, self._past = [*self._head, *self.tokens[max(start, 4) :]], None
        else:
            fresh = self.tokens[self._n_read :]
        logits, self._past = self.model.read(torch.tensor([fresh]), self._past)
        self._n_read = len(self.tokens)
        return logits[0, -1]


def generate(model: Transformer, vocabulary: Vocabulary, plan: Plan, sampling: Sampling = _PLAIN) -> list[int]:
    """Make a piece: the tokens of exactly ``plan.n_bars`` bars, from begin to end.

    Raises FormatError for a style or metre that the model does not know, ParameterError for too many bars.
    """
    prefix = vocabulary.prefix(key=plan.key, metre=plan.metre, style=plan.style)
    return _drawn(model, vocabulary, prefix, plan, sampling)


def continued(
    model: Transformer,
    vocabulary: Vocabulary,
    opening: Sequence[int],
    n_bars: int,
    sampling: Sampling = _PLAIN,
) -> list[int]:
    """Go on from ``opening``, the tokens of a piece, for ``n_bars`` more bars."""
    start = [token for token in opening if token != END]
    return _drawn(model, vocabulary, start, Plan(n_bars=start.count(BAR) + n_bars), sampling)


def infilled(
    model: Transformer,
    vocabulary: Vocabulary,
    piece: Sequence[int],
    bars: tuple[int, int],
    sampling: Sampling = _PLAIN,
) -> list[int]:
    """Write new bars ``[first, last)`` into a piece: of several drafts, the one after which the rest is likeliest.

    No note may sound over either bar line. Raises ParameterError where the piece has no such bars.
    """
    lines = [place for place, token in enumerate(piece) if token == BAR]
    first, last = bars
    if not 0 <= first < last <= len(lines):
        raise ParameterError(f"bars {first + 1} to {last}: the piece has bars 1 to {len(lines)}")
    before = list(piece[: lines[first]])
    after = list(piece[lines[last] :]) if last < len(lines) else [END]
    drafts = []
    for draw in range(_INFILL_DRAWS):
        dice = Sampling(sampling.temperature, sampling.likeliest, sampling.seed * _INFILL_DRAWS + draw)
        drafts.append([*_drawn(model, vocabulary, before, Plan(n_bars=last), dice)[:-1], *after])
    with torch.no_grad():
        rows = [draft[-model.config.context - 1 :] for draft in drafts]
        costs = [float(sequence_losses(model, padded([row])).sum()) / len(row) for row in rows]
    return drafts[min(range(len(drafts)), key=costs.__getitem__)]


def _drawn(
    model: Transformer, vocabulary: Vocabulary, start: Sequence[int], plan: Plan, sampling: Sampling
) -> list[int]:
    """Draw token after token until the plan's bars are full."""
    if not 1 <= plan.n_bars <= BARS_MAX:
        raise ParameterError(f"{plan.n_bars} bars: from 1 to {BARS_MAX}")
    dice = torch.Generator().manual_seed(sampling.seed)
    state = TokenState(vocabulary)
    for token in start:
        state.take(token)
    reader = _Reader(model, start)
    grammar = _Grammar(vocabulary, plan)
    in_bar = 0
    with torch.no_grad():
        while reader.tokens[-1] != END and len(reader.tokens) < plan.n_bars * _BAR_TOKENS_MAX:
            logits = reader.logits() / sampling.temperature
            if not sampling.is_free:
                logits = logits.masked_fill(~grammar.allowed(state, is_long=in_bar > _BAR_TOKENS_MAX // 2), -torch.inf)
            token = _draw(logits, sampling.likeliest, dice)
            reader.tokens.append(token)
            in_bar = 0 if token == BAR else in_bar + 1
            if not sampling.is_free:
                state.take(token)
    return reader.tokens


def _draw(logits: Tensor, likeliest: float, dice: torch.Generator) -> int:
    """Draw one token from the smallest set that has ``likeliest`` of all probability."""
    probabilities, order = logits.softmax(-1).sort(descending=True)
    kept = probabilities.cumsum(-1) - probabilities < likeliest
    return int(order[torch.multinomial(probabilities * kept, 1, generator=dice)])


class _Grammar:
    """What the plan and the grammar let come next."""

    def __init__(self, vocabulary: Vocabulary, plan: Plan) -> None:
        self.vocabulary, self.plan = vocabulary, plan
        self.sections = dict(plan.sections)
        self.lengths = [(t, int(name[7:])) for t, name in enumerate(vocabulary.names) if name.startswith("length:")]
        self.letters = [t for t, name in enumerate(vocabulary.names) if name.startswith("section:")]
        # Of most kinds all tokens may come, or none, so one is asked for all; a place in the bar is asked by itself.
        self.alike: dict[str, list[int]] = {}
        for token, name in enumerate(vocabulary.names):
            if token not in (PADDING, BEGIN):
                kind = vocabulary.kind(token)
                self.alike.setdefault(name if kind == "at" else kind, []).append(token)

    def allowed(self, state: TokenState, *, is_long: bool) -> Tensor:
        """Return for each token whether it may come; ``is_long``: the bar has gone on long enough."""
        may = torch.zeros(len(self.vocabulary), dtype=torch.bool)
        may[[token for tokens in self.alike.values() if state.may(tokens[0]) for token in tokens]] = True
        bar = state.n_bars - 1
        if self.sections and bool(may[self.letters].any()):
            wanted = self.sections.get(bar)
            may[self.letters] = False
            if wanted is not None:
                may[:] = False
                may[self.vocabulary.ids[f"section:{wanted}"]] = True
                return may
        if state.is_full and state.n_bars:
            is_last = state.n_bars >= self.plan.n_bars
            may[BAR], may[END] = (may[BAR] and not is_last), (may[END] and is_last)
            if may[BAR] or may[END]:  # nothing more fits into a full bar but chords that stand at its end
                only = torch.zeros_like(may)
                only[BAR], only[END] = may[BAR], may[END]
                return only
        stop = (self.plan.n_bars - max(bar, 0)) * state.bar_steps + state.bar_start
        for token, length in self.lengths:
            if state.place + length > stop:
                may[token] = False
        full = self.vocabulary.ids[f"at:{state.bar_steps}"]
        if is_long and may[full]:
            may[:] = False
            may[full] = True
        return may
