"""Chinese numerals, both ways, and the clean-up that every parser of spoken numbers needs."""

from __future__ import annotations

import re
import unicodedata

_DIGITS = "零一二三四五六七八九"
_TO_ARABIC = str.maketrans("零〇○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "0001234567891123456789")
_SIMPLIFIED = str.maketrans("點兩後週禮鐘時號個過會隨歲頭鍾", "点两后周礼钟时号个过会随岁头钟")

NUMBER = r"(?:\d?十\d?|\d{1,2})"
"""A number below one hundred in the mixed notation of `arabic`: 8, 08, 18, 十8, 2十, 2十8."""


LONGEST = 500  # characters of one utterance that are looked at


def clean(text: str) -> str:
    """Half-width, lower case, simplified where the parsers look (typed text may be traditional)."""
    folded = unicodedata.normalize("NFKC", text[:LONGEST])[:LONGEST]
    return folded.lower().translate(_SIMPLIFIED)


def arabic(text: str) -> str:
    """Every hanzi digit (幺 and the banker's forms too) as an Arabic one; 十 stays as it is."""
    return text.translate(_TO_ARABIC)


def value(number: str) -> int:
    """The value of a match of `NUMBER`. Raises ValueError for anything else."""
    if not re.fullmatch(NUMBER, number):
        raise ValueError("not a number below one hundred")
    tens, ten, ones = number.partition("十")
    return int(number) if not ten else int(tens or 1) * 10 + int(ones or 0)


def hanzi(number: int) -> str:
    """0..99 as spoken alone: 0 零, 2 二, 15 十五, 30 三十. Raises ValueError outside."""
    if not 0 <= number <= 99:
        raise ValueError(f"{number} is not in 0..99")
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else _DIGITS[tens] + "十"
    return head + (_DIGITS[ones] if ones or not head else "")


def counted(number: int) -> str:
    """As spoken before a measure word: like `hanzi`, but 2 is 两 (两点, 两条)."""
    return "两" if number == 2 else hanzi(number)
