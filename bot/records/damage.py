"""One record that cannot be read hides no other: how the rest of the application walks many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import structlog

from bot.errors import HuifangError, StoreUnavailable
from bot.policies.policy import Policy
from bot.store import DamagedPolicy, Store

T = TypeVar("T")

log = structlog.get_logger()


@contextmanager
def passed_over(what: str, **which: str) -> Iterator[None]:
    """Around what is read of one among many: where it is damaged, that is logged as `what`, and the
    walk goes on. A store that is away is no damage: that is raised."""
    try:
        yield
    except StoreUnavailable:
        raise
    except HuifangError as error:
        log.error(what, error=type(error).__name__, **which)


def of_every_policy(
    store: Store,
    look: Callable[[Policy], Iterable[T]],
    damaged: Callable[[Policy | DamagedPolicy], Iterable[T]] = lambda _: (),
) -> Iterator[T]:
    """What `look` finds of each; for a policy that is damaged, or a record of which is, what
    `damaged` says."""
    for policy in store.every_policy():
        if isinstance(policy, Policy):
            with passed_over("policy.unreadable", policy=policy.number[-4:]):
                yield from look(policy)
                continue
        else:
            log.error("policy.damaged", row=policy.row)
        yield from damaged(policy)
