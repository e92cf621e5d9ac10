"""What somebody stated in Chinese: one definite number, amount, date or choice, or nothing. Pure.

Strict, because a value that was not stated must never be found: an approximation (十来年), a range
(五到十年), a doubt (大概, 好像, 吧), a question, a negation (不是十年) or two different values are
no statement. What is corrected counts as corrected: 五年，不对，十年 is ten.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Generic, TypeVar

from bot.answers.numerals import NUMBER, NUMERALS, arabic, cardinal, clean, value

T = TypeVar("T")

_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")  # 12,000
# From here on the speaker begins anew; 对不对 and 没错了 do not.
_BEGUN_ANEW = re.compile(
    r"(?<!对)不对|(?<!没)错了|[说讲记搞弄]错|不是不是|不不|[哦噢喔]不|不是(?=[，。;!])|更正|重说|改成|应该说"
)
_VAGUE = re.compile(
    r"大概|大约|约(?!定)|差不多|左右|上下|可能|也许|或许|好像|似乎|像是|估计|应该|恐怕|兴许|没准|说不[准定好]|"
    r"不一定|不[太大]?(?:清楚|知道|晓得|记得|确定|敢说)|[记想]不[清起]|忘|猜|[几数多]少?(?=[年天个块元百千万十月号日])|"
    r"几|多少|还是|或者?|要不|不[到足止满]|至少|起码|最[多少低高]|超过|以[上内下]|将近|接近|快[要到]|"
    r"是不是|对不对|有没有|去年|前年|明年|后年|农历|阴历|初[一二三四五六七八九十]|[吧吗么]|\?"
)
_UNKNOWN = re.compile(
    r"不[太大]?(?:清楚|知道|晓得|记得|懂|明白|了解|确定)|[记想]不[清起]|忘|没(?:听懂|明白|注意|记住|印象)|哪知道|谁知道"
)
# Words that hold a numeral and state no number.
_NO_NUMBERS = re.compile(
    rf"(?<![{NUMERALS}])(?:一[共起下直定点遍样般些边旦]|一个(?!月|星期|礼拜|季)|十分|百分百|万一|千万(?=[别要不记]))"
    rf"(?![{NUMERALS}])|统一|唯一|(?<![{NUMERALS}])一共"
)
_NOT = re.compile(r"(?:不是|没有|并非|不|没|别|非)(?:说|交|有|什么|那|的)?$")
_RANGE = re.compile(rf"[到至~\-—–][{NUMERALS}]")
# What may follow a number that has no unit.
_ALONE = re.compile(r"[钱整的了啊呀嘛呢哦呗啦哈吧吗，。;!?|]|人民币|$")
# So much each time, and how often, which counts no years: 一年一万, 每季度交三千块, 一年一交.
_RATE = re.compile(
    rf"[每一]个?(?:半?年|月|季度?|次|期)(?:都|就|要|得|是|[交缴存付])*"
    rf"(?:[{NUMERALS}]+(?:[.点][{NUMERALS}]+)?(?![{NUMERALS}年天日个月次])(?:[块元][{NUMERALS}]?)?钱?|一[交缴次回])"
)
_HALF_A_MONTH = re.compile(r"(?<![个大小])半[个拉]?月")
_CALENDAR_YEAR = 1000  # so many are no years of payment: 交到2041年, 交十年，一万
_CHANGE = re.compile(r"[块元圆毛角]零?$")  # before the 五 of 三千块五, which counts no years
_RUN = rf"[{NUMERALS}]+(?:[.点][{NUMERALS}]+)?"
_SOUNDS_LIKE_TEN = re.compile(rf"(?<!不)[是时事石实式](?={_RUN})")


@dataclass(frozen=True, slots=True)
class Stated(Generic[T]):
    """What was stated. Without a value `why` says why not."""

    value: T | None = None
    why: str = ""
    unknown: bool = False  # the speaker says that they do not know


@dataclass(frozen=True, slots=True)
class _Mention(Generic[T]):
    """One value in the text; None where it is none that counts, or unreadable."""

    value: T | None
    start: int
    end: int
    foreign: bool = False  # counts something else: 十岁, where years to pay are asked


def number(text: str, units: Sequence[str], *, by_voice: bool = False) -> Stated[Decimal]:
    """A number alone or with one of `units` (年; 天, 日). `by_voice`: 是五 may have been 十五.
    Half a month is fifteen days; what is paid each year is no number of years."""
    own = re.compile("|".join(sorted(units, key=len, reverse=True)))
    told = _RATE.sub("|", _tidy(text))
    if "天" in units:
        told = _HALF_A_MONTH.sub("十五天", told)
    told = re.sub(rf"(?<={'|'.join(map(re.escape, units))})[以之]内", "", told)

    def find(said: str) -> Iterator[_Mention[Decimal]]:
        end = 0
        for run in re.finditer(_RUN, said):
            if run.start() < end:
                continue  # the half of 三年半
            unit = own.match(said, run.end())
            end = unit.end() if unit else run.end()
            found = cardinal(run[0])
            if unit and said.startswith("半", end) and found is not None:
                found, end = found + Decimal("0.5"), end + 1
            alone = _ALONE.match(said, end) and not _CHANGE.search(said[: run.start()])
            large = found is not None and found >= _CALENDAR_YEAR
            if _blurred(said, run.start(), end, run.end()) or (large and unit):
                found = None
            foreign = found is not None and not unit and (large or not alone)
            yield _Mention(found, run.start(), end, foreign)

    return _settle(told, find, by_voice)


_AMOUNT = re.compile(
    rf"({_RUN})(?:(?:块|元|圆)(?:零?([{NUMERALS}])(?:毛|角|(?=钱|$|[，。;!])))?(?:零?([{NUMERALS}])分)?)?"
)


def amount(text: str, *, by_voice: bool = False) -> Stated[Decimal]:
    """In yuan: 一万二, 12000块, 三十五块八, 1500.50元, 二十万. `by_voice` as in `number`."""

    def find(said: str) -> Iterator[_Mention[Decimal]]:
        for match in _AMOUNT.finditer(said):
            parts = [cardinal(part) if part else Decimal(0) for part in match.groups()]
            found = None
            if None not in parts and all(part < 10 for part in parts[1:] if part is not None):
                yuan, jiao, fen = (part or Decimal(0) for part in parts)
                found = yuan + jiao / 10 + fen / 100
            if _blurred(said, match.start(), match.end(), match.end(1)):
                found = None
            counted = match.end() > match.end(1) or _ALONE.match(said, match.end())
            foreign = found is not None and not counted
            yield _Mention(found, match.start(), match.end(), foreign)

    return _settle(_tidy(text), find, by_voice)


_DATE = re.compile(
    rf"(?:(\d{{4}}|\d{{2}}|今)年)?({NUMBER})月份?的?({NUMBER})[日号]?"
    r"|(?:(\d{4})[./-])?(?<![\d.])(\d{1,2})[./-](\d{1,2})(?![\d.])"
)


def day(text: str, near: date) -> Stated[date]:
    """A date of month and day; one without a year is taken for that of `near`."""

    def find(said: str) -> Iterator[_Mention[date]]:
        for match in _DATE.finditer(said):
            year, month, number = match.groups()[:3] if match[2] else match.groups()[3:]
            try:
                found = date(_year(year, near), value(month), value(number))
            except ValueError:
                found = None
            if _blurred(said, match.start(), match.end(), match.end()):
                found = None
            yield _Mention(found, match.start(), match.end())

    return _settle(arabic(_tidy(text).replace("廿", "二十")), find)


def _year(said: str | None, near: date) -> int:
    if not said or said == "今":
        return near.year
    return int(said) if len(said) == 4 else near.year // 100 * 100 + int(said)


FIRST = ("第一个", "第一种", "前一个", "前一种", "前面那个", "前面的", "前者")
SECOND = ("第二个", "第二种", "后一个", "后一种", "后面那个", "后面的", "后者")


_ASKED_BACK = re.compile(r"多少|什么|哪|怎么|几|还是|[吗?]")
# 是不是一定有 holds 不是一定有; 可能不能保 asks nothing.
_WHETHER = re.compile(r"([是会要有用该]|(?<!可)能)[不没]\1")
_AROUND = r"[那嗯就是肯定要得当然会，。的了啊呀些点呗嘛]*"


def choice(text: str, options: Sequence[Sequence[str]], *, by_voice: bool = False) -> Stated[int]:
    """Which of two options was said, by its place: each is a list of ways to say it, and 前面那个
    or 第二种 will do as well. A way of one character counts only where nothing else is said.
    `by_voice`: a way that means the other option with a 不 or 没 before it is none (the recogniser
    may have lost that)."""
    said = _latest(_tidy(text, keep_numerals=True)).replace("没错", "")
    ways = [
        (way, place)
        for place, (own, deictic) in enumerate(zip(options, (FIRST, SECOND), strict=True))
        for way in (*own, *deictic)
    ]
    ways.sort(key=lambda way: -len(way[0]))
    asked_whether = bool(_WHETHER.search(said))
    found: dict[int, str] = {}
    for way, place in ways:  # the longest first: 不一定有 is not 一定有
        if way in said if len(way) > 1 else re.fullmatch(_AROUND + way + _AROUND, said):
            found.setdefault(place, way)
            said = said.replace(way, "|")
    if not found:
        # 不确定 may be said of what the contract pays, and is then no want of knowledge.
        unknown = bool(_UNKNOWN.search(said.replace("不确定", "")))
        return Stated(why="说不知道" if unknown else "没有说是哪一种", unknown=unknown)
    if asked_whether or _ASKED_BACK.search(said):
        return Stated(why="是在反问")
    if len(found) > 1:
        return Stated(why="两种都说了")
    if re.search(r"[不没未别非]", said):
        return Stated(why="有否定词")
    if _VAGUE.search(said):
        return Stated(why="说得含糊")
    ((place, way),) = found.items()
    if by_voice and {f"不{way}", f"没{way}"} & set(options[1 - place]):
        return Stated(why="可能丢了一个“不”字")
    return Stated(place)


def _tidy(text: str, *, keep_numerals: bool = False) -> str:
    """One spelling for what looks different and means the same."""
    said = clean(_GROUPED.sub(lambda m: m[0].replace(",", ""), text))
    said = re.sub(r"(?<=\d)[wW](?![a-zA-Z])", "万", said)
    said = re.sub(rf"(?<=[{NUMERALS}])\s+(?=[{NUMERALS}])", "，", said)
    said = re.sub(r"\s+", "", said).translate(str.maketrans(",、:", "，，，"))
    return said if keep_numerals else _NO_NUMBERS.sub("", said)


def _latest(said: str) -> str:
    """The text after the last correction."""
    anew = [m.end() for m in _BEGUN_ANEW.finditer(said)]
    rest = said[anew[-1] :] if anew else said
    return re.sub(r"^[了的啊呀，。;!]+", "", rest)


def _blurred(said: str, start: int, end: int, digits_end: int) -> bool:
    """Whether a number is only about that, or names something: 十来年, 好几十, 第十年, 百分之五."""
    before, after = said[:start], said[digits_end:]
    return bool(
        re.search(r"(?:第|百分之|[几数好上近小]|负|-)$", before)
        or re.match(r"[几来多余把]", after)
        or re.match(r"[几来多余把]", said[end:])
        or _RANGE.match(said[end:])
    )


def _maybe_ten(said: str) -> bool:
    """是五年 may be 十五年 on a telephone; 是十五年 and 是五百 can be nothing else."""
    for sound in _SOUNDS_LIKE_TEN.finditer(said):
        run = re.match(_RUN, said[sound.end() :])
        if run and not run[0].startswith("十") and cardinal("十" + run[0]) is not None:
            return True
    return False


def _settle(
    said: str, find: Callable[[str], Iterator[_Mention[T]]], by_voice: bool = False
) -> Stated[T]:
    """The one value that all of the text agrees on."""
    said = _latest(said)
    mentions = [m for m in find(said) if not m.foreign]
    if not mentions:
        unknown = bool(_UNKNOWN.search(said))
        return Stated(why="说不知道" if unknown else "没有说出来", unknown=unknown)
    if _VAGUE.search(said):
        return Stated(why="说得含糊")
    if any(m.value is None for m in mentions):
        return Stated(why="不是一个确定的数")
    if by_voice and _maybe_ten(said):
        return Stated(why="“是”和“十”分不清")
    denied = [m for m in mentions if _NOT.search(said[: m.start])]
    stated = {m.value for m in mentions if m not in denied}
    if denied and not re.search(r"(?<!不)是$", said[: mentions[-1].start]):
        return Stated(why="有否定词")  # 不是五年，是十年 states ten; 五年不是十年 nothing for sure
    if len(stated) != 1:
        return Stated(why="说了不止一个")
    return Stated(stated.pop())
