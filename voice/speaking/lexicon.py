"""What the dictionaries get wrong in what callbacks say: readings, and words of the trade.

Reviewed against every sentence of the questionnaire and a hundred made-up policies (`make
bench-intelligible`): only what is read wrongly without an entry stands here. A reading holds where
its hanzi stand, however the text around them is cut into words. Tone sandhi is left to the voice:
Kokoro speaks 保险 with a rising first syllable, written 3-3 or 2-3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

PHRASES: Final = {
    "还款": "huan2 kuan3",
    "还本": "huan2 ben3",
    "归还": "gui1 huan2",
    "长相伴": "chang2 xiang1 ban4",
    "长相守": "chang2 xiang1 shou3",
    "长享": "chang2 xiang3",
    "长盈": "chang2 ying2",
    "长佑": "chang2 you4",
    "长红": "chang2 hong2",
    "长护": "chang2 hu4",
}

WORDS: Final = tuple(
    "犹豫期 等待期 年金 年金保险 两全保险 重疾险 增额 转保 全残 退保 续保 保费 保单 保单号 "
    "投保单 尾号 转人工 按零 按一 按二 请按 季交 月交 年交 半年交 交满 一次交清 "
    "分红型 万能型 连结型 会涨 会跌 有涨 有跌 只涨".split()
)
"""Words of the trade that jieba does not know: of 犹豫期从 it makes 犹豫 and 期从, and the voice
follows."""

APART: Final = frozenset("身故 给付 反悔 回访".split())
"""Words that the voice slurs as one (身故 is heard as 生物): spoken as two, each whole."""

SURNAMES: Final = {
    "任": "ren2", "曾": "zeng1", "单": "shan4", "解": "xie4", "仇": "qiu2", "查": "zha1",
    "翟": "zhai2", "覃": "qin2", "朴": "piao2", "葛": "ge3", "区": "ou1", "盖": "ge3",
    "缪": "miao4", "燕": "yan1", "薄": "bo2", "种": "chong2", "员": "yun4", "那": "na1",
    "召": "shao4", "柏": "bai3", "繁": "po2",
    "尉迟": "yu4 chi2", "万俟": "mo4 qi2", "长孙": "zhang3 sun1", "单于": "chan2 yu2",
    "澹台": "tan2 tai2",
}  # fmt: skip
"""Surnames whose everyday reading is another one; as surnames only where a name stands."""

GIVEN: Final = {
    "子": "zi3", "乐": "le4", "朝": "zhao1", "少": "shao4", "晟": "sheng4", "得": "de2",
    "长": "chang2", "重": "chong2", "盛": "sheng4", "行": "xing2", "兴": "xing1", "还": "huan2",
}  # fmt: skip
"""How a given name usually has them (子涵, 少华, 朝霞); what parents chose nobody can know."""

_SURNAME: Final = "|".join(sorted(SURNAMES, key=len, reverse=True))
_TITLED: Final = re.compile(rf"(?:{_SURNAME})(?=先生|女士|小姐)")
_WHOLE: Final = re.compile(
    r"(?:(?<=被保险人是)|(?<=险保的是))[一-鿿]{2,4}(?=[，。]|$)|(?<=被保险人)[一-鿿]{2,4}(?=的签名)"
)
"""Where the questionnaire names the insured."""
_PHRASES: Final = re.compile("|".join(sorted(PHRASES, key=len, reverse=True)))
_LEADING: Final = re.compile(_SURNAME)


def overrides(text: str) -> Mapping[int, str]:
    """Reading by place in `text`: pinyin with the tone as a number."""
    found: dict[int, str] = {}
    for match in _PHRASES.finditer(text):
        found |= _placed(match.start(), PHRASES[match[0]])
    for match in _TITLED.finditer(text):
        found |= _placed(match.start(), SURNAMES[match[0]])
    for match in _WHOLE.finditer(text):
        found |= _named(match.start(), match[0])
    return found


def applied(text: str) -> tuple[str, ...]:
    """All that the lexicon says of `text`; what is said differently sounds differently."""
    readings = tuple(f"{at} {reading}" for at, reading in overrides(text).items())
    return readings + tuple(word for word in (*WORDS, *sorted(APART)) if word in text)


def _named(start: int, name: str) -> dict[int, str]:
    """A whole name: its surname, and what is usual in the rest."""
    leading = _LEADING.match(name)
    surname = leading[0] if leading else name[:1]
    given = {
        start + at: GIVEN[character]
        for at, character in enumerate(name)
        if at >= len(surname) and character in GIVEN
    }
    return given | (_placed(start, SURNAMES[surname]) if leading else {})


def _placed(start: int, syllables: str) -> dict[int, str]:
    return dict(enumerate(syllables.split(), start))
