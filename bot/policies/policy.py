"""A policy, as far as a callback speaks of it. Pure data: no clock, no disk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, Self

from bot.personal import Personal

Gender = Literal["male", "female"]
Payment = Literal["regular", "single"]
Channel = Literal["agent", "bank", "broker", "direct", "phone", "online"]

_COMPOUND_SURNAME = re.compile(
    "欧阳|太史|端木|上官|司马|东方|独孤|南宫|万俟|闻人|夏侯|诸葛|尉迟|公羊|赫连|澹台|皇甫|宗政|濮阳|公冶|太叔|"
    "申屠|公孙|慕容|仲孙|钟离|长孙|宇文|司徒|鲜于|司空|闾丘|令狐|百里|呼延|东郭|南门|西门|左丘|梁丘|公输|拓跋|第五"
)


PERSONAL = ("number", "holder", "id_number", "phone", "insured")
"""Fields that are `Personal`, however they were given."""


class Product(StrEnum):
    """What decides which questions the law wants asked."""

    ORDINARY = "ordinary"  # 普通型
    PARTICIPATING = "participating"  # 分红型
    UNIVERSAL = "universal"  # 万能型
    UNIT_LINKED = "unit_linked"  # 投资连结型
    HEALTH = "health"  # 健康保险


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Policy:
    """One policy with one policyholder (投保人).

    Optional fields are those that only some questionnaires speak of; a questionnaire that needs
    one that is missing says so at import (`bot.policies.reading`).
    """

    number: str
    holder: str
    gender: Gender
    birth_date: date
    id_number: str  # resident ID (18 characters, checked) or another document's number
    phone: str
    language: str = "zh"  # the policyholder's preferred one

    product_name: str
    product: Product
    channel: Channel  # how it was sold; bank = any part-time agency (兼业代理)
    insured: str  # 被保险人
    applied_on: date
    received_on: date  # 签收日
    cooling_off_days: int
    cooling_off_from: date | None = None  # where the contract says other than the day after receipt
    term: str  # 保险期间: 终身, 20年, 至80周岁, 6个月
    payment: Payment
    premium: Decimal  # yuan; each instalment if regular, the whole if single
    premium_every: str | None = None  # 年, 半年, 季, 月
    premium_years: int | None = None
    coverage: str | None = None  # 保险责任, one sentence without a full stop
    exclusions: str | None = None  # 责任免除, likewise

    initial_fee: str | None = None  # 初始费用, in words
    policy_fee: str | None = None  # 保单管理费
    risk_charge: str | None = None  # 风险保费 and how it is taken
    surrender_fee: str | None = None  # 退保费用
    bid_offer: str | None = None  # 买卖差价
    asset_fee: str | None = None  # 资产管理费
    guaranteed_rate: Decimal | None = None  # 最低保证利率, per cent a year
    holder_risk: str | None = None  # 风险承受能力等级
    product_risk: str | None = None  # 产品风险等级
    declaration: bool | None = None  # 投保声明 signed (适当性办法 §39)

    waiting_days: int | None = None  # 等待期
    waiting_rule: str | None = None  # what happens when a claim falls into it
    medical: bool | None = None  # 医疗保险, which must say whether renewal is guaranteed
    guaranteed_renewal: bool | None = None
    renewal_period: str | None = None  # 保证续保期间
    reimbursement: bool | None = None  # 费用补偿型
    designated_hospital: bool | None = None
    hospitals: str | None = None  # which ones

    dual_record: bool | None = None  # the sale was recorded in sound and picture (双录)
    replacement: bool | None = None  # bought in place of another policy (转保)

    ended_on: date | None = None  # 合同终止日: expired, surrendered, paid out

    def __post_init__(self) -> None:
        for name in PERSONAL:
            object.__setattr__(self, name, Personal(getattr(self, name)))

    def __repr__(self) -> str:
        """Nothing personal: a policy may end up in a traceback."""
        return f"Policy(…{self.number[-4:]})"

    @property
    def surname(self) -> str:
        """Only what a greeting needs. Names with a dot (买买提·阿迪力) have no surname: first part;
        names in Latin letters: last word."""
        if "·" in self.holder:
            return self.holder.split("·")[0]
        if self.holder.isascii():
            return self.holder.split()[-1]
        return self.holder[: 2 if _COMPOUND_SURNAME.match(self.holder) else 1]

    @property
    def title(self) -> str:
        return "先生" if self.gender == "male" else "女士"

    @property
    def holder_id(self) -> str:
        """By which two policyholders are told apart: the number, however its last letter is
        written."""
        return self.id_number.upper()

    @property
    def id_last4(self) -> str:
        return self.holder_id[-4:]

    @property
    def insured_differs(self) -> bool:
        return self.insured != self.holder

    @property
    def cooling_off_start(self) -> date:
        """First day of the cooling-off period (犹豫期)."""
        return self.cooling_off_from or self.received_on + timedelta(days=1)

    @property
    def cooling_off_end(self) -> date:
        """Last day of the cooling-off period."""
        return self.cooling_off_start + timedelta(days=self.cooling_off_days - 1)

    @property
    def long_term(self) -> bool:
        """Longer than one year. 终身 and 至N周岁 are; N年 and N个月 by their number."""
        if self.term.endswith("个月"):
            return int(self.term.removesuffix("个月")) > 12
        if self.term.endswith("年"):
            return int(self.term.removesuffix("年")) > 1
        return True

    @property
    def age_at_application(self) -> int:
        return self.holder_age(self.applied_on)

    def holder_age(self, on: date) -> int:
        """Full years (周岁)."""
        born = self.birth_date
        return on.year - born.year - ((on.month, on.day) < (born.month, born.day))

    def speaks_as(self, other: Policy) -> bool:
        """Whether all that a callback says and asks is the same: all but where it reaches the
        policyholder, and whether the contract ended."""
        return replace(self, phone=other.phone, ended_on=other.ended_on) == other

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, dates in ISO form, money as text; read back by `from_json`."""
        facts = {f.name: _plain(getattr(self, f.name)) for f in fields(self)}
        if self.ended_on is None:  # as it was hashed before there was such a field
            del facts["ended_on"]
        return facts

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises TypeError or ValueError for data that `to_json` did not write."""
        return cls(**{k: _typed(k, v) for k, v in data.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal | StrEnum) else value


_TYPES: dict[str, Any] = {
    "birth_date": date.fromisoformat,
    "applied_on": date.fromisoformat,
    "received_on": date.fromisoformat,
    "cooling_off_from": date.fromisoformat,
    "ended_on": date.fromisoformat,
    "premium": Decimal,
    "guaranteed_rate": Decimal,
    "product": Product,
}


def _typed(name: str, value: Any) -> Any:
    return value if value is None or name not in _TYPES else _TYPES[name](value)
