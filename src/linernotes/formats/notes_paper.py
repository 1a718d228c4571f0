"""The liner notes on paper: what the page says, in the same words, without its sounds and its picture."""

from collections.abc import Iterator
from datetime import UTC, datetime

from linernotes.document import Block, Document, Facts, Items, Table
from linernotes.document import Section as Part
from linernotes.formats.report import Notes, Section
from linernotes.formats.wording import CAVEATS, KINDS, share

__all__ = ["notes_paper"]


def notes_paper(notes: Notes, *, generator: str, reference: str = "", heard_at: datetime | None = None) -> Document:
    """Lay out liner notes as a letter, to be printed by :func:`linernotes.formats.pdf.pdf`.

    ``reference`` names them at the foot of every page; ``heard_at``: when that was, with its time zone, None where
    nobody knows. Several uploads follow one another, each under its name.
    Check: the same notes give the same letter.
    """
    several = len(notes.sections) != 1
    facts = [] if several else _facts(notes.sections[0])
    if heard_at is not None:
        facts.append(("Heard", f"{heard_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"))
    parts = [part for section in notes.sections for part in _parts(section, named=several)]
    made = [
        ("Made by", generator),
        ("Parameters", "\n".join(notes.parameters)),
        ("Index revision", "\n".join(notes.revisions)),
    ]
    parts.append(Part("How this was made, and how to contest it", [*CAVEATS, Facts([row for row in made if row[1]])]))
    return Document(notes.title, reference, Facts(facts), parts)


def _facts(section: Section) -> list[tuple[str, str]]:
    return [(fact.label, fact.whole or fact.text) for fact in section.facts]


def _parts(section: Section, *, named: bool) -> Iterator[Part]:
    """Lay out one upload, in the order of its page."""
    if named:
        yield Part(section.name, [Facts(_facts(section))])
    if section.maker is not None:
        maker = section.maker
        said: list[Block] = [f"{maker.headline}.", f"Probability of a machine {maker.probability}"]
        yield Part("Human or machine", said + ([Items(maker.reasons)] if maker.reasons else []))
    yield Part("What was heard", [section.verdict])
    for card in section.cards:
        rows = [
            ("Artist", card.artist),
            ("Heard as", KINDS[card.kind][0]),
            *card.ids,
            *((fact.label, fact.text) for fact in card.facts),
            ("Because", card.explanation),
        ]
        yield Part(f"{card.number}. {card.title}", [Facts([row for row in rows if row[1]])])
    if section.credits:
        rows_of_credits = [(each.party, each.role.value, share(each.share), each.because) for each in section.credits]
        yield Part("Credits", [Table(("Who", "Role", "Share", "Because"), rows_of_credits, (26, 14, 25, 35))])
    if section.problems:
        told = [f"{problem.message} ({problem.code}, {problem.where})" for problem in section.problems]
        yield Part("Problem" if len(told) == 1 else "Problems", [Items(told)])
