"""Clauses on disk and clips in memory."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from voice.dsp import samples_from
from voice.speaking import wav
from voice.speaking.cache import ClipMemory, SpeechCache, write_atomically

VOICE = "kokoro zf_xiaobei@6e742170d309"
SOUND = np.linspace(-0.5, 0.5, 2400, dtype=np.float32)


@pytest.fixture
def cache(tmp_path: Path) -> SpeechCache:
    return SpeechCache(tmp_path / "speech")


def stored(cache: SpeechCache) -> list[Path]:
    return sorted(cache.folder.glob("??/*"))


def test_what_was_stored_comes_back(cache: SpeechCache) -> None:
    assert cache.load(VOICE, "您好") is None
    cache.store(VOICE, "您好", SOUND, 24_000)
    assert (VOICE, "您好") in cache
    loaded = cache.load(VOICE, "您好")
    assert loaded is not None
    assert loaded[1] == 24_000
    assert np.abs(loaded[0] - SOUND).max() < 1 / 32768


def test_another_voice_text_or_version_is_another_clause(cache: SpeechCache) -> None:
    cache.store(VOICE, "您好", SOUND, 24_000)
    assert cache.load("pyttsx3 cmn-latn-pinyin@2.99", "您好") is None
    assert cache.load(VOICE, "您好。") is None
    assert SpeechCache(cache.folder, "another version").load(VOICE, "您好") is None


def test_names_of_files_tell_nothing(cache: SpeechCache) -> None:
    cache.store(VOICE, "王小明女士", SOUND, 24_000)
    (path,) = stored(cache)
    assert path.stem == path.stem.encode("ascii", "ignore").decode()
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("at", [0, 25, 2000, -1])
def test_a_damaged_file_is_no_clause(cache: SpeechCache, at: int) -> None:
    cache.store(VOICE, "您好", SOUND, 24_000)
    (path,) = stored(cache)
    data = bytearray(path.read_bytes())
    data[at] ^= 0x40
    path.write_bytes(data)
    assert cache.load(VOICE, "您好") is None


@pytest.mark.parametrize("size", [0, 20, 1000])
def test_a_cut_file_is_no_clause(cache: SpeechCache, size: int) -> None:
    cache.store(VOICE, "您好", SOUND, 24_000)
    (path,) = stored(cache)
    os.truncate(path, size)
    assert cache.load(VOICE, "您好") is None


def test_a_folder_that_cannot_be_written_costs_the_cache_only(tmp_path: Path) -> None:
    blocked = tmp_path / "speech"
    blocked.write_text("a file where the folder should be")
    SpeechCache(blocked).store(VOICE, "您好", SOUND, 24_000)


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "taken.wav"
    folder.mkdir()
    with pytest.raises(OSError, match=r"."):
        write_atomically(folder, b"data")
    assert list(tmp_path.iterdir()) == [folder]


def test_what_was_used_longest_ago_is_pruned_first(cache: SpeechCache) -> None:
    for number, text in enumerate("甲乙丙"):
        cache.store(VOICE, text, SOUND, 24_000)
        os.utime(cache._path(VOICE, text), (number, number))
    assert cache.load(VOICE, "甲") is not None  # used just now
    size = cache._path(VOICE, "甲").stat().st_size
    assert cache.prune(2 * size) == size
    assert [(VOICE, t) in cache for t in "甲乙丙"] == [True, False, True]


def test_memory_is_bounded_and_keeps_what_was_used_last() -> None:
    memory: ClipMemory[str] = ClipMemory(30)
    for key in "abc":
        memory.put(key, bytes(10))
    assert memory.get("a") is not None
    memory.put("d", bytes(10))
    assert [memory.get(k) is not None for k in "abcd"] == [True, False, True, True]
    memory.put("huge", bytes(31))
    assert memory.get("huge") is None


def test_files_carry_the_label_and_open_everywhere(tmp_path: Path) -> None:
    data = wav.encode(b"\1\0" * 801, 8000)
    assert wav.AI_LABEL.encode() in data
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    pcm, rate = wav.decode(data)
    assert (len(samples_from(pcm)), rate) == (801, 8000)
