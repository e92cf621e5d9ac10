"""Readings that the pronunciation dictionaries get wrong, in what callbacks say.

Reviewed by ear and by `pypinyin`: only what is read wrongly without an entry stands here.
"""

from __future__ import annotations

from typing import Final

PHRASES: Final = {
    "还款": "huán kuǎn",
    "还款日": "huán kuǎn rì",
    "还本": "huán běn",
    "归还": "guī huán",
}

SURNAMES: Final = {
    "任": "rén", "曾": "zēng", "单": "shàn", "解": "xiè", "仇": "qiú", "查": "zhā", "翟": "zhái",
    "覃": "qín", "朴": "piáo", "葛": "gě", "区": "ōu", "盖": "gě", "缪": "miào", "燕": "yān",
    "薄": "bó", "种": "chóng", "员": "yùn", "那": "nā", "召": "shào", "柏": "bǎi", "繁": "pó",
}  # fmt: skip
"""Surnames whose everyday reading is another one; as surnames only before a title."""

TITLES: Final = {"先生": "xiān shēng", "女士": "nǚ shì", "小姐": "xiǎo jiě"}


def readings() -> dict[str, str]:
    """Every phrase with its pinyin, syllables separated by a space."""
    titled = {
        surname + title: f"{reading} {rest}"
        for surname, reading in SURNAMES.items()
        for title, rest in TITLES.items()
    }
    return PHRASES | titled
