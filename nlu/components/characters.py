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
from nlu.components.table import table

WORD = re.compile(r"[a-z]+|\w")
NUMBER = re.compile(
    r"\d+|[零一二三四五六七八九十百千万亿两幺〇]{2,}|[三四五六七八九十百千万](?=[年天块万千百岁月号])"
)
NOTHING = "无言"  # stands for an empty text: the classifier cannot do without a feature


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class CharacterTokenizer(Tokenizer):  # type: ignore[misc]
    """Tokens of the text as the rules read it too: normalised, known misspellings corrected,
    neutral phrases ("不保证，知道") crossed out. Offsets are into that text."""

    @staticmethod
    def supported_languages() -> list[str]:
        return ["zh"]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"intent_tokenization_flag": False, "intent_split_symbol": "_"}

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        rules = table()
        expect = (message.get("metadata") or {}).get("expect")
        text = rules.respelt(normalise(message.get(attribute), MAX_TEXT))
        text = NUMBER.sub("数", rules.essence(text, "-" if expect == "no" else "+"))
        return [Token(m[0], m.start()) for m in WORD.finditer(text)] or [Token(NOTHING, 0)]
