"""Clauses on disk and clips in memory."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bot.vault.datakey import DataKey
from voice.dsp import pcm_from, samples_from
from voice.speaking import cache as cache_module
from voice.speaking import lexicon, wav
from voice.speaking.cache import ClipMemory, SpeechCache, write_atomically

VOICE = "kokoro zf_xiaobei@6e742170d309"
SOUND = np.linspace(-0.5, 0.5, 2400, dtype=np.float32)


@pytest.fixture(params=["clear", "sealed"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> SpeechCache:
    cipher = DataKey(b"k" * 32) if request.param == "sealed" else None
    return SpeechCache(tmp_path / "speech", cipher=cipher)


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


def test_a_new_reading_renews_the_clauses_that_hold_it(
    cache: SpeechCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.store(VOICE, "您好", SOUND, 24_000)
    cache.store(VOICE, "单女士", SOUND, 24_000)
    monkeypatch.setitem(lexicon.SURNAMES, "单", "dan1")
    assert cache.load(VOICE, "单女士") is None
    assert cache.load(VOICE, "您好") is not None


def test_names_of_files_tell_nothing(cache: SpeechCache) -> None:
    cache.store(VOICE, "王小明女士", SOUND, 24_000)
    (path,) = stored(cache)
    assert path.stem == path.stem.encode("ascii", "ignore").decode()
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("at", [0, 18, 25, 2000, -1])
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
    now = time.time()
    for number, text in enumerate("甲乙丙"):
        cache.store(VOICE, text, SOUND, 24_000)
        os.utime(cache.path(VOICE, text), (now + number - 9, now + number - 9))
    assert cache.load(VOICE, "甲") is not None  # used just now
    size = cache.path(VOICE, "甲").stat().st_size
    assert cache.prune(2 * size) == size
    assert [(VOICE, t) in cache for t in "甲乙丙"] == [True, False, True]


@pytest.mark.parametrize("free", [cache_module.ROOM_BYTES, cache_module.ROOM_BYTES - 1])
def test_a_bot_that_runs_for_months_does_not_fill_the_disk(
    cache: SpeechCache, monkeypatch: pytest.MonkeyPatch, free: int
) -> None:
    cache.store(VOICE, "您好", SOUND, 24_000)
    one = stored(cache)[0].stat().st_size
    monkeypatch.setattr(cache_module, "DISK_BYTES", 10 * one)
    monkeypatch.setattr(cache_module, "LOOK_BYTES", 5 * one)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    used = time.time() - 61 * 24 * 3600
    os.utime(cache.path(VOICE, "您好"), (used, used))
    for number in range(40):
        cache.store(VOICE, f"您的保单号是{number}", SOUND, 24_000)
    assert (VOICE, "您好") not in cache, "nobody was told for long"
    assert (VOICE, "您的保单号是39") in cache
    kept = len(stored(cache))
    assert kept == 40 if free == cache_module.ROOM_BYTES else kept <= 15


def test_what_nobody_was_told_for_long_is_pruned(cache: SpeechCache) -> None:
    for text, days in (("甲", 59), ("乙", 61)):
        cache.store(VOICE, text, SOUND, 24_000)
        used = time.time() - days * 24 * 3600
        os.utime(cache.path(VOICE, text), (used, used))
    cache.prune()
    assert [(VOICE, t) in cache for t in "甲乙"] == [True, False]


def test_what_is_played_from_memory_is_in_use(cache: SpeechCache) -> None:
    """The opening of every call is read from disk once in the life of a bot."""
    for text in ("每次都说", "很久没说"):
        cache.store(VOICE, text, SOUND, 8000)
    for path in stored(cache):
        os.utime(path, (1, 1))
    cache.played(VOICE, "每次都说")
    cache.prune()
    assert [(VOICE, text) in cache for text in ("每次都说", "很久没说")] == [True, False]


def test_a_sentence_is_forgotten_in_every_voice(cache: SpeechCache) -> None:
    for voice in ("one", "two"):
        for text in ("王小明女士", "您好"):
            cache.store(voice, text, SOUND, 24_000)
    assert cache.forget("王小明女士") == 2
    assert cache.forget("王小明女士") == 0
    assert [("one", t) in cache for t in ("王小明女士", "您好")] == [False, True]


def test_sealed_clauses_are_no_sound_and_old_ones_in_clear_go(tmp_path: Path) -> None:
    clear = SpeechCache(tmp_path)
    clear.store(VOICE, "王小明女士", SOUND, 24_000)
    (old,) = stored(clear)
    sealed = SpeechCache(tmp_path, cipher=DataKey(b"k" * 32))
    sealed.store(VOICE, "王小明女士", SOUND, 24_000)
    assert sealed.prune() > 0
    (path,) = stored(sealed)
    assert path != old
    assert old.name[:20] not in path.name, "nobody can guess a sentence by its name"
    assert pcm_from(SOUND)[:64] not in path.read_bytes()
    assert SpeechCache(tmp_path, cipher=DataKey.new()).load(VOICE, "王小明女士") is None


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
