"""What lasts as long as the process must not end with one fault: a task that died is missed by
nobody until a call is not placed, a record not sealed, a living bot taken for dead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger()


@contextmanager
def survived(what: str) -> Iterator[None]:
    """Around one round of a loop: what nobody foresaw is logged as `what`, and the loop goes on."""
    try:
        yield
    except Exception:
        log.exception(what)
