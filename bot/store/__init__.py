"""All SQL of the project, and nothing else has SQL."""

from bot.store.policies import Saved
from bot.store.records import Booking, Callback, DamagedPolicy, Erased, Listed, NotFound
from bot.store.store import Store

__all__ = ["Booking", "Callback", "DamagedPolicy", "Erased", "Listed", "NotFound", "Saved", "Store"]
