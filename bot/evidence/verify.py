"""Checks records, as the store has them; `verify_export` checks exports by the same rules.

Integrity and completeness are told apart. Integrity: the chain holds, files are the ones the chain
names. Completeness: nothing is missing (see `completeness`). A record under way is not complete.

An utterance's `audio_sha256` is the hash of the PCM that the recogniser was given. Where the event
says at which offsets the recording holds these samples, they must be there. Where it gives only the
offsets of the words, the same samples may or may not be found there; that is counted
(`utterances_matching` of `utterances`) and not judged. The recording itself is held by the hash in
its `audio` event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from bot.evidence import wav
from bot.evidence.completeness import head_missing, missing
from bot.evidence.ledger import Event, Fault, verify_chain
from bot.evidence.recordings import Recordings, Sealed
from bot.evidence.summary import sounds, span_ms
from bot.vault.datakey import DataKey

FORMLESS = "the events do not have the form of a record"


@dataclass(frozen=True, slots=True)
class Report:
    """What a check of one record found."""

    callback: str
    events: int
    faults: tuple[Fault, ...] = ()  # of the chain
    files: tuple[str, ...] = ()  # changed, damaged or superfluous files
    audio: tuple[str, ...] = ()  # recordings that are not the ones the chain names
    recordings: int = 0
    missing: tuple[str, ...] = ()
    utterances: int = 0  # spoken, with a hash and a recording
    utterances_matching: int = 0  # of these: the recording holds the same samples at the offsets
    exported: bool = False  # it was read from an export
    signed: bool | None = None  # an export's signature; None: no key to check it with
    sealed: str = ""  # time of the checkpoint that covers the record; empty: none was shown
    erased: bool = False  # its key was destroyed: chain and head were checked, nothing else is left

    @property
    def integrity(self) -> bool:
        """Nothing that is there was changed."""
        return not (self.faults or self.files or self.audio)

    @property
    def completeness(self) -> bool:
        """Nothing is missing."""
        return not self.missing

    @property
    def audio_ok(self) -> bool | None:
        """None when the record has no recording."""
        return None if not (self.recordings or self.audio) else not self.audio

    @property
    def first_bad(self) -> str | None:
        """The first thing that is wrong, in words."""
        if self.faults:
            fault = self.faults[0]
            return f"event {fault.seq}: {fault.detail}"
        return next(iter([*self.files, *self.audio, *self.missing]), None)

    @property
    def _whole(self) -> str:
        if not self.completeness:
            return "INCOMPLETE"
        return "erased" if self.erased else "complete"

    @property
    def ok(self) -> bool:
        return self.integrity and self.completeness

    def to_json(self) -> dict[str, Any]:
        """For programs: the verdicts, then what they rest on."""
        return {
            "callback": self.callback,
            "ok": self.ok,
            "integrity": self.integrity,
            "completeness": self.completeness,
            "erased": self.erased,
            "audio_ok": self.audio_ok,
            "first_bad": self.first_bad,
            "events": self.events,
            "faults": [asdict(fault) for fault in self.faults],
            "files": list(self.files),
            "audio": list(self.audio),
            "missing": list(self.missing),
            "recordings": self.recordings,
            "utterances": self.utterances,
            "utterances_matching": self.utterances_matching,
            "signed": self.signed,
            "sealed": self.sealed,
        }

    def __str__(self) -> str:
        """One line for people."""
        verdict = (
            f"integrity {'ok' if self.integrity else 'BROKEN'}, "
            f"{self._whole}, "
            f"{self.events} events, {self.recordings} recordings"
        )
        if self.utterances:
            verdict += f", {self.utterances_matching} of {self.utterances} utterances in them"
        if self.sealed:
            verdict += f", sealed {self.sealed}"
        if self.exported and self.signed is None:
            verdict += " (no key given: signatures not checked)"
        return f"{self.callback}: {verdict}" + ("" if self.ok else f"; {self.first_bad}")


class Chain(Protocol):
    """One callback as a store keeps it: its events, and its head apart from them."""

    @property
    def callback(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def head(self) -> tuple[int, str]: ...
    @property
    def events(self) -> Sequence[Event]: ...
    @property
    def key(self) -> DataKey | None: ...


class Chains(Protocol):
    """What of `bot.store.Store` is needed here."""

    def chains(self) -> Iterable[Chain]: ...


def verify_events(
    events: Sequence[Event],
    *,
    callback: str | None = None,
    state: str | None = None,
    head: tuple[int, str] | None = None,
    recordings: Recordings | None = None,
) -> Report:
    """Check one record. `state` and `head` as the store has them (see `completeness.missing`);
    without `recordings` they are not looked at."""
    faults = verify_chain(events, callback)
    report = Report(callback or (events[0].callback if events else ""), len(events), tuple(faults))
    if faults:
        return report  # a broken chain may lie about anything: what it says is not followed
    try:
        report = replace(report, missing=tuple(missing(events, state=state, head=head)))
        return report if recordings is None else _with_audio(report, events, recordings)
    except (KeyError, TypeError, AttributeError):
        # Hashes that fit around bodies that this software would never have written.
        return replace(report, files=(FORMLESS,))


def _with_audio(report: Report, events: Sequence[Event], recordings: Recordings) -> Report:
    audio = _Audio(recordings)
    audio.check(events)
    return replace(
        report,
        audio=tuple(audio.changed),
        recordings=audio.recordings,
        missing=(*report.missing, *audio.lacking),
        utterances=audio.utterances,
        utterances_matching=audio.matching,
    )


def verify_erased(chain: Chain) -> Report:
    """Check what is left of a record whose key is gone."""
    events, number = chain.events, len(chain.events)
    faults = verify_chain(events, chain.callback, erased=True)
    lacking = [*head_missing(events, chain.head)]
    if not any(event.kind == "erased" for event in events):
        lacking.append("its key is gone or damaged, and no event says that it was erased")
    return Report(chain.callback, number, tuple(faults), missing=tuple(lacking), erased=not lacking)


def verify_store(store: Chains, audio_folder: Path | None = None) -> Iterator[Report]:
    """Check every callback of a store, one after the other; read once, as it was at the start."""
    for chain in store.chains():
        if chain.key is None:
            yield verify_erased(chain)
            continue
        yield verify_events(
            chain.events,
            callback=chain.callback,
            state=chain.state,
            head=chain.head,
            recordings=None if audio_folder is None else Sealed(audio_folder, chain.key),
        )


class _Audio:
    """The recordings of one record."""

    def __init__(self, files: Recordings) -> None:
        self._files = files
        self.changed: list[str] = []
        self.lacking: list[str] = []
        self.recordings = self.utterances = self.matching = 0

    def check(self, events: Sequence[Event]) -> None:
        recorded = {e.seq: self._recording(e) for e in events if e.kind == "audio"}
        for heard, audio in sounds(events):
            sound, stated = recorded[audio.seq], heard.body.get("audio_sha256")
            if heard.kind != "heard" or sound is None or stated is None:
                continue
            same = wav.pcm_sha256(sound.cut("caller", *span_ms(heard))) == stated
            self.utterances += 1
            self.matching += same
            # A process that died may have lost the recording's last second, and says so.
            end = span_ms(heard)[1] * sound.rate // 1000
            cut_off = audio.body["partial"] and end > sound.frames
            if not same and not cut_off and heard.body.get("audio_start_ms") is not None:
                self.changed.append(f"the recording does not hold what event {heard.seq} heard")

    def _recording(self, event: Event) -> wav.Sound | None:
        """The sound the event names, if it is unchanged."""
        self.recordings += 1
        which = f"the recording of event {event.seq}"
        try:
            data = self._files.read(event.body["file"])
            if data is None:
                self.lacking.append(f"{which} is missing")
                return None
            if sha256(data).hexdigest() != event.body["sha256"]:
                self.changed.append(f"{which} was changed")
                return None
            sound = wav.parse(data)
        except ValueError as error:
            self.changed.append(f"{which}: {error}")
            return None
        if sound.frames != event.body["frames"]:
            self.changed.append(f"{which} has another length")
        return sound
