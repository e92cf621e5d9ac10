"""How long a record is kept: from the end of the contract on, by its term. Pure.

保险法 §87: not less than 5 years after the contract ends where its term is a year or shorter, not
less than 10 where it is longer. Health cover of up to a year with guaranteed renewal counts as
long-term (健康保险管理办法 §4). Where the end of a contract is not known, the record is kept;
surrender, claim and the end of a renewal are told by the column `ended_on` of an import.
"""

from __future__ import annotations

from datetime import date, timedelta

from bot.policies.policy import Policy


def contract_end(policy: Policy) -> date | None:
    """The last day of the contract; None while nobody can say.

    Of a term in years or months, counted from the later one of application and receipt, since the
    day on which cover began is not among the facts: rather too long than too short."""
    if policy.ended_on is not None:
        return policy.ended_on
    begun = max(policy.applied_on, policy.received_on)
    if policy.guaranteed_renewal:
        return None
    if policy.term.endswith("个月"):
        return _months_after(begun, int(policy.term.removesuffix("个月")))
    if policy.term.endswith("年"):
        return _months_after(begun, 12 * int(policy.term.removesuffix("年")))
    return None  # for life, or to an age of the insured, whose birth date is not among the facts


def keep_until(policy: Policy, *, long_years: int, short_years: int) -> date | None:
    """The last day on which its records must be there; None: for ever, as far as is known."""
    end = contract_end(policy)
    long = policy.long_term or bool(policy.guaranteed_renewal)
    return None if end is None else _months_after(end, 12 * (long_years if long else short_years))


def _months_after(day: date, months: int) -> date:
    """The same day of the month; the first of the next one where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first = date(year, month + 1, 1)
    try:
        return first.replace(day=day.day)
    except ValueError:
        return (first + timedelta(days=31)).replace(day=1)
