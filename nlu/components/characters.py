"""One token for each Chinese character of the normalised text, one for each foreign word or number.

Answers are two to six characters long, where word segmentation loses what decides: jieba makes
不/清楚 and 没收到 alike into tokens that share nothing with their neighbours. Measured on
tests/dialogue/dev.tsv, characters with bigrams name the intent in 86 % against 82 % for jieba with
char_wb 1-4, with half the features and no dictionary to load.
"""

from __future__ import annotations

import re
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.training_data.message import Message

from bot.dialogue.protocol import MAX_TEXT
from nlu.components.normalise import normalise

NOTHING = "无言"  # stands for an empty text: the classifier cannot do without a feature


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class CharacterTokenizer(Tokenizer):  # type: ignore[misc]
    """Tokens of `normalise(text)`; their offsets are into the normalised text."""

    @staticmethod
    def supported_languages() -> list[str]:
        return ["zh"]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"intent_tokenization_flag": False, "intent_split_symbol": "_"}

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        text = normalise(message.get(attribute), MAX_TEXT)
        found = re.finditer(r"[a-z]+|\d+|\w", text)
        return [Token(m[0], m.start()) for m in found] or [Token(NOTHING, 0)]
