"""The columns of a policy file: their names, what a cell may hold and how it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from bot.policies.policy import Product
from bot.questionnaires import translation

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999


@dataclass(frozen=True, slots=True)
class Kind:
    """What a cell may hold. `read` raises ValueError for anything else."""

    allowed: str  # shown to the user
    read: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Column:
    name: str  # of the Policy's field
    title: str  # Chinese, also accepted in the header
    kind: Kind
    required: bool = False
    personal: bool = False  # masked in messages


def _pattern(pattern: str, allowed: str) -> Kind:
    def read(cell: str) -> str:
        if not re.fullmatch(pattern, cell):
            raise ValueError(allowed)
        return cell

    return Kind(allowed, read)


def _choice(values: Mapping[str, Any]) -> Kind:
    def read(cell: str) -> Any:
        if cell not in values:
            raise ValueError(cell)
        return values[cell]

    return Kind(" | ".join(values), read)


def _number(low: int, high: int) -> Kind:
    def read(cell: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", cell) or not low <= int(cell) <= high:
            raise ValueError(cell)
        return int(cell)

    return Kind(f"{low}..{high}", read)


def _decimal(low: str, high: str, places: int) -> Kind:
    def read(cell: str) -> Decimal:
        if not re.fullmatch(rf"[0-9]{{1,12}}(\.[0-9]{{1,{places}}})?", cell):
            raise ValueError(cell)
        if not Decimal(low) <= Decimal(cell) <= Decimal(high):
            raise ValueError(cell)
        return Decimal(cell)

    return Kind(f"{low}..{high}, at most {places} decimals, e.g. 12000.50", read)


def _date(cell: str) -> date:
    """9999-12-31, with which some systems say that there is none, is no date to count from."""
    if not re.fullmatch(r"(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}", cell):
        raise ValueError(cell)
    return date.fromisoformat(cell)


def _id_number(cell: str) -> str:
    """A resident ID's check digit is tested; other documents have no common one."""
    number = cell.upper()
    if re.fullmatch(r"[0-9]{17}[0-9X]", number):
        total = sum(w * int(d) for w, d in zip(_ID_WEIGHTS, number, strict=False))
        if number[-1] != "10X98765432"[total % 11]:
            raise ValueError(cell)
    elif not re.fullmatch(r"(?=.*[A-Z])[A-Z0-9]{6,17}|[0-9]{6,12}", number):
        raise ValueError(cell)
    return number


_HANZI = r"[\u3400-\u9fff\U00020000-\U000323af]+"
_NAME = _pattern(
    rf"(?=.{{2,40}}$)(?:{_HANZI}(?:·{_HANZI})*|[A-Za-z]+(?: [A-Za-z]+)*)",
    "2..40 characters: hanzi with · between parts, or Latin letters with single spaces",
)
_SPEAKABLE = r"\u3400-\u9fffA-Za-z0-9，、：；（）《》“”‘’·%.\-—/ "
_ALPHABETS = translation.alphabets()


def words(language: str) -> str:
    """The pattern of what an insurer may write for somebody who prefers this language."""
    letters = _ALPHABETS.get(language)
    return rf"[{_SPEAKABLE}{letters},()]{{1,300}}" if letters else rf"[{_SPEAKABLE}]{{1,300}}"


_WORDS = _pattern(
    "|".join(map(words, ("zh", *_ALPHABETS))),
    "1..300 characters that can be read aloud: hanzi, letters, digits, ，、：；（）《》“”%.-/ "
    "(no full stop: they stand inside a sentence); with language ko also Korean, and so on",
)
_POLICY_NUMBER = _pattern(r"[A-Za-z0-9]{6,30}", "6..30 letters and digits")
_PHONE = _pattern(r"\+?[0-9]{7,15}", "7..15 digits")
_TERM = _pattern(
    r"终身|[1-9][0-9]?年|至[1-9][0-9]{1,2}周岁|[1-9][0-9]?个月", "终身 | N年 | 至N周岁 | N个月"
)
_DATE = Kind("YYYY-MM-DD, 1900 to 2199; where it may be empty, rather that than 9999", _date)
_FLAG = _choice({"yes": True, "no": False, "是": True, "否": False})
_ID = Kind(
    "18 characters with a correct check digit, or another document's 6..17 letters and digits",
    _id_number,
)

_PRODUCTS = {
    **{product.value: product for product in Product},
    "普通型": Product.ORDINARY,
    "分红型": Product.PARTICIPATING,
    "万能型": Product.UNIVERSAL,
    "投资连结型": Product.UNIT_LINKED,
    "健康保险": Product.HEALTH,
}
_GENDERS = {"male": "male", "female": "female", "男": "male", "女": "female"}
_PAYMENTS = {"regular": "regular", "single": "single", "期交": "regular", "趸交": "single"}
_EVERY = {"年": "年", "半年": "半年", "季": "季", "月": "月"}
_CHANNELS = {name: name for name in ("agent", "bank", "broker", "direct", "phone", "online")} | {
    "个人代理": "agent",
    "兼业代理": "bank",
    "经纪": "broker",
    "直销": "direct",
    "电话": "phone",
    "互联网": "online",
}

_ALL = (
    Column("number", "保单号", _POLICY_NUMBER, True, True),
    Column("holder", "投保人", _NAME, True, True),
    Column("gender", "投保人性别", _choice(_GENDERS), True),
    Column("birth_date", "投保人出生日期", _DATE, True, True),
    Column("id_number", "投保人证件号码", _ID, True, True),
    Column("phone", "联系电话", _PHONE, True, True),
    Column("language", "语言", _choice({name: name for name in ("zh", *_ALPHABETS)})),
    Column("product_name", "产品全称", _WORDS, True),
    Column("product", "产品类型", _choice(_PRODUCTS), True),
    Column("channel", "销售渠道", _choice(_CHANNELS), True),
    Column("insured", "被保险人", _NAME, True, True),
    Column("applied_on", "投保日期", _DATE, True),
    Column("received_on", "合同签收日期", _DATE, True),
    Column("cooling_off_days", "犹豫期天数", _number(1, 60), True),
    Column("cooling_off_from", "犹豫期起始日", _DATE),
    Column("term", "保险期间", _TERM, True),
    Column("payment", "交费方式", _choice(_PAYMENTS), True),
    Column("premium", "保费", _decimal("0.01", "999999999.99", 2), True),
    Column("premium_every", "交费频次", _choice(_EVERY)),
    Column("premium_years", "交费年数", _number(1, 99)),
    Column("coverage", "保险责任摘要", _WORDS),
    Column("exclusions", "责任免除摘要", _WORDS),
    Column("initial_fee", "初始费用", _WORDS),
    Column("policy_fee", "保单管理费", _WORDS),
    Column("risk_charge", "风险保费", _WORDS),
    Column("surrender_fee", "退保费用", _WORDS),
    Column("bid_offer", "买卖差价", _WORDS),
    Column("asset_fee", "资产管理费", _WORDS),
    Column("guaranteed_rate", "最低保证利率", _decimal("0", "10", 3)),
    Column("holder_risk", "客户风险等级", _WORDS),
    Column("product_risk", "产品风险等级", _WORDS),
    Column("declaration", "投保声明", _FLAG),
    Column("waiting_days", "等待期天数", _number(0, 730)),
    Column("waiting_rule", "等待期内出险", _WORDS),
    Column("medical", "医疗保险", _FLAG),
    Column("guaranteed_renewal", "保证续保", _FLAG),
    Column("renewal_period", "保证续保期间", _WORDS),
    Column("reimbursement", "费用补偿型", _FLAG),
    Column("designated_hospital", "指定医院", _FLAG),
    Column("hospitals", "医院范围", _WORDS),
    Column("dual_record", "双录", _FLAG),
    Column("replacement", "转保", _FLAG),
    Column("ended_on", "合同终止日期", _DATE),
)  # fmt: skip

WORDS = tuple(column.name for column in _ALL if column.kind is _WORDS)
"""Columns in the insurer's own words, in the language of the policyholder."""

COLUMNS: Mapping[str, Column] = {column.name: column for column in _ALL}
TITLES: Mapping[str, str] = {column.title: column.name for column in _ALL}
