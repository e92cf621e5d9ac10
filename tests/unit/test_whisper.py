"""The spectrogram against its definition; the real model on real sound."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import wave
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soxr

from voice.errors import ModelError, RecognitionFailed
from voice.listening import mel, whisper, whisper_files
from voice.listening.closed_set import MAX_CANDIDATES, MAX_RATIO, YES_NO, ClosedSet, ratios
from voice.listening.whisper import MAX_SECONDS, Whisper, windows


def test_filterbank_is_librosas() -> None:
    filters = mel.filterbank()
    assert filters.shape == (80, 201)
    # From openai/whisper assets/mel_filters.npz (librosa.filters.mel, slaney).
    assert filters[0, 1] == pytest.approx(0.02486259, abs=1e-7)
    assert (filters >= 0).all()
    assert filters.sum(axis=1) * mel.RATE / mel.WINDOW == pytest.approx(1, abs=0.35)
    peaks = filters.argmax(axis=1)
    assert (np.diff(peaks) >= 0).all()


def test_silence_after_the_sound_has_the_columns_of_silence() -> None:
    """They are not transformed, and must be the numbers a transform would give."""
    sound = np.random.default_rng(1).normal(0, 0.1, 1234).astype(np.float32)
    short, long = mel.log_mel(sound, 20), mel.log_mel(sound, 300)
    padded = np.zeros(300 * mel.HOP, dtype=np.float32)
    padded[: len(sound)] = sound
    assert long == pytest.approx(mel.log_mel(padded, 300), abs=1e-5)
    assert long[:, :20] == pytest.approx(short, abs=1e-5)


def test_mel_scale_is_linear_then_logarithmic_and_invertible() -> None:
    hz = np.array([0.0, 500.0, 1000.0, 6400.0])
    assert mel.hz_to_mel(hz) == pytest.approx([0, 7.5, 15, 42])  # 27 steps from 1 to 6.4 kHz
    assert mel.mel_to_hz(mel.hz_to_mel(hz)) == pytest.approx(hz)


def test_spectrogram_of_a_tone_and_of_silence() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(mel.RATE) / mel.RATE).astype(np.float32)
    found = mel.log_mel(tone, 300)
    assert found.shape == (80, 300)
    assert found.dtype == np.float32
    band = int(found[:, 50].argmax())
    assert mel.filterbank()[band, round(1000 / 40)] > 0
    assert found.max() - found.min() == pytest.approx(2.0, abs=1e-5)  # 8 decades / 4
    assert (found[:, 110:] == found.min()).all()  # padded with silence
    assert (
        mel.log_mel(np.zeros(0, np.float32), 100) == mel.log_mel(np.zeros(9, np.float32), 100)
    ).all()


def test_long_sound_is_cut_at_its_quietest_place() -> None:
    sound = np.random.default_rng(1).normal(0, 0.1, 70 * mel.RATE).astype(np.float32)
    sound[27 * mel.RATE : 27 * mel.RATE + 4000] = 0
    pieces = list(windows(sound))
    assert len(pieces) == 3
    assert 27.0 <= len(pieces[0]) / mel.RATE <= 27.25
    assert all(len(piece) <= 30 * mel.RATE for piece in pieces)
    assert (np.concatenate(pieces) == sound).all()
    assert list(windows(sound[:0])) == []


def test_ratios_are_bounded_and_on_the_safe_side() -> None:
    answers = ClosedSet(yes=("是", "对"), no=("不",), other=("喂",))
    found = ratios(answers, {"是": -1.0, "不": -2.0, "别的": 0.0}, floor=-3.0)
    assert found == pytest.approx({"yes_no": np.e, "yes_other": np.e**2, "no_other": np.e})
    assert ratios(answers, {"不": -0.1}, floor=-50.0) == pytest.approx(
        {"yes_no": 1 / MAX_RATIO, "yes_other": 1 / MAX_RATIO, "no_other": MAX_RATIO}
    )
    assert ratios(answers, {"对": -0.1}, floor=-50.0)["yes_no"] == pytest.approx(MAX_RATIO)
    assert ratios(ClosedSet(yes=("是",), no=("不",)), {"是": -1.0}, -2.0).keys() == {"yes_no"}
    assert ratios(ClosedSet(no=("不",)), {}, -2.0) == {}


def test_closed_sets_are_checked_and_extended() -> None:
    with pytest.raises(ValueError, match="twice"):
        ClosedSet(yes=("是",), no=("是",))
    with pytest.raises(ValueError, match="characters"):
        ClosedSet(yes=("",))
    with pytest.raises(ValueError, match="at most"):
        ClosedSet(yes=tuple(map(str, range(MAX_CANDIDATES + 1))))
    more = YES_NO.plus(yes=["有", "是的", "有"], no=["是的"])
    assert more.yes == (*YES_NO.yes, "有")
    assert more.no == YES_NO.no


def test_a_folder_that_is_not_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"missing; run `huifang models"):
        whisper.load(tmp_path)
    for name in whisper_files.SHA256:
        (tmp_path / name).write_bytes(b"something else")
    wrong = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(ModelError, match=wrong):
        whisper.load(tmp_path)


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whisper_files.assemble(tmp_path_factory.mktemp("models") / "whisper-base")


@pytest.fixture(scope="module")
def model(model_folder: Path) -> Whisper:
    return whisper.load(model_folder, threads=1)


@pytest.fixture(scope="module")
def english(model_folder: Path) -> Whisper:
    return whisper.load(model_folder, threads=1, language="en")


def spoken(text: str, voice: str, rate: int) -> bytes:
    """Speech of espeak-ng as s16le. Whisper understands its English, hardly its Mandarin."""
    command = ["espeak-ng", "-v", voice, "-s", "130", "--stdout", text]
    out = subprocess.run(command, capture_output=True, check=True).stdout
    with wave.open(BytesIO(out)) as file:
        source = file.getframerate()
    sound = np.frombuffer(out[44:], dtype="<i2").astype(np.float32) / 32768
    edge = np.zeros(rate // 4, np.float32)
    resampled = np.concatenate([edge, soxr.resample(sound, source, rate), edge])
    pcm: bytes = (np.clip(resampled, -1, 1) * 32767).astype("<i2").tobytes()
    return pcm


@pytest.mark.models
def test_damaged_model_is_built_anew(model_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(model_folder, tmp_path / "whisper-base")
    with (copy / "model.bin").open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\0" * 16)
    with pytest.raises(ModelError, match="not the Whisper model"):
        whisper.load(copy)
    whisper_files.assemble(copy)
    whisper_files.verify(copy)
    assert [path.name for path in tmp_path.iterdir()] == ["whisper-base"]


@pytest.mark.models
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_hears_words_at_any_rate(english: Whisper, rate: int) -> None:
    session = english.session(rate)
    session.accept(spoken("one two three four five", "en-us", rate))
    heard = session.finish()
    text = heard.text.lower()
    digits = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5"}
    assert sum(word in text or digit in text for word, digit in digits.items()) >= 4
    assert 0.3 < heard.confidence <= 1
    assert heard.no_speech < 0.6
    assert heard.engine == "whisper-base-int8 d01c3014881c"
    assert heard.scores == {}


@pytest.mark.models
@pytest.mark.parametrize("seconds", [0.0, 0.02, 1.0, 12.0])
def test_silence_has_no_words(model: Whisper, seconds: float) -> None:
    session = model.session(8000, YES_NO)
    session.accept(bytes(int(8000 * seconds) * 2))
    heard = session.finish()
    assert (heard.text, heard.confidence, heard.scores) == ("", 0.0, {"snr_db": 0.0})


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("是我" * 18, "是我是我是我"),
        ("对对对对", "对对对"),
        ("对对对", "对对对"),
        ("我不不不不清楚", "我不不不清楚"),
        ("10000000", "10000000"),
        ("三三三三五", "三三三三五"),
    ],
)
def test_a_decoder_that_repeats_itself_is_cut_short(written: str, text: str) -> None:
    assert whisper._AGAIN.sub(r"\1\1\1", written) == text


@pytest.mark.models
@pytest.mark.parametrize("level", [0.003, 0.03, 0.3])
def test_noise_brings_no_yes(model: Whisper, level: float) -> None:
    noise = np.random.default_rng(5).normal(0, level, 12000).clip(-1, 1)
    session = model.session(8000, YES_NO)
    session.accept((noise * 32767).astype("<i2").tobytes())
    heard = session.finish()
    assert heard.text.strip("。，, ") not in YES_NO.yes
    assert min(heard.scores.get(name, 0.0) for name in ("yes_no", "yes_other", "known")) < 2


class Interrupted:
    """An engine during whose encoding the speaker goes on."""

    def __init__(self) -> None:
        self.session: whisper.WhisperSession | None = None
        self.encoded = 0

    def encode(self, _features: object) -> None:
        self.encoded += 1
        assert self.session is not None
        self.session.abandon()

    def generate(self, *_: object, **__: object) -> None:
        raise AssertionError("decoded for nobody")


@pytest.mark.models
@pytest.mark.parametrize("answers", [None, YES_NO])
def test_what_nobody_waits_for_is_decoded_no_further(
    model: Whisper, monkeypatch: pytest.MonkeyPatch, answers: ClosedSet | None
) -> None:
    engine = Interrupted()
    monkeypatch.setattr(model._base, "_model", engine)
    engine.session = model.session(8000, answers)
    engine.session.accept(bytes(16000))
    for _ in range(2):  # then it is not even begun
        with pytest.raises(RecognitionFailed, match="nobody waits"):
            engine.session.finish()
    assert engine.encoded == 1


@pytest.mark.models
def test_a_long_sound_is_decoded_in_bounded_time_and_not_scored(model: Whisper) -> None:
    pcm = spoken("wo bu qing chu. " * 12, "cmn-latn-pinyin", 8000)
    assert len(pcm) / 16000 > 10
    session = model.session(8000, YES_NO)
    session.accept(pcm)
    heard = session.finish()
    assert heard.scores.keys() == {"snr_db"}
    assert len(heard.text) < 400


@pytest.mark.models
def test_bad_rates_and_endless_sound_are_bounded(model: Whisper) -> None:
    with pytest.raises(ValueError, match="8000 to 96000"):
        model.session(4000)
    session = model.session(8000)
    for _ in range(8):
        session.accept(bytes(8000 * 2 * 60))
    assert len(session._pcm) == MAX_SECONDS * 8000 * 2


# As Whisper writes English: with a blank before and a full stop. Mandarin answers have neither.
ENGLISH = ClosedSet(
    yes=(" Yes.", " I agree."),
    no=(" No.", " I do not agree."),
    other=(" Operator.", " Say it again."),
)


@pytest.mark.models
@pytest.mark.parametrize(
    ("said", "is_yes"),
    [
        ("yes", True),
        ("I agree", True),
        ("no", False),
        ("I do not agree", False),
        ("operator", False),
        ("what if I stop paying", False),  # none of the candidates
    ],
)
def test_closed_set_tells_answers_apart(english: Whisper, said: str, is_yes: bool) -> None:
    session = english.session(8000, ENGLISH)
    session.accept(spoken(said, "en-us", 8000))
    heard = session.finish()
    ratios = [heard.scores.get(name, 0.0) for name in ("yes_no", "yes_other", "known")]
    assert (min(ratios) > 2) is is_yes
    assert heard.nearest in ENGLISH.phrases or not heard.nearest
    if is_yes:
        assert heard.nearest in ENGLISH.yes
    found = [ratio for name, ratio in heard.scores.items() if name != "snr_db"]
    assert all(0 <= ratio <= MAX_RATIO * 1.001 for ratio in found)
