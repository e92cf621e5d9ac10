"""Who runs a command, for the record."""

from __future__ import annotations

import getpass


def user() -> str:
    """The name of this machine's user, at most 80 characters."""
    try:
        return getpass.getuser()[:80]
    except (KeyError, OSError):
        return "unknown"
