"""The guard has the last word in Rasa's pipeline: the classifier's guess becomes a meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message

from nlu.components.judge import judge
from nlu.components.utterance import Guess, Heard
from voice.clues import clues_in


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class AnswerGuard(GraphComponent, IntentClassifier):  # type: ignore[misc]
    """Reads `metadata` (expect, asks, via, confidence, phase, and `voice.clues`) if there
    is any.

    Writes `intent` and `meaning`, the fields of `bot.dialogue.protocol.Meaning`.
    """

    @classmethod
    def required_components(cls) -> list[type]:
        return [IntentClassifier]

    @classmethod
    def create(  # Rasa's signature; the guard has neither settings nor anything learned
        cls,
        config: dict[str, Any],  # noqa: ARG003
        model_storage: ModelStorage,  # noqa: ARG003
        resource: Resource,  # noqa: ARG003
        execution_context: ExecutionContext,  # noqa: ARG003
    ) -> AnswerGuard:
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        """Judges each message in place."""
        for message in messages:
            meaning = judge(
                heard(message.get(TEXT) or "", message.get("metadata") or {}),
                guess(message.get(INTENT_RANKING_KEY) or []),
            )
            message.set(
                INTENT,
                {"name": meaning.intent, "confidence": meaning.confidence},
                add_to_output=True,
            )
            message.set("meaning", asdict(meaning), add_to_output=True)
        return messages


def heard(text: str, metadata: Mapping[str, Any]) -> Heard:
    """What the metadata of a message says about how `text` was heard."""
    return Heard(
        text=text,
        expect=str(metadata.get("expect") or "yes"),
        via=str(metadata.get("via") or "text"),
        confidence=float(metadata.get("confidence", 1.0)),
        phase=str(metadata.get("phase") or ""),
        asks=tuple(map(str, metadata.get("asks") or ())),
        **clues_in(metadata),
    )


def guess(ranking: Sequence[Mapping[str, Any]]) -> Guess:
    """The classifier's ranking, best first, as the guard sees it."""
    sure = {str(r["name"]): float(r["confidence"]) for r in ranking if r["name"]}
    best = max(sure, key=sure.__getitem__, default="other")
    return Guess(best, sure.get(best, 0.0), sure.get("affirm", 0.0))
