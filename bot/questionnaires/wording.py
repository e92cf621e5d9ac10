"""The template language of the questionnaires: `{field}` and `{field:format}`, nothing else.

Strict on purpose. A field that is not in `FIELDS`, a format that does not fit its type or a stray
brace is an error when the questionnaire is loaded, not a gap in a sentence during a call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from bot.answers.numerals import counted
from bot.errors import MissingField

FIELDS: Mapping[str, type] = {
    "surname": str,
    "title": str,
    "number": str,
    "phone": str,
    "insured": str,
    "product_name": str,
    "applied_on": date,
    "received_on": date,
    "cooling_off_start": date,
    "cooling_off_days": int,
    "cooling_off_end": date,
    "term": str,
    "premium": Decimal,
    "premium_every": str,
    "premium_years": int,
    "coverage": str,
    "exclusions": str,
    "initial_fee": str,
    "policy_fee": str,
    "risk_charge": str,
    "surrender_fee": str,
    "bid_offer": str,
    "asset_fee": str,
    "guaranteed_rate": Decimal,
    "holder_risk": str,
    "product_risk": str,
    "waiting_days": int,
    "waiting_rule": str,
    "renewal_period": str,
    "hospitals": str,
}
"""What may be spoken of a policy. Birth date and ID number are missing on purpose: the
policyholder states them, the bot never does (互联网保险业务监管办法 §20)."""

CONTEXT: Mapping[str, type] = {
    "company": str,
    "hotline": str,
    "minutes": int,  # how long the callback will take
    "opens": int,  # hours between which calls are made
    "closes": int,
}
"""What may be spoken that is no field of the policy."""

VERBATIM = frozenset({
    "surname", "title", "number", "phone", "insured", "product_name", "company", "hotline",
})  # fmt: skip
"""Names and numbers: the same in every language."""


def _date(value: date) -> str:
    return f"{value.year}年{value.month}月{value.day}日"


def _plain_number(value: Decimal) -> str:
    return f"{value:f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"


def clock_hour(hour: int) -> str:
    """9 → 早上九点, 15 → 下午三点, 21 → 晚上九点."""
    part = "早上" if hour < 12 else "中午" if hour == 12 else "下午" if hour < 18 else "晚上"
    return f"{part}{counted(hour if hour <= 12 else hour - 12)}点"


FORMATS: Mapping[str, tuple[type, Callable[[Any], str]]] = {
    "text": (str, str),
    "tail": (str, lambda value: value[-4:]),
    "number": (int, str),
    "count": (int, counted),
    "hour": (int, clock_hour),
    "date": (date, _date),
    "money": (Decimal, lambda value: _plain_number(value) + "元"),
    "percent": (Decimal, lambda value: _plain_number(value) + "%"),
}
"""Name → (type it takes, how it is written). Digits are left to the voice, which spells them."""

_NO_FORMAT = {str: "text", int: "number"}
_FIELD = re.compile(r"\{([a-z_]+)(?::([a-z_]+))?\}")


@dataclass(frozen=True, slots=True)
class Template:
    """One parsed wording: literal text and (field, format) pairs in turn."""

    parts: tuple[str | tuple[str, str], ...]

    def fields(self) -> Iterator[str]:
        return (part[0] for part in self.parts if not isinstance(part, str))

    def render(
        self, values: Mapping[str, Any], clause: str, written: Callable[[str], str] = str
    ) -> str:
        """Raises MissingField, naming field and clause, where a value is None or absent.

        `written` puts what is no name and no number of somebody into another language."""
        words = []
        for part in self.parts:
            if isinstance(part, str):
                words.append(part)
                continue
            name, form = part
            value = values.get(name)
            if value is None:
                raise MissingField(name, clause)
            text = FORMATS[form][1](value)
            words.append(text if name in VERBATIM else written(text))
        return "".join(words)


def parse(text: str, known: Mapping[str, type]) -> Template:
    """Raises ValueError for an unknown field or format, a misfit of the two, or a stray brace."""
    parts: list[str | tuple[str, str]] = []
    end = 0
    for match in _FIELD.finditer(text):
        if match.start() > end:
            parts.append(text[end : match.start()])
        parts.append(_field(match[1], match[2], known))
        end = match.end()
    if end < len(text):
        parts.append(text[end:])
    if any(brace in part for part in parts if isinstance(part, str) for brace in "{}"):
        raise ValueError("a brace that belongs to no field; write {field} or {field:format}")
    return Template(tuple(parts))


def _field(name: str, form: str | None, known: Mapping[str, type]) -> tuple[str, str]:
    if name not in known:
        raise ValueError(f"unknown field {{{name}}}; known: {', '.join(sorted(known))}")
    kind = known[name]
    form = form or _NO_FORMAT.get(kind)
    fitting = [name for name, (takes, _) in FORMATS.items() if takes is kind]
    if form not in fitting:
        raise ValueError(f"{{{name}}} needs one of these formats: {', '.join(fitting)}")
    return name, form
