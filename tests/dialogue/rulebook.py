"""The rules of stories/ read directly, so that thousands of conversations take a second.

That Rasa itself reads them the same way is what `rasa test core` and the worker's tests show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from actions import (
    anywhere,
    checking,
    closing,
    handoff,
    identity,
    items,
    opening,
    questions,
    unclear,
)
from actions.move import Heard, MoveAction, Step, find_action
from actions.state import State
from bot.dialogue.protocol import Item

ROOT = Path(__file__).resolve().parents[2]
MODULES = (anywhere, checking, closing, handoff, identity, items, opening, questions, unclear)
FALLBACK = "action_unclear"  # config.yml, core_fallback_action_name

ITEMS = (Item("B1", severe=True, code="P02_NOT_PURCHASED"), Item("B9", code="P08_COOLING_OFF"))
CHECKED = Item("B8", code="P07_PREMIUM", check="B8q", must_check=True)
DOUBTED = Item("B3d", code="P04_NOT_RECEIVED", check="B3dq")
WANTED_NO = Item("NT2", expect="no", severe=True, code="P13_MISSELLING")


def intents() -> list[str]:
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    return list(domain["intents"])


def _rules() -> Iterator[tuple[str | None, str, str]]:
    for path in sorted((ROOT / "stories").glob("*.yml")):
        for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]:
            first, *rest = rule["steps"]
            if not rest:
                continue  # "after this action the bot listens"
            condition = rule.get("condition")
            phase = condition[0]["slot_was_set"][0]["phase"] if condition else None
            options: list[dict[str, Any]] = first.get("or", [first])
            for option in options:
                yield phase, option["intent"], rest[0]["action"]


RULES = {(phase, intent): action for phase, intent, action in _rules()}


@dataclass
class Talk:
    """One conversation, driven by intents."""

    state: State
    last: Step | None = None

    @classmethod
    def fresh(cls, *more: Item, **fields: Any) -> Talk:
        return cls(State(items=(*ITEMS, *more), **fields))

    @classmethod
    def in_items(cls, *more: Item, **fields: Any) -> Talk:
        talk = cls.fresh(*more, **fields)
        talk.hear("start", "affirm", "affirm", "inform", "identity_ok")
        return talk

    def action(self, intent: str) -> str:
        general = RULES.get((None, intent), FALLBACK)
        return RULES.get((self.state.phase or None, intent), general)

    def hear(self, *intents: str, via: str = "voice", reason: str = "") -> list[str]:
        """Take the turns; the acts of the last one, written short: `say O1`, `ask B1 plain`."""
        for intent in intents:
            action: MoveAction = find_action(self.action(intent))
            self.last = action.move(self.state, Heard(intent, reason, via))
            self.state = self.last.state
        return self.acts

    @property
    def acts(self) -> list[str]:
        given = [act.to_json() for act in self.last.acts] if self.last else []
        return [" ".join(str(v) for v in act.values() if v not in ("", "full")) for act in given]

    @property
    def over(self) -> bool:
        return self.state.phase in {"handoff", "closing"}
