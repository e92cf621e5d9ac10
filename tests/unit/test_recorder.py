"""Recording: exact samples, never in the way of the line, and something left after any fault."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys
import wave
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import StoreUnavailable
from bot.evidence import audio, wav
from bot.evidence.audio import StereoRecorder, recover
from bot.evidence.recordings import seal_file, sealed_path, unsealed
from bot.vault.datakey import DataKey
from bot.vault.stream import HEADER_BYTES, Stream
from tests.unit.evidence_case import KEY, tone

ROOT = Path(__file__).parents[2]
TICK = 320


def ticks(pcm: bytes) -> list[bytes]:
    return [pcm[at : at + TICK] for at in range(0, len(pcm), TICK)]


def test_both_sides_are_there_sample_by_sample(tmp_path: Path) -> None:
    caller, bot = tone(880, 2500), tone(440, 2500)
    recorder = StereoRecorder(tmp_path / "audio" / "call.wav", KEY)
    for pair in zip(ticks(caller), ticks(bot), strict=True):
        recorder.write(*pair)
    file = recorder.close()
    assert (file.frames, file.partial, recorder.error) == (20_000, False, None)
    data = unsealed(file.path, KEY)
    with wave.open(BytesIO(data)) as opened:
        assert opened.getparams()[:4] == (2, 2, 8000, 20_000)
    assert file.name == "call.wav"
    rest = file.path.read_bytes()
    assert not any(part in rest for part in (caller[:64], bot[:64], b"RIFF"))
    assert hashlib.sha256(data).hexdigest() == file.sha256
    sound = wav.parse(data)
    assert sound.cut("caller", 0, 2500) == caller
    assert sound.cut("bot", 0, 2500) == bot
    assert sound.cut("bot", 1000, 1200) == bot[16_000:19_200]
    assert b"AIGC" in data[: wav.STEREO_HEADER]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_closing_twice_and_writing_late_change_nothing(tmp_path: Path) -> None:
    recorder = StereoRecorder(tmp_path / "call.wav", KEY)
    recorder.write(bytes(TICK), bytes(TICK))
    file = recorder.close()
    recorder.write(bytes(TICK), bytes(TICK))
    assert recorder.close() == file
    assert wav.parse(unsealed(file.path, KEY)).frames == 160


def test_an_empty_call_is_a_valid_file(tmp_path: Path) -> None:
    file = StereoRecorder(tmp_path / "call.wav", KEY).close()
    assert (file.frames, file.partial) == (0, False)
    assert wav.parse(unsealed(file.path, KEY)).pcm == b""


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    sealed_path(tmp_path / "call.wav").write_bytes(b"evidence")
    with pytest.raises(StoreUnavailable, match="cannot be recorded"):
        StereoRecorder(tmp_path / "call.wav", KEY)
    assert sealed_path(tmp_path / "call.wav").read_bytes() == b"evidence"


def test_writing_does_not_wait_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that hangs holds up the thread, not the line, and not for ever the memory."""
    recorder = StereoRecorder(tmp_path / "call.wav", KEY)
    stuck = audio.threading.Event()
    honest = audio._write
    monkeypatch.setattr(audio, "_write", lambda *args: (stuck.wait(30), honest(*args)))
    begin = perf_counter()
    for _ in range(audio.MAX_PENDING + 200):
        recorder.write(bytes(TICK), bytes(TICK))
    assert perf_counter() - begin < 5
    assert recorder.error == "the disk is too slow"
    stuck.set()
    file = recorder.close()
    assert file.partial
    assert wav.parse(unsealed(file.path, KEY)).frames == file.frames


FULL = """
import resource, signal, sys
from pathlib import Path
from bot.evidence.audio import StereoRecorder
from bot.vault.datakey import DataKey
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
recorder = StereoRecorder(Path(sys.argv[1]), DataKey(b"k" * 32))
resource.setrlimit(resource.RLIMIT_FSIZE, (50_001, 50_001))
for n in range(150):
    recorder.write(b"\\x01\\x02" * 160, b"\\x03\\x04" * 160)
file = recorder.close()
print(file.frames, file.partial, bool(file.sha256), recorder.error)
"""


def test_no_room_for_the_file_ends_the_recording_not_the_call(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    last = done.stdout.splitlines()[-1]
    assert last == "8000 True True File too large", done.stderr
    assert wav.parse(unsealed(sealed_path(path), KEY)).pcm == b"\x01\x02\x03\x04" * 8000


def test_no_room_even_for_the_first_byte_leaves_no_handle_open_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk that is full every call gets as far as this, for hours."""
    opened: list[int] = []

    def full(file: int, data: bytes, at: int) -> None:
        opened.append(file)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(audio, "_write", full)
    with pytest.raises(StoreUnavailable, match="No space left"):
        StereoRecorder(tmp_path / "call.wav", KEY)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])
    assert list(tmp_path.iterdir()) == []


ENDLESS = """
import sys
from pathlib import Path
from bot.evidence.audio import StereoRecorder
from bot.vault.datakey import DataKey
recorder = StereoRecorder(Path(sys.argv[1]), DataKey(b"k" * 32))
for n in range(145):
    recorder.write(n.to_bytes(2, "little") * 160, bytes(320))
while recorder._frames < 16_000:
    pass
print("two seconds on disk", flush=True)
sys.stdin.read()
"""


def test_a_killed_process_leaves_a_file_that_plays_and_is_recovered(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    writer = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(path)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert writer.stdout is not None
    writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    with pytest.raises(ValueError, match="not closed"):
        unsealed(sealed_path(path), KEY)
    file = recover(sealed_path(path), KEY)
    assert file.partial
    assert file.frames >= 16_000
    sound = wav.parse(unsealed(file.path, KEY))
    expected = b"".join(n.to_bytes(2, "little") * 160 for n in range(145))
    assert sound.cut("caller", 0, 2000) == expected[:32_000]


PCM = bytes(range(256)) * 4


def in_frames(size: int = 300) -> tuple[bytes, list[int]]:
    """A recording that nobody closed, and where its frames end."""
    stream = Stream.new(KEY, 8000)
    data, ends = stream.header, [HEADER_BYTES]
    for number, at in enumerate(range(0, len(PCM), size)):
        data += stream.frame(number, PCM[at : at + size])
        ends.append(len(data))
    return data, ends


@given(torn=st.integers(0, 1300))
def test_a_file_torn_at_any_byte_is_recovered(
    tmp_path_factory: pytest.TempPathFactory, torn: int
) -> None:
    path = tmp_path_factory.mktemp("torn") / "call.wav.sealed"
    data, ends = in_frames()
    path.write_bytes(data[:torn])
    file = recover(path, KEY)
    kept = PCM[: 300 * max(0, sum(end <= torn for end in ends) - 1)]
    assert (file.frames, file.partial) == (len(kept) // 4, True)
    whole = unsealed(path, KEY)
    assert wav.parse(whole).pcm == kept
    assert hashlib.sha256(whole).hexdigest() == file.sha256
    closed = path.read_bytes()
    assert recover(path, KEY) == file
    assert path.read_bytes() == closed


def test_frames_cannot_be_changed_swapped_repeated_or_left_out(tmp_path: Path) -> None:
    path = tmp_path / "call.wav.sealed"
    data, ends = in_frames()
    path.write_bytes(data)
    recover(path, KEY)
    whole = path.read_bytes()
    ends.append(len(whole))
    parts = [whole[a:b] for a, b in pairwise([0, *ends])]
    forgeries = [b"".join(parts[:n] + parts[n + 1 :]) for n in range(1, len(parts))]
    forgeries += [b"".join(parts[: n + 1] + parts[n:]) for n in range(1, len(parts))]
    forgeries += [b"".join([*parts[:n], parts[n + 1], parts[n], *parts[n + 2 :]]) for n in (1, 2)]
    forgeries += [whole + b"x", whole[:-1]]
    for at in range(len(whole)):
        forged = bytearray(whole)
        forged[at] ^= 0x40
        forgeries.append(bytes(forged))
    for forgery in forgeries:
        path.write_bytes(forgery)
        with pytest.raises(ValueError):
            unsealed(path, KEY)
    print(f"forged recordings found: {len(forgeries)} of {len(forgeries)}")
    path.write_bytes(whole)
    with pytest.raises(ValueError):
        unsealed(path, DataKey.new())
    assert wav.parse(unsealed(path, KEY)).pcm == PCM


def test_of_much_that_cannot_be_read_a_copy_stays(tmp_path: Path) -> None:
    path = tmp_path / "call.wav.sealed"
    data, _ = in_frames()
    damaged = data + bytes(audio.TORN + 1)
    path.write_bytes(damaged)
    assert recover(path, KEY).frames == len(PCM) // 4
    assert (tmp_path / "call.wav.sealed.damaged").read_bytes() == damaged


@pytest.mark.parametrize("torn", [None, 0, 10, 501, 700])
def test_a_recording_in_clear_is_sealed(tmp_path: Path, torn: int | None) -> None:
    """As an older version left it, closed or torn."""
    path = tmp_path / "call.wav"
    frames = len(PCM) // 4 if torn is None else 0
    data = (wav.header(frames, 2, wav.LABEL) + PCM)[:torn]
    path.write_bytes(data)
    assert seal_file(path, KEY) == sealed_path(path)
    assert not path.exists()
    whole = unsealed(sealed_path(path), KEY)
    if torn is None:
        assert whole == data
    kept = max(0, len(data) - wav.STEREO_HEADER) // 4 * 4
    assert wav.parse(whole).pcm == PCM[:kept]


def test_a_strange_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(b"RIFF" + bytes(500))
    for work in (recover, seal_file):
        with pytest.raises(ValueError, match="not a"):
            work(path, KEY)
        assert path.read_bytes() == b"RIFF" + bytes(500)
    with pytest.raises(StoreUnavailable):
        recover(tmp_path / "missing.wav", KEY)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_sides_of_unequal_length_keep_time(caller: bytes, bot: bytes) -> None:
    stereo = wav.interleave(caller, bot)
    size = max(len(caller), len(bot)) + 1 & ~1
    left = b"".join(stereo[at : at + 2] for at in range(0, len(stereo), 4))
    right = b"".join(stereo[at : at + 2] for at in range(2, len(stereo), 4))
    assert (left, right) == (caller.ljust(size, b"\0"), bot.ljust(size, b"\0"))


def test_cuts_outside_the_sound_are_empty() -> None:
    sound = wav.Sound(bytes(4 * 8000))
    assert sound.cut("bot", 2000, 3000) == b""
    assert sound.cut("bot", 500, 100) == b""
    assert len(sound.cut("caller", -50, 10_000)) == 16_000
