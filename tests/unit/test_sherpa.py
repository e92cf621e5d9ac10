"""Other voices through the real sherpa-onnx in the real child: `make test-sherpa` installs it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from bot.cli import doctor
from bot.settings import Settings
from tests.bench.bench_intelligible import syllables, wrong
from tests.unit import sherpa_models as models
from tests.unit.test_speaker import started
from voice.dsp import samples_from
from voice.errors import ModelError, SpeechFailed
from voice.listening import whisper
from voice.speaking import open_sherpa
from voice.speaking.breaths import shortened
from voice.speaking.engine import HANZI_PER_SECOND
from voice.speaking.loudness import TARGET_DBFS, active_level
from voice.telephone import alaw_decode, alaw_encode

pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(find_spec("sherpa_onnx") is None, reason="run: make test-sherpa"),
]

SENTENCES = (
    "犹豫期从您签收合同的次日起共15天，期间您可以申请解除合同。",
    "您好，这里是客户服务，请问您现在方便接听电话吗？",
)
RARE = "喆堃"


def hum(pcm: bytes) -> float:
    """The loudest frequency in Hz."""
    spectrum = np.abs(np.fft.rfft(samples_from(pcm)))
    return float(np.argmax(spectrum) * 8000 / len(pcm) * 2)


async def test_kokoro_by_sherpa_is_understood_on_a_telephone(tmp_path: Path) -> None:
    ear = whisper.load(models.ROOT / "models" / "whisper-base")
    errors = said = 0
    async with started(open_sherpa(models.kokoro(), tmp_path, speaker=0, threads=1)) as speaker:
        assert speaker.name.startswith("sherpa 2.0.1 sherpa-kokoro 0@")
        for sentence in SENTENCES:
            clip = await speaker.render(sentence)
            assert not clip.cached
            session = ear.session(clip.sample_rate)
            session.accept(alaw_decode(alaw_encode(clip.pcm)))
            errors += wrong(sentence, session.finish().text)
            said += len(syllables(sentence))
            assert len(syllables(sentence)) / clip.seconds == pytest.approx(
                HANZI_PER_SECOND, rel=0.2
            )
            sound = samples_from(clip.pcm)
            assert active_level(sound, clip.sample_rate) == pytest.approx(TARGET_DBFS, abs=1)
            assert shortened(sound, clip.sample_rate, 0.5).size == sound.size  # no longer pause
    print(f"{errors} of {said} syllables misheard")
    assert errors / said <= 0.1


@pytest.mark.parametrize(
    "make", [models.humming_vits, models.humming_characters, models.humming_matcha]
)
async def test_vits_and_matcha_say_every_hanzi_at_the_common_pace(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    folder = make(tmp_path / "hum-zh")
    async with started(open_sherpa(folder, tmp_path / "speech", threads=1)) as speaker:
        clip = await speaker.render("请您确认这份保险合同")
        assert clip.seconds == pytest.approx(10 / HANZI_PER_SECOND, rel=0.1)
        assert hum(clip.pcm) == pytest.approx(models.TONES_HZ[0], abs=20)
        long = await speaker.render("请您确认这份保险合同，" * 30)  # in pieces
        assert long.seconds > 30 * clip.seconds


async def test_every_speaker_and_every_model_has_its_own_clauses(tmp_path: Path) -> None:
    folder, cache = models.humming_vits(tmp_path / "hum-zh"), tmp_path / "speech"
    names = []
    for speaker, hertz in enumerate(models.TONES_HZ):
        async with started(open_sherpa(folder, cache, speaker)) as voice:
            clip = await voice.render("您好")
            assert not clip.cached
            assert hum(clip.pcm) == pytest.approx(hertz, abs=20)
            names.append(voice.name)
    (folder / "lexicon.txt").write_text(models.words("a a")["lexicon.txt"])  # speaks at half pace
    with pytest.raises(ModelError, match=r"speaks 2\.\d hanzi a second; 2\.6 to 5\.8"):
        await open_sherpa(folder, cache).start()
    (folder / "lexicon.txt").write_text(models.words("a")["lexicon.txt"] + "保险 a a\n")
    async with started(open_sherpa(folder, cache)) as voice:
        assert not (await voice.render("您好")).cached
        names.append(voice.name)
    async with started(open_sherpa(folder / "hum.onnx", cache)) as voice:
        assert (await voice.render("您好")).cached
    assert len(set(names)) == 3


async def test_nothing_of_a_text_is_written_to_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """sherpa-onnx says there which words it could make nothing of."""
    folder = models.humming_vits(tmp_path / "hum-zh")
    with (folder / "lexicon.txt").open("a", encoding="utf-8") as lexicon:
        lexicon.writelines(f"{character} nonsense\n" for character in RARE)
    async with started(open_sherpa(folder, tmp_path / "speech")) as speaker:
        with pytest.raises(SpeechFailed, match=r"ValueError in sherpa\.py"):
            await speaker.render(RARE)
    captured = capfd.readouterr()
    assert RARE not in captured.out + captured.err


async def test_a_model_that_sherpa_gives_up_on_is_an_error_not_a_hang(tmp_path: Path) -> None:
    facts = {key: value for key, value in models.VITS.items() if key != "comment"}
    with pytest.raises(SpeechFailed, match="the speaking process died"):
        await open_sherpa(models.humming_vits(tmp_path / "hum", facts), tmp_path / "c").start()
    folder = models.humming_vits(tmp_path / "cut-zh")
    (folder / "hum.onnx").write_bytes(models.metadata(models.VITS))  # says it is one, and is none
    with pytest.raises(ModelError, match=r"sherpa-onnx cannot load .*hum\.onnx"):
        await open_sherpa(folder, tmp_path / "c").start()


async def test_doctor_says_who_speaks(tmp_path: Path) -> None:
    folder = models.humming_vits(tmp_path / "hum-zh")
    settings = Settings(
        data=tmp_path / "data", voice="sherpa", sherpa_model=folder, sherpa_speaker=1
    )
    assert doctor._sherpa_model(settings) == "hum-zh (vits, 2 speakers, 8000 Hz)"
    finding = await doctor._voice(settings)
    assert finding.ok
    assert finding.detail.startswith("sherpa 2.0.1 hum-zh 1@")
