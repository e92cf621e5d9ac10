"""A store that is there, for commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.errors import ConfigError
from bot.settings import Settings
from bot.store import Store


@contextmanager
def opened(chosen: Settings) -> Iterator[Store]:
    """One that is there: an empty one made of a mistyped folder would pass every check."""
    if chosen.database is None and not (chosen.data / "huifang.db").exists():
        raise ConfigError(f"there is no store in the data folder {chosen.data.absolute()}")
    with Store.open(chosen.database_url, chosen.key_folder) as store:
        yield store
