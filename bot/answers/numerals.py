"""Chinese numerals, both ways, and the clean-up that every parser of spoken numbers needs."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

_DIGITS = "零一二三四五六七八九"
_TO_ARABIC = str.maketrans("零〇○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "0001234567891123456789")
_SIMPLIFIED = str.maketrans(
    "點兩後週禮鐘時號個過會隨歲頭鍾萬億塊錢圓幾來倆對錯應該約間遠說記證樣虧實",
    "点两后周礼钟时号个过会随岁头钟万亿块钱圆几来俩对错应该约间远说记证样亏实",
)
_VALUES = {hanzi: n for n, hanzi in enumerate(_DIGITS)} | {"两": 2}
_WEIGHTS = {"十": 10, "百": 100, "千": 1000}
_PLAIN = str.maketrans("〇○幺壹贰叁肆伍陆柒捌玖拾佰仟俩仨", "零零一一二三四五六七八九十百千两三")
_ARABIC = re.compile(r"(?:0|[1-9]\d*)(?:\.\d+)?")
_TOKEN = re.compile(rf"{_ARABIC.pattern}|.")

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


NUMERALS = "0-9零〇○一二两三四五六七八九幺壹贰叁肆伍陆柒捌玖十拾百佰千仟万亿半廿卅俩仨"
"""Every character a spoken or written number may consist of, as the inside of a regex class."""


def cardinal(number: str) -> Decimal | None:
    """The value of a number in any notation: 12000, 1.2万, 一万二, 十二万五, 三十五点八, 半.

    None where it is none, or no definite one: 三四百, 五六, 一五, 0012.
    """
    number = number.replace("廿", "二十").replace("卅", "三十").translate(_PLAIN)
    if number == "半":
        return Decimal("0.5")
    if _ARABIC.fullmatch(number):
        return Decimal(number)
    if "点" in number:
        whole, _, decimals = number.partition("点")
        value, rest = cardinal(whole), decimals.translate(_TO_ARABIC)
        exact = value is not None and value % 1 == 0 and re.fullmatch(r"\d+", rest)
        return value + Decimal(f"0.{rest}") if exact and value is not None else None
    if len(number) > 2 and all(c in _DIGITS for c in number) and number[0] != "零":
        return Decimal(number.translate(_TO_ARABIC))  # digit by digit: 一二零零零
    return _scaled(number, (("亿", Decimal(10**8)), ("万", Decimal(10**4))))


def _scaled(number: str, scales: tuple[tuple[str, Decimal], ...]) -> Decimal | None:
    """X亿Y万Z; a single digit at the end counts in tenths of what stands before it: 一万二."""
    if not scales:
        return _section(number)
    (unit, scale), *smaller = scales
    if unit not in number:
        return _scaled(number, tuple(smaller))
    head, _, tail = number.partition(unit)
    times = _scaled(head, tuple(smaller))
    if not times:
        return None
    if len(tail) == 1 and (digit := _digit(tail)):
        return (times + digit / 10) * scale
    rest = _scaled(tail.removeprefix("零"), tuple(smaller)) if tail else Decimal(0)
    return times * scale + rest if rest is not None and rest < scale else None


def _section(number: str) -> Decimal | None:
    """A number below ten thousand: 三千五百, 一百零五, 三千五, 十五, 12千."""
    total, last, pending, zero = Decimal(0), 10_000, None, False
    for part in _TOKEN.findall(number):
        if part == "零" and number != "零":
            if pending is not None or zero:
                return None
            zero = True
        elif part in _WEIGHTS:
            weight = _WEIGHTS[part]
            ten = Decimal(1) if weight == 10 else None  # 十五, but not 百五
            times = ten if pending is None else pending
            if weight >= last or not times:
                return None
            total, last, pending, zero = total + times * weight, weight, None, False
        else:
            value = _digit(part)
            if pending is not None or value is None:
                return None
            pending = value
    if pending is None:
        return None if zero or not total else total
    if pending >= last:
        return None
    tenths = last in (100, 1000) and not zero and pending < 10
    return total + (pending * last / 10 if tenths else pending)


def _digit(token: str) -> Decimal | None:
    """One hanzi digit or an Arabic number."""
    if token in _VALUES:
        return Decimal(_VALUES[token])
    return Decimal(token) if _ARABIC.fullmatch(token) else None
