"""One call in a process of its own, which may be killed at any moment: the bot with its store,
recording and voice on one side, a scripted policyholder on the other.

It reports through a pipe, one tuple each: what was committed (`answered`), what the policyholder
then heard, and how the call ended. What is reported was acknowledged: it must never be lost.
"""

from __future__ import annotations

import asyncio
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bot.callbacks import Callbacks, Conversations
from bot.evidence.audio import StereoRecorder
from bot.evidence.ledger import Event
from bot.questionnaires.questionnaire import Script
from bot.records.recovery import filed, recording_name, recover_all
from bot.records.sealing import Sealer
from bot.settings import ROOT, Settings
from bot.store import Store
from tests.crash.bridge import Borrowed
from tests.flow.scripted_line import ScriptedLine
from voice.errors import VoiceError
from voice.frames import Played, Utterance
from voice.speaking import Speaker, open_speaker

FRAME_MS = 20
FRAME = bytes(320)
WORDS_MS = 500
MAX_TURNS = 80


@dataclass(frozen=True)
class Job:
    """What a call needs; goes through a pipe."""

    data: Path
    url: str
    bridge: Path
    policy: str
    call: str  # names the recording
    speaks: bool = False  # with pyttsx3 in its child process


def call(job: Job, report: Connection) -> None:
    """The process's whole life."""
    asyncio.run(_call(job, report))


async def _call(job: Job, report: Connection) -> None:
    settings = Settings(data=job.data, database=job.url)
    store = Store.open(job.url, settings.key_folder, busy_s=20)
    callbacks = Callbacks(settings, store)
    recover_all(callbacks, settings.audio_folder)
    callback = callbacks.open(job.policy, "phone")
    report.send(("open", callback))

    def tell(event: Event) -> None:
        if event.kind == "answered":
            report.send(("answered", event.body["item"], event.body["answer"]))

    callbacks.on_event = tell
    speaker = await _speaker(job, settings)
    path = settings.audio_folder / recording_name(callback, job.call)
    recorder = StereoRecorder(path, store.data_key(callback))
    line = RecordedLine(recorder, speaker, report)
    conversations = Conversations(callbacks, await Borrowed.at(job.bridge))
    conversation = conversations.start(callback, line)
    task = asyncio.create_task(conversation.run())
    script = callbacks.script(store.policy_of(callback))
    secret = store.policy_of(callback).birth_date.strftime("%Y%m%d")
    for _ in range(MAX_TURNS):
        idle = asyncio.create_task(line.idle())
        await asyncio.wait({idle, task}, return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
        if task.done():
            break
        _answer(line, script, secret, callback)
    result = await asyncio.wait_for(task, 20)
    audio = await asyncio.to_thread(recorder.close)
    await callbacks.scribe(callback).note(filed(audio))
    if speaker is not None:
        await speaker.close()
    await asyncio.to_thread(Sealer(store, settings).checkpoint)
    report.send(("done", result.ending, result.reason))
    store.close()


async def _speaker(job: Job, settings: Settings) -> Speaker | None:
    if not job.speaks:
        return None
    # A cache of its own for each call: every sentence is truly spoken.
    speaker = open_speaker(ROOT / "models", settings.data / "speech" / job.call, "pyttsx3")
    await speaker.start()
    return speaker


def _answer(line: RecordedLine, script: Script, secret: str, callback: str) -> None:
    """As a policyholder who understands nearly everything."""
    asked = next(s.id for s in reversed(line.spoken)).split(".")[0]
    if asked == "I2" or asked.startswith("I2_"):
        line.caller_keys(secret)
    elif asked == "Z1":
        line.caller_says("没有了")
    elif asked in script.clauses and (expects := script.clauses[asked].expects):
        line.caller_says(expects.answer)  # a comprehension question, as the contract says
    elif asked in script.items:
        clause = script.clauses[asked]
        doubts = zlib.crc32(f"{callback}{asked}".encode()) % 7 == 0 and not clause.severe
        expected = "没有" if clause.expect == "no" else "是的，清楚"
        line.caller_says("这个我不清楚" if doubts else expected)
    else:
        line.caller_says("是我" if asked.startswith("I1") else "方便")


class RecordedLine(ScriptedLine):
    """A scripted line whose sound is recorded, and spoken where there is a voice."""

    def __init__(
        self, recorder: StereoRecorder, speaker: Speaker | None, report: Connection
    ) -> None:
        super().__init__()
        self._recorder, self._speaker, self._report = recorder, speaker, report

    def say(self, speech: Any) -> None:
        super().say(speech)
        pid = self._speaker.engine.child_pid if self._speaker else None
        self._report.send(("said", [s.id for s in speech], pid))

    async def next(self) -> Any:
        if not self._events and self._unplayed and self._speaker is not None:
            first = self._unplayed[0]
            try:
                await self._speaker.render(first.text, urgent=True)
            except VoiceError:
                self._unplayed.popleft()
                return Played(first.id, False, self._now, self._now, "", "failed: SpeechFailed")
        return await super().next()

    def caller_says(
        self, text: str, *, confidence: float = 0.95, interrupting: bool = False
    ) -> None:
        """The samples that are said to be heard are the ones in the recording."""
        start, pcm = self._now, random.randbytes(len(FRAME) * WORDS_MS // FRAME_MS)
        for at in range(0, len(pcm), len(FRAME)):
            self._recorder.write(pcm[at : at + len(FRAME)], FRAME)
        self._now += WORDS_MS
        self._feed(
            Utterance(
                text, "voice", confidence, start, self._now, pcm=pcm, engine="scripted",
                pcm_start_ms=start,
            )
        )  # fmt: skip

    def caller_keys(self, digits: str) -> None:
        self._record(lambda: super(RecordedLine, self).caller_keys(digits))

    def _play(self, *, complete: bool) -> None:
        self._record(lambda: super(RecordedLine, self)._play(complete=complete))

    def _record(self, happen: Callable[[], None]) -> None:
        """Silence of both sides for as long as it takes."""
        before = self._now
        happen()
        for _ in range((self._now - before) // FRAME_MS):
            self._recorder.write(FRAME, FRAME)
