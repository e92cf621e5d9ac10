"""Readings that the pronunciation dictionaries get wrong, in what callbacks say.

Reviewed by ear and by `pypinyin`: only what is read wrongly without an entry stands here. A reading
holds where its hanzi stand, however the text around them is cut into words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

PHRASES: Final = {
    "还款": "huan2 kuan3",
    "还本": "huan2 ben3",
    "归还": "gui1 huan2",
}

SURNAMES: Final = {
    "任": "ren2", "曾": "zeng1", "单": "shan4", "解": "xie4", "仇": "qiu2", "查": "zha1",
    "翟": "zhai2", "覃": "qin2", "朴": "piao2", "葛": "ge3", "区": "ou1", "盖": "ge3",
    "缪": "miao4", "燕": "yan1", "薄": "bo2", "种": "chong2", "员": "yun4", "那": "na1",
    "召": "shao4", "柏": "bai3", "繁": "po2",
    "尉迟": "yu4 chi2", "万俟": "mo4 qi2", "长孙": "zhang3 sun1", "单于": "chan2 yu2",
    "澹台": "tan2 tai2",
}  # fmt: skip
"""Surnames whose everyday reading is another one; as surnames only where a name stands."""

_SURNAME: Final = "|".join(sorted(SURNAMES, key=len, reverse=True))
_NAMES: Final = re.compile(
    rf"(?:{_SURNAME})(?=先生|女士|小姐)"
    rf"|(?<=被保险人是)(?:{_SURNAME})|(?<=被保险人)(?:{_SURNAME})(?=\S{{1,4}}的签名)"
    rf"|(?<=保险保的是)(?:{_SURNAME})"
)
_PHRASES: Final = re.compile("|".join(sorted(PHRASES, key=len, reverse=True)))


def overrides(text: str) -> Mapping[int, str]:
    """Reading by place in `text`: pinyin with the tone as a number."""
    found: dict[int, str] = {}
    for pattern, readings in ((_PHRASES, PHRASES), (_NAMES, SURNAMES)):
        for match in pattern.finditer(text):
            syllables = readings[match[0]].split()
            found |= dict(zip(range(match.start(), match.end()), syllables, strict=True))
    return found
