"""Recorded sentences: found by their exact words, put together with values, checked before use."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from voice.dsp import pcm_from, samples_from
from voice.errors import ModelError
from voice.speaking import wav
from voice.speaking.engine import HANZI_PER_SECOND
from voice.speaking.finish import Delivery
from voice.speaking.loudness import TARGET_DBFS, active_level
from voice.speaking.recorded import INDEX, PAUSE_S, Recordings, Stretch, silence

RATE = 16_000
THANKS = "谢谢您的配合。"
PREMIUM = "这份保险，每年要交{}，一共要交{}。"
INSURED = "{}是被保险人，保的是{}{}"


def tone(path: Path, seconds: float = 1.0, *, rate: int = RATE, level: float = 0.1) -> None:
    """Something that is no silence, with silence around it."""
    sound = np.sin(np.arange(int(rate * seconds)) * 0.2) * level
    whole = np.concatenate([np.zeros(rate // 4), sound, np.zeros(rate // 4)])
    path.write_bytes(wav.encode(pcm_from(whole.astype(np.float32)), rate))


def folder(path: Path, *rows: tuple[str, str]) -> Path:
    path.mkdir(exist_ok=True)
    with (path / INDEX).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((("sentence", "files"), *rows))
    for _, files in rows:
        for name in files.split():
            tone(path / name)
    return path


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    return Recordings(folder(tmp_path / "amei", (THANKS, "a.wav"), (PREMIUM, "b.wav c.wav")))


def test_a_whole_sentence_is_one_file(recordings: Recordings) -> None:
    assert recordings.find(THANKS) == (Stretch(THANKS, "a.wav"),)


def test_values_stand_between_recorded_words(recordings: Recordings) -> None:
    found = recordings.find("这份保险，每年要交8600元，一共要交5年。")
    assert found == (
        Stretch("这份保险，每年要交", "b.wav"),
        Stretch("8600元", None),
        Stretch("，一共要交", "c.wav"),
        Stretch("5年。", None),
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "谢谢您配合。",  # the wording changed since
        "谢谢您的配合。再见。",
        "这份保险，每年要交，一共要交5年。",
        "这份保险，每年要交8600元。这份保险，一共要交5年。",
        "",
    ],
)
def test_nothing_is_played_for_other_words(recordings: Recordings, sentence: str) -> None:
    assert recordings.find(sentence) == ()


def test_a_breath_stands_only_where_a_comma_does() -> None:
    words, value = Stretch("每年要交", "b.wav"), Stretch("8600元", None)
    assert silence(words, value, 8000) == b""
    assert len(silence(value, Stretch("，一共要交", "c.wav"), 8000)) == 2 * PAUSE_S * 8000


def test_a_recording_has_the_level_and_the_pace_of_all_speech(recordings: Recordings) -> None:
    hanzi = 6 + 8 + 4
    assert recordings.pace == pytest.approx(HANZI_PER_SECOND * 3.0 / hanzi, rel=0.15)
    pcm = recordings.sound(Stretch(THANKS, "a.wav"), Delivery())
    assert active_level(samples_from(pcm), 8000) == pytest.approx(TARGET_DBFS, abs=0.5)
    assert len(pcm) / 2 / 8000 == pytest.approx(1.0 / recordings.pace, rel=0.15)


def test_the_record_tells_which_recordings_spoke(tmp_path: Path, recordings: Recordings) -> None:
    again = Recordings(tmp_path / "amei")
    assert again.name == recordings.name
    tone(tmp_path / "amei" / "a.wav", 1.1)
    assert Recordings(tmp_path / "amei").name != recordings.name
    assert recordings.name.startswith("recorded amei@")


def test_a_file_that_changed_meanwhile_is_not_played(
    tmp_path: Path, recordings: Recordings
) -> None:
    tone(tmp_path / "amei" / "a.wav", 1.1)
    with pytest.raises(ModelError, match=r"a\.wav: changed"):
        recordings.sound(Stretch(THANKS, "a.wav"), Delivery())


@pytest.mark.parametrize("at", [0, 18, 25, 44, 1000])
def test_a_file_that_the_disk_has_damaged_is_not_played(
    tmp_path: Path, recordings: Recordings, at: int
) -> None:
    """What cannot be played is synthesised; any other error would end the call."""
    path = tmp_path / "amei" / "a.wav"
    data = bytearray(path.read_bytes())
    data[at] ^= 0x40
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"a\.wav: changed"):
        recordings.sound(Stretch(THANKS, "a.wav"), Delivery())


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ((PREMIUM, "b.wav"), "2 files are needed, 1"),
        ((THANKS, ""), "1 files are needed, 0"),
        ((THANKS, "../a.wav"), "no name of a WAV"),
        ((THANKS, "a.mp3"), "no name of a WAV"),
        (("{}。", ""), "no words to record"),
        ((INSURED, "a.wav"), "two values without a word"),
    ],
)
def test_a_faulty_row_is_named(tmp_path: Path, row: tuple[str, str], fault: str) -> None:
    with (tmp_path / INDEX).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((("sentence", "files"), row))
    with pytest.raises(ModelError, match=fault):
        Recordings(tmp_path)


def test_a_faulty_file_is_named(tmp_path: Path) -> None:
    place = folder(tmp_path / "amei", (THANKS, "a.wav"))
    whole = (place / "a.wav").read_bytes()
    for broken in (b"RIFF", whole[:18] + b"\x40" + whole[19:]):  # a chunk longer than the file
        (place / "a.wav").write_bytes(broken)
        with pytest.raises(ModelError, match=r"a\.wav: no WAV"):
            Recordings(place)
    tone(place / "a.wav", rate=8000)
    with pytest.raises(ModelError, match="16000 to 48000 Hz"):
        Recordings(place)
    tone(place / "a.wav", level=0.0)
    with pytest.raises(ModelError, match="silence"):
        Recordings(place)
    tone(place / "a.wav", level=1.2)
    with pytest.raises(ModelError, match="clipped"):
        Recordings(place)
    tone(place / "a.wav", seconds=61)
    with pytest.raises(ModelError, match="60 at most"):
        Recordings(place)
    (place / "a.wav").unlink()
    with pytest.raises(ModelError, match=r"a\.wav: No such file"):
        Recordings(place)


def test_a_folder_without_a_good_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"index\.csv: No such file"):
        Recordings(tmp_path)
    (tmp_path / INDEX).write_text("text,wav\n", encoding="utf-8")
    with pytest.raises(ModelError, match="columns sentence and files"):
        Recordings(tmp_path)
    (tmp_path / INDEX).write_bytes(b"sentence,files\n\xff,a.wav\n")
    with pytest.raises(ModelError, match="UTF-8"):
        Recordings(tmp_path)
