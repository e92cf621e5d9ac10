"""One turn's memory: a tracker that is made from the travelling state and forgotten after."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

CONVERSATION = "turn"  # every turn is its own; no caller has a name here


class OneTurn(TrackerStore):  # type: ignore[misc]
    """Hands Rasa the live tracker of the present turn. Nothing is copied, nothing is kept, so a
    turn costs the same however long the call is."""

    def __init__(self, domain: Domain) -> None:
        super().__init__(domain)
        self._tracker: DialogueStateTracker | None = None

    def begin(self, slots: dict[str, Any]) -> DialogueStateTracker:
        tracker = DialogueStateTracker(CONVERSATION, self.domain.slots)
        for event in (
            ActionExecuted("action_session_start"),
            SessionStarted(),
            *(SlotSet(name, value) for name, value in slots.items()),
            ActionExecuted("action_listen"),
        ):
            tracker.update(event, self.domain)
        self._tracker = tracker
        return tracker

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Nothing to do: `retrieve` gave out the object itself."""

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:  # noqa: ARG002
        return self._tracker

    async def keys(self) -> Iterable[str]:
        return [CONVERSATION]
