"""One error tree. Each error says whether trying again helps, and speaks in the user's words."""

from __future__ import annotations


class HuifangError(Exception):
    """Base of all errors the application raises on purpose. The message is shown to the user."""

    retryable = False


class ConfigError(HuifangError):
    """A setting, model or system part is missing or wrong; the message says what to do."""


class UnderWay(ConfigError):
    """This cannot be done to a record while somebody talks."""

    retryable = True

    def __init__(self) -> None:
        super().__init__("a conversation is under way; try again when it is over")


class DialogueUnavailable(HuifangError):
    """No dialogue worker answered in time."""

    retryable = True


class StoreUnavailable(HuifangError):
    """The store could not commit (disk full, read-only, locked)."""

    retryable = True


class OwnershipLost(HuifangError):
    """The conversation belongs to somebody else now; the writer must stop."""


class ServedElsewhere(OwnershipLost):
    """The policyholder is talking with us already: by another way, or with another bot on the same
    store."""

    retryable = True

    def __init__(self) -> None:
        super().__init__(
            "您正在通话或另一个网页里进行这次回访，请先在那里完成；结束后可以在这里继续。"
        )


class MissingField(HuifangError):
    """A policy lacks a value that its questionnaire speaks of."""

    def __init__(self, column: str, clause: str) -> None:
        super().__init__(f"policy column {column} is empty, but clause {clause} needs it")
        self.column = column
        self.clause = clause
