"""Numbers in hanzi, as they are said aloud."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import cn2an

_DIGITS: Final = "零一二三四五六七八九"
_LONGEST: Final = 16
"""Digits of a number that Chinese still has names for; a longer one is read digit by digit."""


def digits(text: str, *, one: str = "一") -> str:
    """Digit by digit, everything else left as it is. `one` is 幺 for numbers that name something:
    telephone, policy and ID numbers."""
    return "".join(
        (one if c == "1" else _DIGITS[int(c)]) if c.isascii() and c.isdigit() else c for c in text
    )


def cardinal(number: str) -> str:
    """A number in ASCII digits, with or without decimals: 12000 is 一万二千, 2.50 is 二点五零.

    Leading zeros mean that it is no quantity: digit by digit.
    """
    whole, _, decimals = number.partition(".")
    if len(whole) > _LONGEST or (len(whole) > 1 and whole[0] == "0"):
        spoken = digits(whole)
    else:
        spoken = _said(cn2an.an2cn(whole or "0", "low"))
    return f"{spoken}点{digits(decimals)}" if decimals else spoken


def counted(number: str) -> str:
    """A number before a measure word: 2 is 两."""
    return "两" if number == "2" else cardinal(number)


def money(number: str) -> str:
    """Yuan with up to two decimals: 12000.50 is 一万二千元五角, 0.05 is 五分."""
    amount = Decimal(number)
    whole, cents = divmod(int(amount * 100), 100)
    jiao, fen = divmod(cents, 10)
    yuan = f"{counted(str(whole))}元" if whole or not cents else ""
    gap = "零" if whole and fen and not jiao else ""
    return (
        yuan + (f"{_DIGITS[jiao]}角" if jiao else "") + gap + (f"{_DIGITS[fen]}分" if fen else "")
    )


def _said(number: str) -> str:
    """As people say it: 两千, 两万, 两亿 at the front, not 二千."""
    return "两" + number[1:] if number[:1] == "二" and number[1:2] in ("千", "万", "亿") else number
