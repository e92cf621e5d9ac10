"""How a conversation begins: what the dialogue has to know, and what goes on record. Pure.

Whoever prefers a language that the questionnaire is not in is not questioned: a human comes.
"""

from __future__ import annotations

from dataclasses import replace

from bot.dialogue.protocol import Handoff, Item, Moved, Say, Start
from bot.ending import Progress
from bot.evidence.ledger import Draft
from bot.policy import Policy
from bot.questionnaire import Script

FOREIGN = ("O1", "O2", "H_language")
"""What somebody hears who prefers another language than the questionnaire's: who calls, that it is
recorded, and that a human comes."""


def start(script: Script, progress: Progress) -> Start:
    """What the dialogue must know of the script: ids and what to expect, no wording."""
    clauses = (script.clauses[id] for id in script.items)
    items = tuple(
        Item(
            c.id,
            expect=c.expect or "yes",
            severe=c.severe,
            code=c.code,
            check=c.check,
            must_check=c.must_check,
            asks=c.asks,
        )
        for c in clauses
    )
    return Start(items, script.elder, tuple(progress.as_expected), progress.problems)


def opening(moved: Moved, script: Script, policy: Policy) -> Moved:
    """What is said first: the dialogue's opening `moved`, or that a human comes."""
    if policy.language == script.language:
        return moved
    told = tuple(Say(clause) for clause in FOREIGN)
    return replace(moved, acts=(*told, Handoff("language")))


def called(script: Script, line: str, model: str) -> Draft:
    """The event that begins an attempt; `line`: phone or chat, `model`: the dialogue's."""
    return Draft(
        "called",
        {
            "line": line,
            "model": model,
            "questionnaire": script.version,
            "questionnaire_sha256": script.sha256,
            "language": script.language,
        },
    )
