"""When a larger model looks again, and what both say together; the real two on real sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import pytest

from tests.unit.test_phones import heard as sound_of
from tests.unit.test_speaker import started
from voice.errors import ModelError
from voice.frames import PHONE_RATE, Transcript
from voice.listening import mel, phones, second_look, whisper, whisper_small
from voice.listening.closed_set import YES_NO, ClosedSet
from voice.listening.whisper import Whisper
from voice.listening.whisper_model import Look
from voice.speaking import open_speaker
from voice.telephone import through_telephone

MODELS = Path(__file__).resolve().parents[2] / "models"
YES = {"yes_no": 30.0, "yes_other": 30.0, "lost_no": 0.001}
NO = {"yes_no": 0.03, "yes_other": 0.03}
OTHER = {"yes_no": 0.03, "yes_other": 0.03}


def look(text: str, scores: Mapping[str, float] = YES, confidence: float = 0.9) -> Look:
    tokens = len(text)
    log_prob = log(confidence) * (tokens + 1)
    return Look(text, tokens, log_prob, 0.0, np.zeros((1, 512), np.float32), dict(scores), text)


@pytest.mark.parametrize(
    ("seen", "answers", "settled"),
    [
        (look("清楚"), YES_NO, True),
        (look("是的，清楚了。"), YES_NO, True),
        (look("不清楚", NO), YES_NO, True),
        (look("转人工", OTHER), YES_NO, True),
        (look("再说一遍", OTHER), YES_NO, True),
        (look("切任"), YES_NO, False),  # 确认
        (look("清楚", YES | {"yes_no": 1.5}), YES_NO, False),
        (look("收到了", YES | {"lost_no": 0.3}), YES_NO, False),
        (look("不清楚", YES), YES_NO, False),
        (look("等一下", YES), YES_NO, False),
        (look("清楚", confidence=0.1), YES_NO, False),
        (look(""), YES_NO, False),
        (look("十五年", {}), None, True),
        (look("十五年", {}, 0.4), None, False),
    ],
)
def test_only_what_is_unsure_is_looked_at_again(
    seen: Look, answers: ClosedSet | None, settled: bool
) -> None:
    assert second_look.settled(seen, answers) is settled


def test_what_was_surely_spelt_is_not_looked_at_again() -> None:
    missed = look("心愁呢", YES | {"spelt_undenied": 9.0})
    missed = replace(missed, nearest="清楚了")
    assert second_look.settled(missed, YES_NO, "清楚了")
    assert not second_look.settled(missed, YES_NO, "清楚"), "the sound is nearer to another"
    assert not second_look.settled(replace(missed, nearest=""), YES_NO, "")
    unsure = ({"yes_no": 5.0}, {"yes_other": 5.0}, {"spelt_undenied": 2.0}, {"lost_no": 0.2})
    for scores in unsure:
        one = replace(missed, scores={**missed.scores, **scores})
        assert not second_look.settled(one, YES_NO, "清楚了"), scores
    one = replace(missed, nearest="行")
    assert not second_look.settled(one, YES_NO, "行"), "one syllable"
    no = replace(look("卜清出", NO), nearest="不清楚")
    assert second_look.settled(no, YES_NO, "不清楚")


@pytest.mark.parametrize(
    ("first", "second", "ratio"),
    [
        (8.0, 30.0, (8 * 30) ** 0.5),
        (0.03, 0.2, (0.03 * 0.2) ** 0.5),
        (1.8, 30.0, 1.8),  # the one does not know: the other alone is no yes …
        (30.0, 0.9, 0.9),
        (0.6, 0.03, 0.6),  # … and no no
        (0.05, 30.0, (0.05 * 30) ** 0.5),  # they disagree
    ],
)
def test_both_must_be_for_an_answer(first: float, second: float, ratio: float) -> None:
    both = second_look.together(
        look("切任", {"yes_no": first, "lost_no": 0.04}),
        look("确认", {"yes_no": second, "lost_no": 0.01, "said_no": 0.2}),
    )
    assert (both.text, both.nearest) == ("确认", "确认")
    assert both.scores["yes_no"] == pytest.approx(ratio)
    assert both.scores["lost_no"] == pytest.approx(0.02)
    assert both.scores["said_no"] == 0.2


@pytest.mark.parametrize("second", [look("", YES), look("确认", YES, 0.05)])
def test_where_the_larger_model_finds_no_words_those_of_the_first_stand(second: Look) -> None:
    both = second_look.together(look("切任", YES | {"yes_no": 1.2}, 0.5), second)
    assert both.text == "切任"
    assert both.scores["yes_no"] == 1.2


class Asked:
    """A model that says what it is told to and counts."""

    def __init__(self, says: Look) -> None:
        self.says = says
        self.windows: list[float] = []

    def look(self, _sound: object, window_s: float, *_: object) -> Look:
        self.windows.append(window_s)
        return self.says


@pytest.mark.parametrize(
    ("first", "answers", "seconds", "text", "windows"),
    [
        (look("清楚"), YES_NO, 1.0, "清楚", []),
        (look("切任"), YES_NO, 1.0, "确认", [6.0]),
        (look("十五", {}, 0.4), None, 1.0, "确认", [10.0]),
        (look("十五", {}, 0.4), None, 12.0, "十五", []),  # measured with the short window
    ],
)
def test_the_larger_model_is_asked_where_it_may_help(
    first: Look, answers: ClosedSet | None, seconds: float, text: str, windows: list[float]
) -> None:
    base, small = Asked(first), Asked(look("确认"))
    both = Whisper(base, small=small)  # type: ignore[arg-type]
    told = both.transcribe(np.zeros(int(seconds * mel.RATE), np.float32), answers)
    assert told.text == text
    assert small.windows == windows
    assert ("whisper-small-int8" in told.engine) is bool(windows), "the record names who heard it"
    hurried = both.transcribe(np.zeros(mel.RATE, np.float32), answers, hurried=lambda: True)
    assert hurried.text == first.text, "others wait"
    alone = Whisper(base).transcribe(np.zeros(mel.RATE, np.float32), answers)  # type: ignore[arg-type]
    assert alone.text == first.text


class Reads:
    """A reader that heard these words, surely."""

    sha256 = "0" * 64

    def __init__(self, words: str) -> None:
        self.words = words

    def read(self, *_: object) -> phones.Reading:
        return sound_of(phones.spelling(self.words))


@pytest.mark.parametrize(
    ("base_heard", "small_heard", "spelt"),
    [
        ("确认", "确认", "确认"),
        ("不确认", "确认", ""),  # one of them heard a denial
        ("确认", "不确认", ""),
        ("转人工", "确认", "转人工"),  # one who heard it brings a human
        ("确认", "转人工", "转人工"),
    ],
)
def test_at_the_second_look_two_readers_spell(
    base_heard: str, small_heard: str, spelt: str
) -> None:
    both = Whisper(
        Asked(look("切任")),  # type: ignore[arg-type]
        small=Asked(look("切任")),  # type: ignore[arg-type]
        reader=Reads(base_heard),  # type: ignore[arg-type]
        small_reader=Reads(small_heard),  # type: ignore[arg-type]
    )
    told = both.transcribe(np.zeros(mel.RATE, np.float32), YES_NO)
    assert told.spelt == spelt
    assert told.engine.count(" phones ") == 2


@pytest.mark.models
def test_a_model_that_was_changed_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "whisper-small"
    folder.mkdir()
    with pytest.raises(ModelError, match="missing; run `huifang models fetch`"):
        whisper.load(MODELS / "whisper-base", small=folder)
    for name in whisper_small.SHA256:
        (folder / name).write_bytes(b"something else")
    with pytest.raises(ModelError, match="not the file it should be"):
        whisper.load(MODELS / "whisper-base", small=folder)


@pytest.fixture(scope="module")
async def heard(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Transcript]:
    model = whisper.load(MODELS / "whisper-base", small=MODELS / "whisper-small", threads=1)
    found = {}
    quiet = bytes(PHONE_RATE // 5 * 2)
    folder = tmp_path_factory.mktemp("speech")
    async with started(open_speaker(MODELS, folder, "kokoro", voice="zf_xiaoxiao")) as speaker:
        for text in ("我知道", "都明白", "不懂", "不对"):
            clip = await speaker.render(text, rate=1.25, sample_rate=PHONE_RATE)
            session = model.session(PHONE_RATE, YES_NO)
            session.accept(through_telephone(quiet + clip.pcm + quiet, PHONE_RATE))
            found[text] = session.finish()
    return found


@pytest.mark.models
def test_what_the_first_miswrites_the_larger_model_writes(heard: dict[str, Transcript]) -> None:
    """Alone Whisper base writes 多年快, 普通 and 扑坠 for the last three."""
    assert [one.text.rstrip("。") for one in heard.values()] == list(heard)
    assert heard["都明白"].scores["yes_no"] > 3
    assert "small" not in heard["我知道"].engine
    assert "small" in heard["都明白"].engine
