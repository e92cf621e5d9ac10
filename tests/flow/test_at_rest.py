"""After a whole callback, and in the middle of it, the data folder tells nobody anything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bot import parts
from bot.callbacks import Conversations
from bot.cli.importing import chat_link
from bot.evidence.audio import StereoRecorder
from bot.evidence.recordings import Sealed
from bot.evidence.verify import verify_store
from bot.evidence.wav import parse
from bot.policies.policy import Policy
from bot.records.recovery import filed, recording_name
from bot.records.sealing import Sealer
from bot.settings import Settings
from bot.store import Store
from tests.conftest import POLICY
from tests.crash.caller import RecordedLine, _answer

pytestmark = [
    pytest.mark.rasa,
    pytest.mark.models,
    pytest.mark.asyncio(loop_scope="session"),
]


class Nobody:
    """Where the crash test's line reports to."""

    def send(self, _: object) -> None: ...


def spellings(value: str) -> Iterator[bytes]:
    """How a value could stand in a file, as far as that is too long to be there by chance."""
    yield value.encode()
    if len(value) > 3:
        yield value.encode("gb18030")
    yield json.dumps(value)[1:-1].encode()
    yield sha256(value.encode()).hexdigest().encode()
    yield sha256(value.encode()).digest()


def told_by(folder: Path, policies: list[Policy], words: list[str], sound: bytes) -> set[str]:
    """What of these can be found in any file of the folder, and in which."""
    personal = {v for p in policies for v in (p.number, p.holder, p.insured, p.id_number, p.phone)}
    wanted = {part: value for value in {*personal, *words} for part in spellings(value)}
    wanted |= {sound[at : at + 64]: "the caller's voice" for at in range(0, len(sound), 16_000)}
    found = set()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        found |= {f"{path.name}: {value}" for part, value in wanted.items() if part in data}
        if data.startswith(b"RIFF"):
            found.add(f"{path.name}: a sound in clear")
    return found


async def test_a_whole_callback_leaves_nothing_in_clear(
    settings: Settings, store: Store, conversations: Conversations
) -> None:
    callbacks = conversations.callbacks
    speaker = parts.open_voice(settings.model_copy(update={"voice": "pyttsx3"}))
    await speaker.start()
    callback = callbacks.open(POLICY, "phone")
    path = settings.audio_folder / recording_name(callback, "0123456789")
    recorder = StereoRecorder(path, store.data_key(callback))
    line = RecordedLine(recorder, speaker, Nobody())  # type: ignore[arg-type]
    heard: list[bytes] = []
    honest = recorder.write

    def listen(caller: bytes, bot: bytes) -> None:
        if any(caller):  # silence is in every file
            heard.append(caller)
        honest(caller, bot)

    recorder.write = listen  # type: ignore[method-assign]
    task = asyncio.create_task(conversations.start(callback, line).run())
    policy = store.policy(POLICY)
    script, secret = callbacks.script(policy), policy.birth_date.strftime("%Y%m%d")
    middle: set[str] = set()
    policies = store.policies()
    for turn in range(60):
        idle = asyncio.create_task(line.idle())
        await asyncio.wait({idle, task}, return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
        if task.done():
            break
        if turn == 8:
            middle = told_by(settings.data, policies, said(store, callback), b"".join(heard))
        _answer(line, script, secret, callback)
    assert (await task).ending == "closed"
    chat_link(settings, POLICY)
    audio = await asyncio.to_thread(recorder.close)
    await callbacks.scribe(callback).note(filed(audio))
    await asyncio.to_thread(Sealer(store, settings).checkpoint)
    await speaker.close()

    assert middle == set()
    words, sound = said(store, callback), b"".join(heard)
    assert len(words) > 60
    assert told_by(settings.data, policies, words, sound) == set()
    assert list(settings.speech_cache.glob("??/*.sealed")), "sentences were spoken and kept"
    store.close()
    assert told_by(settings.data, policies, words, sound) == set()

    again = Store.open(settings.database_url, settings.key_folder)
    (report,) = [r for r in verify_store(again, settings.audio_folder) if r.callback == callback]
    assert report.ok, report
    assert report.utterances_matching == report.utterances > 10
    whole = Sealed(settings.audio_folder, again.data_key(callback)).read(audio.name)
    assert whole is not None
    (settings.data / "leak.txt").write_bytes(policy.phone.encode() + parse(whole).pcm)
    assert told_by(settings.data, policies, words, sound) == {f"leak.txt: {policy.phone}"}
    again.close()


def said(store: Store, callback: str) -> list[str]:
    """Everything that was said, as far as it is longer than what stands in any file by chance."""
    bodies: list[Any] = [event.body for event in store.events(callback)]
    texts = [str(body.get("text") or "") for body in bodies]
    return [text for text in texts if len(text) > 3]
