"""Is this the policyholder? Compares what was said or keyed with the policy; knows no sound.

The caller states the birth date or the last four of the ID number, the bot never reads them out
(互联网保险业务监管办法 §20). Strict where it can be: part of a date, a number inside a longer one
or two different answers in one breath never pass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bot.answers.numerals import NUMBER, arabic, clean, value
from bot.policies.policy import Policy

Check = Literal["ok", "wrong", "unheard"]

_LUNAR = re.compile(r"农历|阴历|旧历|老历|初[1-9十]|正月|腊月|冬月|闰|廿|卅")
_X = re.compile(r"[叉×]|[艾爱埃]克斯")
# Hanzi numerals that are no digits of an answer: 后四位, 四个数字, 一下, 第一 …; not if a digit
# stands before them, or 12344位 would end up as 1234.
_NO_DIGITS = re.compile(
    r"(?<![0-9x叉零〇一二三四五六七八九幺])(?:[四4]\s*[位个](?:数字?|号码?)?|(?:[八8]|十八)\s*位(?:数字?)?|"
    r"一(?:下|遍|个|共|样|点|边|直|定|起|会)|第一|万一|统一|唯一)"
)
_GAP = r"[\s,，、。.．\-—–_/·:：]"
_YEAR = rf"(?<!\d)(?:\d{{4}}|\d{{2}})(?={_GAP}*年)"
_BARE_YEAR = rf"(?<!\d)(?:19|20)\d{{2}}(?={_GAP}*{NUMBER}{_GAP}*月)"
_YEARS = re.compile(f"({_YEAR}|{_BARE_YEAR})年?")
_MONTH_DAY = re.compile(rf"(?<![\d十])({NUMBER}){_GAP}*月份?的?{_GAP}*({NUMBER})(?![\d十])[日号]?")
_COMPACT_DAY = re.compile(r"年(\d{2})(\d{2})(?!\d)")
_POINTED = re.compile(r"(?<![\d.\-/])(\d{4}|\d{2})([.\-/])(\d{1,2})\2(\d{1,2})(?![\d.\-/])")
_SPACED = re.compile(r"(?<!\d)((?:19|20)\d{2})[\s,，、]+(\d{1,2})[\s,，、]+(\d{1,2})(?![\dx])")
_RUN = re.compile(rf"[\dx](?:{_GAP}*[\dx])*")

_Born = tuple[int, int, int]  # year (of two digits below 100), month, day


def check(text: str, policy: Policy) -> Check:
    """`ok`: everything stated agrees. `wrong`: a whole date or number that does not.
    `unheard`: nothing whole, several different answers, or a date of the lunar calendar."""
    said = clean(text)
    if _LUNAR.search(arabic(said).replace("初十", "初1")):
        return "unheard"
    said = arabic(_X.sub("x", _NO_DIGITS.sub(" | ", said)))
    dates, rest = _dates(said)
    numbers = _numbers(rest)
    if len(dates) > 1 or len(numbers) > 1 or not dates | numbers:
        return "unheard"
    agrees = all(_is_birth_date(born, policy) for born in dates) and all(
        _is_number(number, policy) for number in numbers
    )
    return "ok" if agrees else "wrong"


def _dates(said: str) -> tuple[set[_Born], str]:
    """Whole dates, and the text without anything that belongs to a date."""
    found: set[_Born] = set()

    def take(match: re.Match[str]) -> str:
        year, month, day = match[1], match[match.re.groups - 1], match[match.re.groups]
        found.add((int(year), int(month), int(day)))
        return " | "

    rest = _SPACED.sub(take, _POINTED.sub(take, said))
    rest = _COMPACT_DAY.sub(r"年\1月\2日", rest)
    years = {int(match[1]) for match in _YEARS.finditer(rest)}
    month_days = {(value(m[1]), value(m[2])) for m in _MONTH_DAY.finditer(_YEARS.sub("|", rest))}
    found |= {(year, *month_day) for year in years for month_day in month_days}
    rest = _MONTH_DAY.sub(" | ", _YEARS.sub(" | ", rest))
    return {born for born in found if 1 <= born[1] <= 12 and 1 <= born[2] <= 31}, rest


def _numbers(rest: str) -> set[str]:
    """Digit strings of a length that means something, if the text has no other digits.

    Recognisers put spaces and commas into numbers at will, so pieces are joined; said twice, a
    number counts once.
    """
    found = set()
    for match in _RUN.finditer(rest):
        pieces = re.split(f"{_GAP}+", match[0])
        whole = pieces[0] if len(set(pieces)) == 1 and len(pieces[0]) >= 4 else "".join(pieces)
        found.add(whole.upper())
    if all(re.fullmatch(r"\d{3}[\dX]|\d{8}|\d{17}[\dX]", number) for number in found):
        return found
    return set()


def _is_birth_date(born: _Born, policy: Policy) -> bool:
    truth = policy.birth_date
    year = truth.year if born[0] >= 100 else truth.year % 100
    return born == (year, truth.month, truth.day)


def _is_number(number: str, policy: Policy) -> bool:
    if len(number) == 4:
        return number == policy.id_last4
    return number in (f"{policy.birth_date:%Y%m%d}", policy.holder_id)


@dataclass(slots=True)
class KeyCollector:
    """Keys pressed one after another, made into one number. Times are ms on any one clock.

    Complete at eight digits, at X (`*` as the fourth), at `#`, or when the caller has paused and
    the owner of the clock calls `finish`. 0 as the first key is a call for a human and never
    collected.
    """

    pause_ms: int = 2500
    pending: str = ""  # what has been collected so far
    last_ms: int = 0  # when its last key was pressed

    def takes(self, digit: str) -> bool:
        """Whether the key would belong to the number; if not it is a command."""
        if digit == "*":
            return len(self.pending) == 3
        if digit == "#":
            return bool(self.pending)
        return digit.isdecimal() and not (digit == "0" and not self.pending)

    def press(self, digit: str, at_ms: int) -> str | None:
        """The number if this key completes it."""
        if not self.takes(digit):
            return None
        self.last_ms = at_ms
        if digit == "#":
            return self.finish()
        self.pending += "X" if digit == "*" else digit
        return self.finish() if digit == "*" or len(self.pending) == 8 else None

    def stale(self, now_ms: int) -> bool:
        """Whether the caller has paused so long that a key would begin another number."""
        return bool(self.pending) and now_ms - self.last_ms > self.pause_ms

    def finish(self) -> str:
        """What was collected, which may be too short; the next key begins anew."""
        number, self.pending = self.pending, ""
        return number
