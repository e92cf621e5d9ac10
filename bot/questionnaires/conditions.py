"""When an item applies to a policy: the `when` of a questionnaire, checked and evaluated.

A condition is a mapping that must hold as a whole, tested in the order written:
`{product: [universal, unit_linked], holder_age: {min: 60}}`; `any: [{…}, {…}]` for alternatives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from bot.errors import MissingField
from bot.policies.policy import Channel, Payment, Policy, Product

Condition = Mapping[str, Any]

_CHOICES: Mapping[str, frozenset[str]] = {
    "product": frozenset(Product),
    "payment": frozenset(get_args(Payment)),
    "channel": frozenset(get_args(Channel)),
}
_FLAGS = frozenset({
    "insured_differs", "long_term", "dual_record", "replacement", "declaration",
    "medical", "guaranteed_renewal", "reimbursement", "designated_hospital",
})  # fmt: skip
_NUMBERS = frozenset({"age_at_application"})


def check(condition: Condition) -> None:
    """Raises ValueError for what `applies` could not evaluate."""
    for name, wanted in condition.items():
        if name == "any":
            if not isinstance(wanted, list) or not wanted:
                raise ValueError("any: needs a list of conditions")
            for part in wanted:
                check(part)
        elif name in _CHOICES:
            unknown = set(_listed(wanted)) - _CHOICES[name]
            if unknown:
                raise ValueError(f"{name}: {unknown} not among {sorted(_CHOICES[name])}")
        elif name in _FLAGS:
            if not isinstance(wanted, bool):
                raise ValueError(f"{name}: true or false")
        elif name in _NUMBERS:
            if not isinstance(wanted, dict) or set(wanted) != {"min"}:
                raise ValueError(f"{name}: {{min: number}}")
        else:
            known = sorted({"any"} | _CHOICES.keys() | _FLAGS | _NUMBERS)
            raise ValueError(f"unknown condition {name}; known: {', '.join(known)}")


def applies(condition: Condition, policy: Policy, clause: str) -> bool:
    """Raises MissingField where the answer hangs on a value that the policy does not have:
    an item is never left out because nobody knew."""
    return all(_holds(name, wanted, policy, clause) for name, wanted in condition.items())


def _holds(name: str, wanted: Any, policy: Policy, clause: str) -> bool:
    if name == "any":
        return any(applies(part, policy, clause) for part in wanted)
    value = getattr(policy, name)
    if value is None:
        raise MissingField(name, clause)
    if name in _NUMBERS:
        return bool(value >= wanted["min"])
    return value == wanted if name in _FLAGS else value in _listed(wanted)


def _listed(wanted: Any) -> Sequence[Any]:
    return wanted if isinstance(wanted, list) else [wanted]
