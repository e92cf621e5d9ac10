"""The speaker with its real engines in their real process, killed, stopped and starved."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from voice.dsp import samples_from
from voice.errors import ModelError, SpeechFailed
from voice.speaking import PYTTSX3_VOICE, Clip, Speaker, open_speaker, wav
from voice.speaking.cache import SpeechCache
from voice.speaking.engine import HANZI_PER_SECOND, EngineSpec
from voice.speaking.files import say
from voice.speaking.loudness import TARGET_DBFS, active_level
from voice.speaking.normalise import normalise

pytestmark = pytest.mark.models

MODELS = Path(__file__).resolve().parents[2] / "models"
SENTENCE = "犹豫期从您签收合同的次日起共15天，期间您可以申请解除合同。"


@pytest.fixture
async def espeak(tmp_path: Path) -> AsyncIterator[Speaker]:
    async with started(open_speaker(MODELS, tmp_path / "speech", "pyttsx3")) as speaker:
        yield speaker


@asynccontextmanager
async def started(speaker: Speaker) -> AsyncIterator[Speaker]:
    """Closed whatever happens."""
    await speaker.start()
    try:
        yield speaker
    finally:
        await speaker.close()


async def until(condition: Callable[[], bool]) -> None:
    """For what another process does: there is no event to wait for."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def heard(clip: Clip) -> float:
    """Active level in dBFS; also checks that nothing is clipped."""
    samples = samples_from(clip.pcm)
    assert np.abs(samples).max() < 0.999
    return active_level(samples, clip.sample_rate)


def hanzi(text: str) -> int:
    return len(re.findall("[一-鿿]", normalise(text)))


def runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def cpu_ticks(pid: int) -> int:
    """Hundredths of a second of CPU the process has used."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(after_name[11]) + int(after_name[12])


async def test_kokoro_speaks_is_killed_in_mid_sentence_and_still_answers(tmp_path: Path) -> None:
    """One start of Kokoro for all of it: loading costs seconds."""
    async with started(open_speaker(MODELS, tmp_path, "kokoro")) as speaker:
        assert speaker.name == "kokoro zf_xiaobei@6e742170d309"
        pid = speaker.engine.child_pid
        assert pid is not None
        idle = cpu_ticks(pid)
        rendering = asyncio.create_task(speaker.render(SENTENCE))
        await until(lambda: cpu_ticks(pid) >= idle + 10)  # a tenth of a second into it
        assert not rendering.done()
        os.kill(pid, signal.SIGKILL)
        clip = await rendering
        assert speaker.engine.restarts == 1
        assert speaker.engine.child_pid != pid
        assert clip.voice == speaker.name
        assert not clip.cached
        assert clip.cpu_s > 0
        assert hanzi(SENTENCE) / clip.seconds == pytest.approx(HANZI_PER_SECOND, rel=0.2)
        assert heard(clip) == pytest.approx(TARGET_DBFS, abs=1)

        again = await speaker.render(SENTENCE, gain_db=6)
        assert again.cached
        assert again.cpu_s == 0
        assert heard(again) == pytest.approx(TARGET_DBFS + 6, abs=1.5)

        slower = await speaker.render(SENTENCE, rate=0.8)
        assert slower.cached
        assert slower.seconds == pytest.approx(clip.seconds / 0.8, rel=0.01)


async def test_two_sentences_in_a_row_from_pyttsx3_both_have_sound(espeak: Speaker) -> None:
    for text in ("您好。", "现在方便接听吗？", SENTENCE):
        clip = await espeak.render(text)
        assert not clip.cached
        assert clip.seconds > 0.3
        assert heard(clip) == pytest.approx(TARGET_DBFS, abs=1)
    assert hanzi(SENTENCE) / clip.seconds == pytest.approx(HANZI_PER_SECOND, rel=0.2)
    assert espeak.engine.restarts == 0


async def test_requests_at_the_same_time_share_one_synthesis(espeak: Speaker) -> None:
    before = espeak.engine.cpu_s
    clips = await asyncio.gather(*(espeak.render(SENTENCE, rate=r) for r in (1.0, 1.0, 0.7)))
    assert espeak.engine.cpu_s - before == pytest.approx(clips[0].cpu_s)
    assert clips[0].pcm == clips[1].pcm
    assert clips[2].seconds == pytest.approx(clips[0].seconds / 0.7, rel=0.01)


async def test_what_is_spoken_from_memory_is_not_pruned_from_the_disk(
    espeak: Speaker, tmp_path: Path
) -> None:
    """At the next start it would be synthesised anew while a caller waits."""
    await espeak.render(SENTENCE)
    (path,) = (tmp_path / "speech").glob("??/*")
    os.utime(path, (1, 1))
    assert (await espeak.render(SENTENCE)).cached
    await espeak.close()
    assert path.stat().st_mtime > 1


async def test_a_hanging_child_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    spec = EngineSpec("pyttsx3", PYTTSX3_VOICE, "", str(tmp_path / "scratch"))
    async with started(Speaker([spec], SpeechCache(tmp_path), piece_s=0.5)) as speaker:
        assert speaker.engine.child_pid is not None
        os.kill(speaker.engine.child_pid, signal.SIGSTOP)
        clip = await speaker.render("现在方便接听吗？")
        assert clip.seconds > 0.5
        assert speaker.engine.restarts == 1


async def test_failing_twice_is_an_error_and_the_next_sentence_is_tried_anew(
    tmp_path: Path,
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    spec = EngineSpec("pyttsx3", PYTTSX3_VOICE, "", str(scratch))
    async with started(Speaker([spec], SpeechCache(tmp_path))) as speaker:
        scratch.rmdir()  # no place for the engine's file
        with pytest.raises(SpeechFailed, match="FileNotFoundError") as failed:
            await speaker.render("您是王小明本人吗？")
        assert "王" not in str(failed.value)
        scratch.mkdir()
        assert (await speaker.render("您好。")).pcm


async def test_a_model_with_the_wrong_hash_is_refused_and_auto_falls_back(tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(MODELS / "kokoro" / "voices", models / "kokoro" / "voices")
    for name in ("kokoro-v1.0.int8.onnx", "vocab.json"):
        (models / "kokoro" / name).symlink_to(MODELS / "kokoro" / name)
    voice = models / "kokoro" / "voices" / "zf_xiaobei.bin"
    data = bytearray(voice.read_bytes())
    data[1000] ^= 1
    voice.write_bytes(data)
    speaker = open_speaker(models, tmp_path / "speech", "kokoro")
    with pytest.raises(ModelError, match=r"zf_xiaobei\.bin is damaged; run: huifang models fetch"):
        await speaker.start()
    async with started(open_speaker(models, tmp_path / "speech", "auto")) as fallback:
        assert fallback.name.startswith("pyttsx3 cmn-latn-pinyin@")
        assert (await fallback.render("您好。")).voice == fallback.name


async def test_prepared_sentences_are_there_for_the_next_process(
    espeak: Speaker, tmp_path: Path
) -> None:
    texts = ["现在方便接听吗？", "感谢您的配合。", "现在方便接听吗？"]
    assert not espeak.cached(texts[0])
    steps: list[tuple[int, int]] = []
    await espeak.prepare(texts, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(0, 2), (1, 2), (2, 2)]
    async with started(open_speaker(MODELS, tmp_path / "speech", "pyttsx3")) as other:
        assert other.cached(texts[0], rate=0.7)
        clip = await other.render(texts[0], rate=0.7, sample_rate=16_000)
        assert clip.cached
        assert clip.pcm


async def test_nothing_to_speak_and_bounds(espeak: Speaker) -> None:
    assert (await espeak.render("……")).pcm == b""
    for wrong in ({"rate": 0.4}, {"gain_db": 60.0}, {"sample_rate": 4000}):
        with pytest.raises(ValueError, match=r"use -?\d"):
            await espeak.render("您好", **wrong)
    with pytest.raises(ValueError, match="1000 at most"):
        await espeak.render("好" * 1001)


async def test_closing_lets_nobody_wait(tmp_path: Path) -> None:
    speaker = open_speaker(MODELS, tmp_path, "pyttsx3")
    await speaker.start()
    pid = speaker.engine.child_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    waiting = asyncio.create_task(speaker.render("您好。"))
    await until(lambda: len(speaker.engine._jobs) == 1)
    await speaker.close()
    await speaker.close()
    with pytest.raises(SpeechFailed, match="closed"):
        await waiting
    assert not runs(pid)
    with pytest.raises(SpeechFailed, match="not started"):
        await speaker.render("再见。")


async def test_say_writes_a_labelled_file_whole_or_not_at_all(
    espeak: Speaker, tmp_path: Path
) -> None:
    clip = await say("您好，这里是客户服务。", tmp_path / "hello.wav", espeak, rate=0.8)
    data = (tmp_path / "hello.wav").read_bytes()
    assert wav.decode(data) == (clip.pcm, 24_000)
    assert wav.AI_LABEL.encode() in data
    with pytest.raises(SpeechFailed, match="cannot write"):
        await say("您好。", tmp_path / "no folder" / "hello.wav", espeak)
    with pytest.raises(SpeechFailed, match="nothing to speak"):
        await say("!!!", tmp_path / "none.wav", espeak)
    assert not (tmp_path / "none.wav").exists()
