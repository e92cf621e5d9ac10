"""The second reader on real sound: a synthetic caller on a telephone, Whisper's encoder, and what
was spelt. The voice said nothing in training (scripts/reader)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_speaker import started
from voice.frames import PHONE_RATE, Transcript
from voice.listening import phones, whisper, whisper_files
from voice.listening.closed_set import YES_NO
from voice.speaking import open_speaker
from voice.telephone import through_telephone

pytestmark = pytest.mark.models

MODELS = Path(__file__).resolve().parents[2] / "models"
SAID = ("我知道", "收到了", "不清楚", "转人工", "我不同意")
QUIET = bytes(PHONE_RATE // 5 * 2)


@pytest.fixture(scope="module")
async def heard(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Transcript]:
    model = whisper.load(whisper_files.assemble(MODELS / "whisper-base"), threads=1)
    found = {}
    folder = tmp_path_factory.mktemp("speech")
    async with started(open_speaker(MODELS, folder, "kokoro", voice="zm_yunxi")) as speaker:
        for text in SAID:
            clip = await speaker.render(text, rate=1.25, sample_rate=PHONE_RATE)
            line = through_telephone(QUIET + clip.pcm + QUIET, PHONE_RATE)
            for answers in (YES_NO, None):
                session = model.session(PHONE_RATE, answers)
                session.accept(line)
                found[text if answers else "free " + text] = session.finish()
    return found


def test_short_answers_are_spelt_as_they_were_said(heard: dict[str, Transcript]) -> None:
    assert {text: heard[text].spelt for text in SAID} == {text: text for text in SAID}
    assert {one.engine.split(" ", 1)[1] for one in heard.values()} == {
        f"{whisper_files.SHA256['model.bin'][:12]} phones {phones.BASE.sha256[:12]}"
    }, "the record names both"


def test_a_wish_for_a_human_can_be_read_off_the_syllables(heard: dict[str, Transcript]) -> None:
    assert "ren gong" in heard["转人工"].sounds


def test_free_text_is_spelt_but_no_answer_is_looked_for(heard: dict[str, Transcript]) -> None:
    for text in SAID:
        free = heard["free " + text]
        assert (free.sounds, free.spelt) == (heard[text].sounds, "")
