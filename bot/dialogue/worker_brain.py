"""Rasa in this process: text or event in, acts and the next state out."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.domain import Domain

from actions.state import ITEMS, OFFER, OPENING, PERSON, QUESTIONS, State
from bot.dialogue.protocol import (
    MAX_TEXT,
    Answer,
    Asks,
    Meaning,
    Moved,
    Start,
    Turn,
    act_from_json,
)
from bot.dialogue.wire import BadLine
from bot.dialogue.worker_actions import LocalActions, trust_own_actions
from bot.dialogue.worker_graph import StraightRunner
from bot.dialogue.worker_tracker import CONVERSATION, OneTurn

EVENTS = frozenset(
    {
        *("start", "silence", "cut_off", "resume", "nobody_free", "no_explanation"),
        *("identity_ok", "identity_wrong", "identity_unheard", "time_booked", "time_unheard"),
        *("check_right", "check_wrong", "check_unclear", "check_keyed"),
    }
)
EXPECTED: dict[str, Answer] = {OPENING: "yes", PERSON: "yes", QUESTIONS: "no", OFFER: "no"}
ASKED: dict[str, tuple[Asks, ...]] = {OPENING: ("convenient",), PERSON: ("person",)}

# Rasa reads a text that begins with a slash as an intent; what a caller says must never be.
_SLASHES = re.compile(r"^[\s/]+")


class ActionFailed(Exception):
    """An action raised, or none ran. The message names the class only."""


def cleaned(text: str) -> str:
    """At most MAX_TEXT characters, valid UTF-8, no leading slash; may be empty."""
    valid = text[:MAX_TEXT].encode("utf-8", "ignore").decode()
    return _SLASHES.sub("", valid).rstrip()


class Brain:
    """One loaded model. Not thread-safe: one turn at a time. Raises ActionFailed, BadLine."""

    def __init__(self, model: Path) -> None:
        trust_own_actions()
        self._actions = LocalActions("actions")
        self._memory = OneTurn(Domain.empty())
        agent = Agent.load(model, tracker_store=self._memory, action_endpoint=self._actions)
        assert agent.processor is not None
        self._processor = agent.processor
        self._processor.graph_runner = StraightRunner(self._processor.graph_runner)
        self._memory.domain = agent.domain
        self.model_id = str(agent.model_id)

    async def start(self, start: Start) -> Moved:
        open_items = tuple(item for item in start.items if item.id not in start.done)
        state = State(
            items=open_items,
            elder=start.elder,
            resumed=bool(start.done),
            problems=start.problems,
        )
        return await self._move(state, intent_data("start"), {})

    async def turn(self, turn: Turn) -> Moved:
        state = _state(turn.state)
        if turn.event is not None:
            if turn.event not in EVENTS:
                raise BadLine("unknown event")
            return await self._move(state, intent_data(turn.event), {})
        began = time.perf_counter()
        metadata = {
            "expect": _expected(state),
            "via": turn.via,
            "confidence": turn.confidence,
            **turn.clues(),
            "phase": state.phase,
            "asks": _asked(state),
            "item": state.asked.clause if state.asked else None,
        }
        data, meaning = await self._parse(turn.text, metadata)
        # From here on only the meaning counts: what was said reaches no tracker and no action.
        data = {**data, "text": ""}
        moved = await self._move(state, data, metadata)
        ms = (time.perf_counter() - began) * 1000
        return replace(moved, meaning=meaning, ms=ms)

    async def parse(self, text: str, expect: Answer | None, via: str = "text") -> Meaning:
        _, meaning = await self._parse(text, {"expect": expect, "via": via, "confidence": 1.0})
        return meaning

    async def _parse(self, said: str, metadata: dict[str, Any]) -> tuple[dict[str, Any], Meaning]:
        text = cleaned(said)
        if not text:
            return intent_data("other"), Meaning("other", 1.0, reason="no words")
        message = UserMessage(text, sender_id=CONVERSATION, metadata=metadata)
        data: dict[str, Any] = await self._processor.parse_message(message)
        intent = data["intent"]
        if intent["name"] in EVENTS or "meaning" not in data:
            raise ActionFailed("the model has no guard")  # nothing vouches for a yes: no answer
        guarded = data["meaning"]
        return data, Meaning(
            intent=intent["name"],
            confidence=float(intent["confidence"]),
            answer=guarded["answer"],
            request=guarded["request"],
            reason=guarded["reason"],
        )

    async def _move(self, state: State, data: dict[str, Any], metadata: dict[str, Any]) -> Moved:
        began = time.perf_counter()
        given = state.to_json()
        tracker = self._memory.begin({"phase": state.phase or None, "state": given})
        self._actions.failure = None
        message = UserMessage(
            data["text"], sender_id=CONVERSATION, parse_data=data, metadata=metadata
        )
        sent = await self._processor.handle_message(message)
        if self._actions.failure is not None:
            raise ActionFailed(type(self._actions.failure).__name__)
        moved = tracker.get_slot("state")
        if moved is given:
            raise ActionFailed("no action answered")
        acts = tuple(act_from_json(message["custom"]) for message in sent or ())
        ms = (time.perf_counter() - began) * 1000
        return Moved(acts, dict(moved), None, ms, self.model_id)


def intent_data(intent: str) -> dict[str, Any]:
    """What Rasa takes for a parsed message."""
    return {"text": "", "intent": {"name": intent, "confidence": 1.0}, "entities": []}


def _state(data: dict[str, Any]) -> State:
    try:
        return State.from_json(data)
    except (TypeError, ValueError, AttributeError):
        raise BadLine("not a dialogue state") from None


def _expected(state: State) -> Answer | None:
    """What the open question hopes for, so that the guard can read 没有 by the question."""
    if state.phase == ITEMS and state.items:
        return state.items[0].expect
    return EXPECTED.get(state.phase)


def _asked(state: State) -> tuple[Asks, ...]:
    """What the open question asks for, so that a yes to something else is not taken for its yes."""
    if state.phase == ITEMS and state.items:
        return state.items[0].asks
    return ASKED.get(state.phase, ())
