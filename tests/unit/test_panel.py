"""When a recogniser of another make is asked, and what comes of it; the real ones on real sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.parts import open_whisper
from tests.unit.test_speaker import started
from voice.errors import RecognitionFailed
from voice.frames import PHONE_RATE, Transcript
from voice.listening import vosk_files
from voice.listening.closed_set import YES_NO, ClosedSet
from voice.listening.panel import MAX_SECONDS, Panel, in_question
from voice.speaking import open_speaker
from voice.telephone import through_telephone

MODELS = Path(__file__).resolve().parents[2] / "models"
FOR_A_YES = {"yes_no": 12.0, "yes_other": 9.0, "no_other": 0.1}
QUESTIONABLE = Transcript("卸定", 0.3, 0.0, "first", 200.0, scores=FOR_A_YES, sounds="que ding")
THEIRS = Transcript("确定", 0.9, 0.0, "other", 150.0, scores={"yes_no": 7.4, "yes_other": 7.3})


@dataclass
class Scripted:
    """Answers what it is told to, and remembers what it was given."""

    answer: Transcript | Exception
    name: str = "scripted"
    streaming: bool = False
    given: list[bytes] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def session(self, rate: int, answers: ClosedSet | None = None) -> Scripted:
        assert rate == PHONE_RATE
        self.given.append(b"")
        return self

    def accept(self, pcm: bytes) -> None:
        self.given[-1] += pcm

    def finish(self) -> Transcript:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def abandon(self) -> None:
        self.told.append("abandon")

    def hurry(self) -> None:
        self.told.append("hurry")


def panel(
    first: Transcript | Exception = QUESTIONABLE, other: Transcript | Exception = THEIRS
) -> tuple[Panel, Scripted, Scripted]:
    one, two = Scripted(first, "first"), Scripted(other, "other")
    return Panel(one, two), one, two


@pytest.mark.parametrize(
    ("text", "spelt", "scores", "asked"),
    [
        ("卸定", "", FOR_A_YES, True),
        ("这个", "确认", FOR_A_YES, True),
        ("", "对", FOR_A_YES, True),
        ("确定。", "确定", FOR_A_YES, False),  # all is for it
        ("确定", "", FOR_A_YES, True),
        ("没听清", "", FOR_A_YES | {"yes_other": 0.9}, False),
        ("不确定", "", FOR_A_YES | {"yes_no": 2.9}, False),
        ("十五天", "", {}, False),
    ],
)
def test_what_may_be_a_yes_and_is_not_written_as_it_is_spelt_is_in_question(
    text: str, spelt: str, scores: Mapping[str, float], asked: bool
) -> None:
    heard = Transcript(text, 0.5, 0.0, "first", 0.0, scores=scores, spelt=spelt)
    assert in_question(heard) is asked


def test_what_the_other_wrote_goes_with_the_words_of_the_first() -> None:
    both, one, two = panel()
    session = both.session(PHONE_RATE, YES_NO)
    session.accept(b"ab")
    session.accept(b"cd")
    heard = session.finish()
    assert one.given == two.given == [b"abcd"]
    assert (heard.text, heard.sounds, heard.vosk) == ("卸定", "que ding", "确定")
    assert heard.scores == FOR_A_YES | {"vosk_yes_no": 7.4, "vosk_yes_other": 7.3}
    assert heard.engine == "first other"
    assert heard.ms == 350.0


def test_words_of_the_other_that_are_no_known_answer_are_not_handed_on() -> None:
    both, _, _ = panel(other=Transcript("听说", 0.9, 0.0, "other", 1.0))
    heard = both.session(PHONE_RATE, YES_NO).finish()
    assert (heard.vosk, heard.scores) == ("", FOR_A_YES)


def test_without_known_answers_or_without_a_question_the_other_is_not_asked() -> None:
    both, _, two = panel()
    assert both.session(PHONE_RATE, None).finish() == QUESTIONABLE
    sure, _, idle = panel(
        Transcript("确定", 0.9, 0.0, "first", 1.0, scores=FOR_A_YES, spelt="确定")
    )
    sure.session(PHONE_RATE, YES_NO).finish()
    assert two.given == idle.given == []


@pytest.mark.parametrize("command", ["hurry", "abandon"])
def test_where_others_wait_or_nobody_wants_to_know_the_other_is_not_asked(command: str) -> None:
    both, one, two = panel()
    session = both.session(PHONE_RATE, YES_NO)
    getattr(session, command)()
    assert session.finish() == QUESTIONABLE
    assert (one.told, two.given) == ([command], [])


def test_where_the_other_fails_the_first_counts_and_where_the_first_does_nothing_does() -> None:
    both, _, _ = panel(other=RecognitionFailed("no"))
    assert both.session(PHONE_RATE, YES_NO).finish() == QUESTIONABLE
    neither, _, two = panel(first=RecognitionFailed("no"))
    with pytest.raises(RecognitionFailed):
        neither.session(PHONE_RATE, YES_NO).finish()
    assert two.given == []


def test_no_more_sound_is_kept_than_can_be_in_question() -> None:
    both, one, two = panel()
    session = both.session(PHONE_RATE, YES_NO)
    for _ in range(20):
        session.accept(bytes(PHONE_RATE * 2))
    session.finish()
    assert len(one.given[0]) == 20 * PHONE_RATE * 2
    assert len(two.given[0]) == MAX_SECONDS * PHONE_RATE * 2


@pytest.mark.models
async def test_the_two_hear_a_telephone_answer_that_one_miswrites(tmp_path: Path) -> None:
    """Whisper writes 明白了 as 您快乐 in this voice."""
    both = open_whisper(MODELS, threads=1)
    quiet = bytes(PHONE_RATE // 5 * 2)
    async with started(open_speaker(MODELS, tmp_path, "kokoro", voice="zf_xiaoxiao")) as speaker:
        clip = await speaker.render("明白了", rate=1.25, sample_rate=PHONE_RATE)
    session = both.session(PHONE_RATE, YES_NO)
    session.accept(through_telephone(quiet + clip.pcm + quiet, PHONE_RATE))
    heard = session.finish()
    assert heard.text.rstrip("。") != "明白了"
    assert (heard.spelt, heard.vosk) == ("明白了", "明白了")
    assert min(heard.scores["vosk_yes_no"], heard.scores["vosk_yes_other"]) > 7
    assert "whisper-base" in heard.engine
    assert vosk_files.NAME in heard.engine
