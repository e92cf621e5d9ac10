"""Erasing records: the store's part, and what of them lies beside the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date

import structlog

from bot import parts
from bot.callbacks import Callbacks
from bot.conversation.acting import sentences
from bot.errors import ConfigError, HuifangError, StoreUnavailable
from bot.evidence.ledger import Draft
from bot.evidence.recordings import remove
from bot.policies.policy import Policy
from bot.records import who
from bot.records.damage import of_every_policy
from bot.records.retention import contract_end, keep_until
from bot.records.sealing import Sealer
from voice.errors import VoiceError
from voice.speaking import phrasing
from voice.speaking.cache import SpeechCache
from voice.speaking.recorded import Recordings

log = structlog.get_logger()


@dataclass(frozen=True)
class Due:
    """A contract whose records have been kept long enough."""

    policy: str  # tail of its number
    ended: str  # last day of the contract, ISO 8601
    kept_until: str
    callbacks: tuple[str, ...]
    held: bool  # for a dispute: passed over

    def __str__(self) -> str:
        what = "held for a dispute" if self.held else f"{len(self.callbacks)} callbacks"
        ids = "".join(f"\n    {id}" for id in self.callbacks)
        return f"…{self.policy}  ended {self.ended}, kept until {self.kept_until}: {what}{ids}"

    def to_json(self) -> dict[str, object]:
        return asdict(self)


class Eraser:
    """Blocking. Call `finish` when all is erased."""

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks, self._settings = callbacks, callbacks.settings
        self._store, self._clock = callbacks.store, callbacks.clock

    def erase(self, callback: str, reason: str) -> None:
        """Raises NotFound, Erased, ConfigError for one that is held or under way."""
        self._store.callback(callback)
        policy = self._store.policy_of(callback)
        self._store.erase(
            callback,
            by=who.user(),
            reason=reason,
            wall=self._clock.now(),
            mono_ms=self._clock.mono_ms(),
        )
        remove(self._settings.audio_folder, callback)
        self._forget_speech(policy)
        log.info("record.erased", callback=callback)

    def due(self, today: date) -> Iterator[tuple[Policy, Due]]:
        """Contracts whose records are kept no longer, and those that a dispute keeps."""
        return of_every_policy(self._store, lambda policy: self._due(policy, today))

    def _due(self, policy: Policy, today: date) -> Iterator[tuple[Policy, Due]]:
        end = contract_end(policy)
        until = keep_until(
            policy,
            long_years=self._settings.retention_years,
            short_years=self._settings.retention_years_short,
        )
        if end is None or until is None or until >= today:
            return
        rows = self._store.callbacks(policy=policy.number, limit=1000)
        ids, held = tuple(row.id for row in rows), any(row.held for row in rows)
        yield policy, Due(policy.number[-4:], end.isoformat(), until.isoformat(), ids, held)

    def erase_due(self, policy: Policy, due: Due) -> None:
        """Its callbacks, then its facts. Once more does no harm."""
        reason = f"retention: contract ended {due.ended}, kept until {due.kept_until}"
        for callback in due.callbacks:
            self.erase(callback, reason)
        self._store.erase_policy(policy.number)
        self._forget_speech(policy)

    def keep(self, callback: str, reason: str, *, held: bool) -> None:
        """Hold a record for a dispute, or release it."""
        self._store.append(
            callback,
            [Draft("held" if held else "released", {"by": who.user(), "reason": reason})],
            wall=self._clock.now(),
            mono_ms=self._clock.mono_ms(),
            generation=None,
            keep=held,
        )

    def finish(self) -> None:
        """The events that tell of it are sealed, and the erased keys leave the database's files.
        Raises ConfigError when somebody reads all the time; to be done again."""
        Sealer(self._store, self._settings).checkpoint()
        try:
            self._store.scrub()
        except StoreUnavailable as error:
            raise ConfigError(
                f"erased, but the keys may still stand in the database's files: {error}; "
                "when the bot is idle or stopped run: huifang retention run --do"
            ) from error

    def _forget_speech(self, policy: Policy) -> None:
        """What was rendered of this policy; of what is missed the cache lets go by itself."""
        settings = self._settings
        cache = SpeechCache(settings.speech_cache, cipher=parts.speech_cipher(settings))
        recordings = None
        with suppress(VoiceError):  # a folder that is none now kept no value apart
            recordings = Recordings(settings.recordings) if settings.recordings else None
        with suppress(HuifangError):  # facts that fit the questionnaire no more
            for text in self._callbacks.script(policy).policy_texts():
                for part in sentences(text):
                    values = (s.text for s in recordings.find(part)) if recordings else ()
                    for spoken in (part, *values):
                        cache.forget(phrasing.spoken(spoken))
