"""One spelling for everything: half-width, lower case, simplified, no control characters.

Pure. What is heard or typed is only ever looked at in this form; it is never executed or echoed.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

# Not one-to-one in OpenCC's table, or a recogniser's habit rather than a traditional form.
HABITS = dict(zip("瞭著妳啲恩嘢麽咁", "了着你点嗯野么这", strict=True))

# Faces people add to a typed answer without changing it. Any other symbol stays and is not a word.
FRIENDLY = re.compile(
    "[\u2705\u2714\u263a\u2764\U0001f339\U0001f44c\U0001f44d\U0001f44f\U0001f64f\U0001f91d"
    "\U0001f600-\U0001f60a\U0001f642\U0001f3fb-\U0001f3ff]"
)

_BREAK = re.compile(r"[\s,，。.!！;；、~～…—\-:：\"'“”‘’()（）《》【】\[\]]+")
_QUESTION = re.compile(r"\?+")
_STAMMER = re.compile(r"(.)\1{3,}")
# The northern -r, where it changes nothing; not in 儿子, 儿女, 儿媳.
_ERHUA = re.compile("(?<=[点会事份块样个下错空活])儿(?![子女媳童孙])")


@lru_cache(maxsize=1)
def _simplified() -> dict[int, str]:
    lines = (Path(__file__).parent / "t2s.txt").read_text(encoding="utf-8").splitlines()
    pairs = (pair for line in lines if not line.startswith("#") for pair in line.split())
    return {ord(trad): simp for trad, simp in (*pairs, *HABITS.items())}


def normalise(text: str, limit: int) -> str:
    """The first `limit` characters of `text`, normalised.

    Every run of punctuation and space becomes one "，" except question marks, which are meaning
    ("清楚？" is not "清楚") and stay as "？". A decimal point between digits is kept.
    """
    text = unicodedata.normalize("NFKC", text[:limit])
    text = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    text = FRIENDLY.sub("", text).replace("\ufe0f", "").lower().translate(_simplified())
    text = re.sub(r"(?<=\d)[.](?=\d)", "点", re.sub(r"(?<=\d),(?=\d{3})", "", text))
    text = _BREAK.sub("，", text)
    text = _QUESTION.sub("？", text)
    text = re.sub("，*？，*", "？", _ERHUA.sub("", text))
    return _STAMMER.sub(r"\1\1\1", text).strip("，")
