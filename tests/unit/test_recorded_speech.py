"""Recorded sentences in a real voice, with the values spoken by an engine, heard by Whisper."""

from __future__ import annotations

import asyncio
import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypinyin import lazy_pinyin

from bot import recordings
from bot.questionnaires import questionnaire
from bot.settings import Settings
from tests.unit.test_speaker import MODELS, started
from voice.frames import PHONE_RATE
from voice.listening import whisper
from voice.speaking import open_speaker, wav
from voice.speaking.recorded import INDEX, VALUE, Recordings

pytestmark = pytest.mark.models

PREMIUM = "这份保险，每年要交{}，一共要交{}。"
GOODBYE = "谢谢您的配合，祝您身体健康。"
ROWS = {PREMIUM: ("premium-a.wav", "premium-b.wav"), GOODBYE: ("goodbye.wav",)}


async def record(folder: Path, scratch: Path) -> None:
    """The "person" is another voice than the bot's."""
    async with started(open_speaker(MODELS, scratch, "kokoro", voice="zm_yunxi")) as speaker:
        for sentence, files in ROWS.items():
            for words, file in zip(filter(None, sentence.split(VALUE)), files, strict=False):
                clip = await speaker.render(words, sample_rate=24_000)
                (folder / file).write_bytes(wav.encode(clip.pcm, clip.sample_rate))
    with (folder / INDEX).open("w", encoding="utf-8", newline="") as index:
        rows = ((sentence, " ".join(files)) for sentence, files in ROWS.items())
        csv.writer(index).writerows((("sentence", "files"), *rows))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("recordings")
    (folder / "amei").mkdir()
    asyncio.run(record(folder / "amei", folder / "speech"))
    yield folder / "amei"
    shutil.rmtree(folder)


async def test_a_person_speaks_the_words_and_the_engine_the_values(
    recorded: Path, tmp_path: Path
) -> None:
    text = PREMIUM.replace(VALUE, "{}").format("8600元", "15年")
    async with started(open_speaker(MODELS, tmp_path, "pyttsx3", recordings=recorded)) as speaker:
        assert not speaker.cached(text)
        clip = await speaker.render(text)
        again = await speaker.render(text, rate=0.65)
        assert speaker.cached(text)
        whole = await speaker.render(GOODBYE)
        other = await speaker.render("您好。")
    assert clip.voice.startswith("recorded amei@")
    assert " + pyttsx3 " in clip.voice
    assert whole.voice.startswith("recorded amei@")
    assert whole.cached
    assert "+" not in whole.voice
    assert other.voice.startswith("pyttsx3")
    assert again.seconds == pytest.approx(clip.seconds / 0.65, rel=0.1)
    session = whisper.load(MODELS / "whisper-base").session(PHONE_RATE)
    session.accept(bytes(PHONE_RATE) + clip.pcm + bytes(PHONE_RATE))
    heard = lazy_pinyin(session.finish().text)
    assert {"bao", "mei", "nian", "jiao"} <= set(heard), "the person's words"


async def test_a_recording_that_is_lost_is_spoken_instead(recorded: Path, tmp_path: Path) -> None:
    folder = tmp_path / "amei"
    shutil.copytree(recorded, folder)
    async with started(
        open_speaker(MODELS, tmp_path / "speech", "pyttsx3", recordings=folder)
    ) as speaker:
        (folder / "goodbye.wav").unlink()
        clip = await speaker.render(GOODBYE)
    assert "recorded" not in clip.voice
    assert clip.seconds > 1


def test_a_file_with_other_words_is_found_by_listening(recorded: Path, tmp_path: Path) -> None:
    ear = whisper.load(MODELS / "whisper-base")
    assert list(recordings.doubts(Recordings(recorded), ear)) == []
    folder = tmp_path / "amei"
    shutil.copytree(recorded, folder)
    shutil.copy(folder / "premium-a.wav", folder / "goodbye.wav")
    (doubt,) = recordings.doubts(Recordings(folder), ear)
    assert doubt.file == "goodbye.wav"
    assert "goodbye.wav: should say “谢谢您的配合" in str(doubt)


def test_the_list_is_a_whole_index_of_what_is_said(tmp_path: Path) -> None:
    settings = Settings()
    lines = list(recordings.to_record(questionnaire.load("zh-2026.1").document, settings))
    sentences = [line.sentence for line in lines]
    files = [file for line in lines for file in line.files]
    assert len(set(sentences)) == len(sentences) > 300
    assert len(set(files)) == len(files)
    assert any(settings.company in sentence for sentence in sentences)
    assert not any("{" in sentence.replace(VALUE, "") for sentence in sentences)
