"""Bringing policies in, and handing chat links out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.callbacks import Callbacks
from bot.cli.opened import opened
from bot.errors import ConfigError
from bot.policies import reading
from bot.policies.csv_file import RowError
from bot.questionnaires import questionnaire
from bot.settings import Settings
from bot.store import Store


@dataclass(frozen=True)
class Imported:
    """What an import did."""

    new: int
    unchanged: int
    changed: int
    errors: Sequence[RowError]

    def summary(self) -> str:
        return (
            f"{self.new} new, {self.changed} changed, {self.unchanged} unchanged, "
            f"{len(self.errors)} errors"
        )

    def to_json(self) -> dict[str, object]:
        return {
            "new": self.new,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "errors": [asdict(error) for error in self.errors],
        }


def import_policies(settings: Settings, file: Path) -> Imported:
    """Good rows are kept whatever the others are. Raises ConfigError for an unreadable file."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    policies, errors = reading.import_rows(
        data, file.name, questionnaire.load(settings.questionnaire)
    )
    with Store.open(settings.database_url, settings.key_folder) as store:
        saved = store.save_policies(policies)
    return Imported(saved.new, saved.unchanged, saved.changed, errors)


def chat_link(settings: Settings, policy: str) -> str:
    """A chat link for a policy's callback, opened if need be; who waits for a human goes on waiting
    there. The token stands in the fragment: browsers do not send that part, so it is in no log.
    Raises NotFound, and ConfigError without a store."""
    with opened(settings) as store:
        callbacks = Callbacks(settings, store)
        waiting = callbacks.with_humans(policy)
        token = store.token_for(waiting.id if waiting else callbacks.open(policy, "chat"))
    return f"{settings.pages_url}/chat#t={token}"
