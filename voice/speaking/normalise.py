"""Text as it is said: afterwards there are hanzi and seven punctuation marks, and nothing else.

Speech engines read digits, letters and symbols each in its own wrong way, so none gets to see any.
The rules run in the order of `_RULES`; each one turns one kind of writing into hanzi. Applying
`normalise` twice gives the same as once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from pypinyin import Style, pinyin

from voice.speaking.numbers import cardinal, counted, digits, money

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

LETTERS: Final = {
    "A": "诶", "B": "必", "C": "西", "D": "迪", "E": "伊", "F": "艾弗", "G": "记",
    "H": "艾尺", "I": "艾", "J": "杰", "K": "开", "L": "艾勒", "M": "艾姆", "N": "恩",
    "O": "欧", "P": "批", "Q": "丘", "R": "阿尔", "S": "艾丝", "T": "踢", "U": "优",
    "V": "维", "W": "达不溜", "X": "艾克斯", "Y": "歪", "Z": "贼",
}  # fmt: skip
"""As they are called on the telephone."""

_NUMBER: Final = r"\d+(?:\.\d+)?"
_DASH: Final = r"\s*[-~–—至到]\s*"
_NAMING: Final = (
    r"尾号|末\d?位|后\d位|后[一二三四五六七八]位|保单号码?|合同号码?|投保单号码?|证件号码?|身份证号?码?"
    r"|电话号?码?|手机号?码?|热线|专线|拨打|致电|号码|工号|编号|单号|卡号|账号|验证码|邮编|代码|编码"
)
"""After one of these comes a number that names something: read digit by digit."""

_MEASURE: Final = (
    "年|个|次|天|位|份|期|岁|周|条|项|名|人|遍|种|类|句|张|倍|件|笔|档|分钟|小时|秒|块|千|万|亿"
)
"""Before these 2 is 两."""
_UNIT: Final = rf"(?:{_MEASURE}|元|月|日|号|百|点|分|厘|级|折|[%‰.,:/\d])"


def _date(found: re.Match[str]) -> str:
    year, month, day = found.groups()
    return f"{digits(year)}年{cardinal(str(int(month)))}月{cardinal(str(int(day)))}日"


def _time(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), int(found[2])
    if minute == 0:
        return f"{counted(str(hour))}点"
    return f"{counted(str(hour))}点{'零' if minute < 10 else ''}{cardinal(str(minute))}分"


def _naming(found: re.Match[str]) -> str:
    return found[1] + digits(re.sub(r"[\s-]", "", found[2]), one="幺")


def _separate(found: re.Match[str]) -> str:
    return digits(re.sub(r"[\s-]", "", found[0]), one="幺")


def _rule(pattern: str, say: Callable[[re.Match[str]], str]) -> Rule:
    return re.compile(pattern), say


_RULES: Final[tuple[Rule, ...]] = (
    # 〇 and the circles typed for it, between other numerals or digits
    _rule(r"[〇○◯]", lambda _: "零"),
    # ranges of what has a unit: 3月1日-3月15日, 9:00-21:00
    _rule(r"(?<=[年月日号天岁元万])\s*[-~–—]\s*(?=\d)", lambda _: "至"),
    _rule(r"(?<=:\d\d)\s*[-~–—]\s*(?=\d{1,2}:)", lambda _: "至"),
    # dates written with dashes, strokes or dots
    _rule(r"(?<!\d)((?:19|20)\d\d)[-/.](0?[1-9]|1[0-2])[-/.](0?[1-9]|[12]\d|3[01])(?!\d)", _date),
    # what is named by a word before it: 保单号尾号0123, 拨打400-820-8820
    _rule(
        rf"((?:{_NAMING})(?:是|为|[：:\s“\"])*)([A-Za-z0-9]*\d(?:[-\s]?[A-Za-z0-9])*)(?![A-Za-z0-9])(?!位)",
        _naming,
    ),
    # ID numbers, mobiles, landlines and service numbers anywhere
    _rule(r"(?<![A-Za-z\d])\d{17}[\dXx](?![A-Za-z\d])", _separate),
    _rule(rf"(?<![\d.])1[3-9]\d{{9}}(?!{_UNIT})", _separate),
    _rule(r"(?<![\d.])(?:0\d{2,3}-\d{7,8}|[48]00-?\d{3}-?\d{4})(?!\d)", _separate),
    _rule(rf"(?<![\d.,])(?:95[35]\d\d|12378)(?!{_UNIT})", _separate),
    # a mixture of letters and digits is a name too
    _rule(r"[A-Za-z]+\d[A-Za-z\d]*|\d+[A-Za-z][A-Za-z\d]*\d[A-Za-z\d]*", _separate),
    # thousands separators; decimals without a zero
    _rule(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?![\d,])", lambda m: m[0].replace(",", "")),
    _rule(r"(?<![\d.])\.(?=\d)", lambda _: "0."),
    # a long number that counts nothing
    _rule(rf"(?<![\d.])\d{{7,}}(?!{_UNIT})", _separate),
    # years, and the short year before a month
    _rule(r"(?<!\d)((?:19|20)\d\d)(?=年)", lambda m: digits(m[1])),
    _rule(r"(?<!\d)(\d\d)(?=年\d{1,2}月)", lambda m: digits(m[1])),
    # leading zeros in 03月08日 are not said
    _rule(r"(?<!\d)0(\d)(?=[月日号])", lambda m: m[1]),
    _rule(r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?::[0-5]\d)?(?![\d:])", _time),
    # percentages, ranges of them, per mille
    _rule(
        rf"({_NUMBER})%?{_DASH}({_NUMBER})%",
        lambda m: f"百分之{cardinal(m[1])}至百分之{cardinal(m[2])}",
    ),
    _rule(rf"(?<![\d.])-({_NUMBER})(?=%)", lambda m: f"负{m[1]}"),
    _rule(rf"({_NUMBER})%", lambda m: f"百分之{cardinal(m[1])}"),
    _rule(rf"({_NUMBER})‰", lambda m: f"千分之{cardinal(m[1])}"),
    # ranges and negative numbers
    _rule(r"(?<=\d)\s*[-~–—]\s*(?=\d)", lambda _: "至"),
    _rule(r"(?<![\d.A-Za-z])-(?=\d)", lambda _: "负"),
    # money
    _rule(rf"(?:¥|RMB|CNY)\s*({_NUMBER})(?:元)?", lambda m: f"{m[1]}元"),
    _rule(rf"(?:US)?\$\s*({_NUMBER})", lambda m: f"{cardinal(m[1])}美元"),
    _rule(r"(?<![\d.])(\d{1,15}(?:\.\d{1,2})?)元", lambda m: money(m[1])),
    # fractions and ratios
    _rule(r"(?<![\d/])(\d+)/(\d+)(?![\d/])", lambda m: f"{cardinal(m[2])}分之{cardinal(m[1])}"),
    _rule(r"(?<=\d):(?=\d)", lambda _: "比"),
    # quantities
    _rule(rf"(?<![第\d.])2(?={_MEASURE})", lambda _: "两"),
    _rule(_NUMBER, lambda m: cardinal(m[0])),
    # keys of a telephone
    _rule(r"#号?", lambda _: "井号"),
    _rule(r"\*号?", lambda _: "星号"),
    # letters one by one
    _rule(r"[A-Za-z]", lambda m: LETTERS[m[0].upper()]),
)  # fmt: skip

_SYMBOLS: Final = {
    "%": "百分号", "+": "加", "=": "等于", "&": "和", "@": "艾特",
}  # fmt: skip

_MARKS: Final = str.maketrans(
    {
        ",": "，", ".": "。", "!": "！", "?": "？", ":": "：", ";": "；", "｡": "。", "､": "、",
        "/": "、", "|": "，", "(": "，", ")": "，", "[": "，", "]": "，", "{": "，", "}": "，",
        "【": "，", "】": "，", "〔": "，", "〕": "，", "…": "，", "—": "，", "–": "，", "\n": "，",
    }
)  # fmt: skip

_KEPT: Final = re.compile(r"[^一-鿿，。？！；：、]")
_RUN: Final = re.compile(r"[，。？！；：、]+")
_WEIGHT: Final = "、，：；。！？"
"""Of several marks in a row the last in this order is meant."""


@lru_cache(maxsize=4096)
def normalise(text: str) -> str:
    """`text` in hanzi and ，。？！；：、 only; empty when nothing of it can be said."""
    text = _plain(text)
    for pattern, say in _RULES:
        text = pattern.sub(say, text)
    for symbol, name in _SYMBOLS.items():
        text = text.replace(symbol, name)
    text = "".join(_common(c) for c in text.translate(_MARKS))
    text = _KEPT.sub("", text)
    return _RUN.sub(_heaviest, text).lstrip("，。？！；：、")


def _plain(text: str) -> str:
    """Compatibility forms resolved: full-width, circled and foreign digits, accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(
        str(unicodedata.decimal(c)) if unicodedata.category(c) == "Nd" else c
        for c in decomposed
        if not unicodedata.combining(c)
    )


def _heaviest(found: re.Match[str]) -> str:
    return max(found[0], key=_WEIGHT.index)


@lru_cache(maxsize=8192)
def _common(char: str) -> str:
    """A rare hanzi (names have them) by a common one that sounds the same: engines skip it else.

    One that nobody knows how to read is dropped.
    """
    if not unicodedata.name(char, "").startswith("CJK UNIFIED"):
        return char
    reading = _reading(char)
    if "一" <= char <= "鿿":
        return char if reading != char else ""
    return _homophones().get(reading, "")


def _reading(char: str) -> str:
    """Pinyin with the tone as a number; the character itself when it has none."""
    return str(pinyin(char, style=Style.TONE3, heteronym=False)[0][0])


@lru_cache(maxsize=1)
def _homophones() -> dict[str, str]:
    """The first of the 3,755 everyday hanzi (GB 2312, level 1) for each reading."""
    everyday = (
        bytes((row, cell)).decode("gb2312", "ignore")
        for row in range(0xB0, 0xD8)
        for cell in range(0xA1, 0xFF)
    )
    first: dict[str, str] = {}
    for char in filter(None, everyday):
        first.setdefault(_reading(char), char)
    return first
