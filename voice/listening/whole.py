"""Is a number whole? What was asked for decides: 十五年 says how many years, 十五 may go on.

Pure, and about nothing but time: a whole number ends an answer as soon as a clear yes would. What
it means is decided elsewhere. Where a number may be the beginning of a longer one it is not whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal

_DIGITS: Final = "0-9零〇幺一二三四五六七八九"
_NUMERALS: Final = f"{_DIGITS}两十百千万"
_END: Final = r"[了的啊呀嘛呢呗哦吧整]*$"
_DATE: Final = re.compile(
    rf"[{_NUMERALS}]+年[{_NUMERALS}]+月份?的?[{_NUMERALS}]+[日号](?:出生|生)?{_END}"
)
_MONTH_DAY: Final = re.compile(
    rf"[{_NUMERALS}]+月份?的?[{_NUMERALS}]+[日号](?:签收|签|收到|收)?{_END}"
)
_YUAN: Final = re.compile(rf"[{_NUMERALS}点](?:元|块|圆)钱?{_END}")
_CENTS: Final = re.compile(rf"[{_NUMERALS}](?:角|毛|分)钱?{_END}")
_DENIED: Final = re.compile(rf"(?:不是|没有|不到|不止)[{_NUMERALS}点]+\D{{0,2}}$")
_LAST_RUN: Final = re.compile(rf"(?:^|[^{_NUMERALS}])([{_DIGITS}]+[xX叉×]?){_END}")
_ASCII: Final = str.maketrans("零〇幺一二三四五六七八九叉×x", "001123456789XXX")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The number a question asks for."""

    kind: Literal["count", "amount", "month_day", "identity"]
    """identity: a birth date, or the last four of a document's number."""
    units: tuple[str, ...] = ()  # of a count: 年; 天, 日
    cents: bool = False  # of an amount: 角 and 分 may follow its 元


def whole(text: str, wanted: Wanted) -> bool:
    """Whether `text` (without punctuation) ends with all of the number that is wanted."""
    if _DENIED.search(text):
        return False  # 不是十年…是十五年
    match wanted.kind:
        case "count":
            return _count(wanted.units).search(text) is not None
        case "amount":
            return (_CENTS if wanted.cents else _YUAN).search(text) is not None
        case "month_day":
            return _MONTH_DAY.search(text) is not None
        case "identity":
            return _DATE.search(text) is not None or _number(text)


@lru_cache(maxsize=16)
def _count(units: tuple[str, ...]) -> re.Pattern[str]:
    """A calendar year (二零二六年) and an ordinal count nothing."""
    calendar = rf"(?![{_DIGITS}]{{4}})"
    names = "|".join(map(re.escape, units))
    return re.compile(rf"(?<![第{_NUMERALS}]){calendar}[{_NUMERALS}]+个?(?:{names}){_END}")


def _number(text: str) -> bool:
    """Four digits, unless a date or a whole document number may have begun with them; a date in
    eight digits; a whole number of eighteen."""
    found = _LAST_RUN.search(text)
    digits = found[1].translate(_ASCII) if found else ""
    match len(digits):
        case 4:
            return digits.endswith("X") or not (_is_year(digits) or _is_month(digits[2:]))
        case 8:
            return _is_date(digits)
        case 18:
            return True
        case _:
            return False


def _is_year(digits: str) -> bool:
    return digits[:2] == "19" or "2000" <= digits <= "2099"


def _is_month(digits: str) -> bool:
    """Of 五四零三, which may go on 零八; whole document numbers begin that way too (2101)."""
    return "01" <= digits <= "12"


def _is_date(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return _is_year(digits[:4])
