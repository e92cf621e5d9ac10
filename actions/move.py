"""What a move is, and how it becomes a Rasa action."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import sample
from actions.state import State
from bot.dialogue.protocol import Act, Answer


@dataclass(frozen=True)
class Heard:
    """What came in, as the classifier and the guard understood it."""

    intent: str = ""
    reason: str = ""  # the guard's, in words
    via: str = "voice"
    unclear: bool = False  # the guard does not vouch for the yes or no of `intent`

    @property
    def answer(self) -> Answer:
        if self.unclear:
            return "unclear"
        if self.intent == "affirm":
            return "yes"
        return "no" if self.intent == "deny" else "unclear"

    @property
    def deliberate(self) -> bool:
        """A pressed key or button cannot be meant for somebody else in the room."""
        return self.via in {"key", "button"}

    @classmethod
    def of(cls, message: dict[str, Any]) -> Heard:
        """From Rasa's latest message. A key `meaning` is the guard's (nlu/components/guard.py)."""
        intent = (message.get("intent") or {}).get("name") or ""
        meaning = message.get("meaning") or {}
        metadata = message.get("metadata") or {}
        return cls(
            intent=intent,
            reason=str(meaning.get("reason") or ""),
            via=str(metadata.get("via") or "voice"),
            unclear=meaning.get("answer") == "unclear",
        )


@dataclass(frozen=True)
class Step:
    """The outcome of a move: what to do now, and what to remember."""

    acts: tuple[Act, ...]
    state: State

    def after(self, *acts: Act) -> Step:
        """The same, with `acts` done first."""
        return Step((*acts, *self.acts), self.state)


Move = Callable[[State, Heard], Step]


class MoveAction(Action, ABC):  # type: ignore[misc]
    """A move as Rasa runs it: reads the tracker, emits acts as custom messages, sets the slots."""

    label: str

    @abstractmethod
    def move(self, state: State, heard: Heard) -> Step: ...

    def name(self) -> str:
        return self.label

    def run(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: dict[str, Any],  # noqa: ARG002  (Rasa's signature)
    ) -> list[EventType]:
        kept = tracker.get_slot("state")
        state = State.from_json(kept) if kept else sample.state()
        step = self.move(state, Heard.of(tracker.latest_message or {}))
        for act in step.acts:
            text = sample.wording(act) if state.sample else None
            dispatcher.utter_message(text=text, json_message=act.to_json())
        return [
            SlotSet("phase", step.state.phase or None),
            SlotSet("state", step.state.to_json()),
            # One move a turn. The rules say so too; this spares Rasa a second prediction.
            FollowupAction("action_listen"),
        ]


_actions: dict[str, type[MoveAction]] = {}  # Rasa finds actions as live subclasses: keep them


def action(name: str) -> Callable[[Move], Move]:
    """Register a move as the Rasa action `name`; the function itself stays plain and pure."""

    def register(move: Move) -> Move:
        def run_move(_: MoveAction, state: State, heard: Heard) -> Step:
            return move(state, heard)

        _actions[name] = type(name, (MoveAction,), {"label": name, "move": run_move})
        return move

    return register


def find_action(name: str) -> MoveAction:
    """The registered action. Raises KeyError."""
    return _actions[name]()
