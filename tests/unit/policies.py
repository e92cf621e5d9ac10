"""The example policies, read the way `huifang import` reads them, and changed copies of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

from bot.policies.policy import Policy
from bot.policies.reading import import_rows
from bot.questionnaires import questionnaire
from bot.questionnaires.questionnaire import Script
from bot.settings import ROOT

VERSION = "zh-2026.1"
FILE = ROOT / "examples" / "policies.csv"
TODAY = date(2026, 11, 22)


@cache
def examples() -> tuple[Policy, ...]:
    policies, errors = import_rows(FILE.read_bytes(), FILE.name, questionnaire.load(VERSION))
    assert not errors
    return tuple(policies)


def policy(product: str = "ordinary", **changes: Any) -> Policy:
    """The first example of this kind, changed."""
    first = next(p for p in examples() if p.product == product)
    return replace(first, **changes)


def render(policy: Policy, **options: Any) -> Script:
    known = {"company": "安心人寿保险股份有限公司", "hotline": "95500", "elder_age": 60}
    return questionnaire.load(VERSION).render(policy, **{**known, "today": TODAY, **options})
