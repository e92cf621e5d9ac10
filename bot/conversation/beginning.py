"""How a conversation begins: what the dialogue has to know, and what goes on record. Pure.

Whoever prefers a language that the questionnaire is not in is not questioned, nor is who may be
guessing at the proof of identity: a human comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.conversation.ending import Progress
from bot.dialogue.protocol import Handoff, Item, Moved, Say, Start
from bot.evidence.ledger import Draft, Event, wall_text
from bot.policies.policy import Policy
from bot.questionnaires.questionnaire import Script

FOREIGN = ("O1", "O2", "H_language")
"""What somebody hears who prefers another language than the questionnaire's: who calls, that it is
recorded, and that a human comes."""
GUESSED = ("O1", "O2", "H_identity")
"""The same for whom a human has to ask who it is."""
MAX_WRONG = 5
WRONG_WITHIN = timedelta(days=1)


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


def opening(moved: Moved, script: Script, policy: Policy, guessing: bool = False) -> Moved:
    """What is said first: the dialogue's opening `moved`, or that a human comes."""
    if policy.language != script.language:
        return replace(moved, acts=(*map(Say, FOREIGN), Handoff("language")))
    if guessing:
        return replace(moved, acts=(*map(Say, GUESSED), Handoff("identity")))
    return moved


def guessing(past: Iterable[Event], now: datetime) -> bool:
    """Whether who called before may have been guessing: the dialogue allows three statements of
    identity a conversation, but one can hang up after two and begin anew. A statement that was
    right, or a human who gave the conversation back, ends the count."""
    since, wrong = wall_text(now - WRONG_WITHIN), 0
    for event in past:
        result = event.body["result"] if event.kind == "identity" else event.kind
        if result in {"ok", "given_back"}:
            wrong = 0
        elif result == "wrong" and event.wall >= since:
            wrong += 1
    return wrong >= MAX_WRONG


def shared(past: Iterable[Event], others: Sequence[str], allowed: int) -> list[Draft]:
    """What is noted of a browser that served `others` as well, each once; `allowed`: so many
    policyholders it may serve."""
    told = {event.body.get("shared_with") for event in past if event.kind == "flagged"}
    if len(others) < allowed:
        return []
    return [
        Draft("flagged", {"code": "P18_INTERFERENCE", "shared_with": other})
        for other in others
        if other not in told
    ]


def crowded(past: Iterable[Event], holders: int, allowed: int) -> list[Draft]:
    """What is noted of a telephone number that `holders` policyholders have, once for so many, and
    again for more; `allowed`: so many may have it."""
    told = (event.body.get("policyholders", 0) for event in past if event.kind == "flagged")
    if holders <= max(allowed, *told, 0):
        return []
    return [Draft("flagged", {"code": "P18_INTERFERENCE", "policyholders": holders})]


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
