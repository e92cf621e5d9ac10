"""Slow answers and the Whisper path of bench_voice, without the rest of the bot."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from opencc import OpenCC

from bot.conversation import pauses
from nlu.components.distance import distance
from tests.bench.bench_listen import PUNCTUATION, Said, utterances
from voice.frames import FRAME_BYTES, PHONE_RATE, SILENCE, Transcript, Utterance
from voice.incoming import Incoming
from voice.listening import whisper
from voice.listening.closed_set import YES_NO, ClosedSet
from voice.listening.complete import verdict
from voice.listening.endpoint import (
    Endpointer,
    EndpointSettings,
    Pauses,
    SpeechEnded,
    SpeechPaused,
    Verdict,
)
from voice.listening.stream import OpenSession
from voice.listening.vad import WebRtcVad
from voice.listening.whole import Wanted
from voice.telephone import through_telephone

COUNTED_YEARS, COUNTED_DAYS = Wanted("count", ("年",)), Wanted("count", ("天", "日"))
IN_PIECES: tuple[tuple[Wanted, tuple[str, ...]], ...] = (
    (pauses.IDENTITY, ("一", "零", "八", "三")),
    (pauses.IDENTITY, ("一九五四年", "三月", "八号")),
    (COUNTED_YEARS, ("十", "五年")),
    (COUNTED_DAYS, ("一百", "八十天")),
    (Wanted("amount"), ("一万", "两千", "元")),
    (Wanted("month_day"), ("十一月", "十号")),
)
PIECES = tuple(dict.fromkeys(piece for _, pieces in IN_PIECES for piece in pieces))
SLOW, SLOW_NUMBERS = 32, 32  # dates and digits of an identity; numbers of a contract
NUMBERS: Mapping[str, Wanted] = {
    "十五年": COUNTED_YEARS,
    "一共交十年": COUNTED_YEARS,
    "十五天": COUNTED_DAYS,
    "是三十天": COUNTED_DAYS,
    "一万两千元": Wanted("amount"),
    "十万块钱": Wanted("amount"),
    "十一月十号": Wanted("month_day"),
    "一九五四年三月八号": pauses.IDENTITY,
    "七七八八": pauses.IDENTITY,
}
"""Whole numbers in one breath, for `unhurried_numbers`."""
OLD_HANGOVER_MS = 1300  # what ended an answer to a question for a number before
STOCK = "faster-whisper==1.2.1"
CLIPS = 48
ONE_OF = 2  # of the short answers, for `unhurried`
REST_MS = 33  # dialogue 9, commit 4 (make bench), half a tick and the first frame 20


def slow_answer(clips: Mapping[str, bytes], pieces: Sequence[str], seed: int) -> bytes:
    """A number with pauses of 0.5 to 1.5 s, then silence until any turn ends."""
    rng = random.Random(seed)
    line = bytes(PHONE_RATE)
    for piece in pieces:
        line += clips[piece] + bytes(2 * 8 * rng.randrange(500, 1500))
    return line + bytes(PHONE_RATE * 2 * 4)


async def slow(clips: Mapping[str, bytes], model: whisper.Whisper) -> dict[str, Any]:
    """How many slow answers are cut; beside it the plain hangover on the same sound. Recognition is
    real, and takes no time of the line: a quick machine knows the words of every pause, right or
    wrong, and can cut where a slow one is overtaken by the caller."""
    ears = AtOnce(model)
    asked = [IN_PIECES[seed % 2] for seed in range(SLOW)]
    asked += [IN_PIECES[2 + seed % 4] for seed in range(SLOW_NUMBERS)]
    lines = [slow_answer(clips, pieces, seed) for seed, (_, pieces) in enumerate(asked)]
    pairs = zip(lines, asked, strict=True)
    cut = [len(await _hear(line, wanted, ears)) > 1 for line, (wanted, _) in pairs]
    plain = [_pieces(line) > 1 for line in lines]
    return {
        "answers": SLOW,
        "cut": sum(cut[:SLOW]),
        "cut_by_hangover": sum(plain[:SLOW]),
        "numbers": SLOW_NUMBERS,
        "numbers_cut": sum(cut[SLOW:]),
        "numbers_cut_by_hangover": sum(plain[SLOW:]),
        "hangover_ms": OLD_HANGOVER_MS,
    }


@dataclass
class AtOnce:
    """Recognises before the next frame of the line. The same sound is recognised once."""

    model: whisper.Whisper
    streaming: bool = False
    known: dict[bytes, Transcript] = field(default_factory=dict)

    async def transcribe(
        self, pcm: bytes, rate: int, answers: ClosedSet | None = None
    ) -> Transcript:
        if pcm not in self.known:
            session = self.model.session(rate, answers)
            session.accept(pcm)
            self.known[pcm] = session.finish()
        return self.known[pcm]

    async def open(self, rate: int, answers: ClosedSet | None = None) -> OpenSession:
        raise NotImplementedError


async def _hear(line: bytes, wanted: Wanted, ears: AtOnce) -> list[str]:
    heard: list[Utterance] = []
    incoming = Incoming(
        ears,
        WebRtcVad(),
        Endpointer(),
        rate=PHONE_RATE,
        over=lambda _: None,
        on_utterance=heard.append,
    )
    incoming.expect(None, replace(pauses.NUMBER, wanted=wanted))
    for at in range(0, len(line) - FRAME_BYTES + 1, FRAME_BYTES):
        incoming.feed(line[at : at + FRAME_BYTES], SILENCE)
        for _ in range(4):  # the recogniser, and what weighs its words
            await asyncio.sleep(0)
    await incoming.finish(5.0)
    return [u.text for u in heard]


def _pieces(line: bytes) -> int:
    vad, endpointer = WebRtcVad(), Endpointer(pauses=Pauses(OLD_HANGOVER_MS))
    count = 0
    for at in range(0, len(line) - FRAME_BYTES + 1, FRAME_BYTES):
        frame = line[at : at + FRAME_BYTES]
        events = endpointer.feed(frame, vad.speaking(frame))
        count += sum(isinstance(e, SpeechEnded) for e in events)
    return count


def unhurried(answers: Sequence[Said], model: whisper.Whisper) -> dict[str, Any]:
    """When the turn of each clear short answer would end on an idle core: silence is counted in
    frames and recognition in its own CPU time, so other work on the machine does not matter. With
    what a turn costs after that (dialogue, commit, first frame: REST_MS) it is the response gap."""
    spoken = [said for said in answers if said.meaning in ("yes", "no")][::ONE_OF]
    return _gaps([(said.pcm, Pauses()) for said in spoken], YES_NO, model)


def unhurried_numbers(
    spoken: Sequence[Mapping[str, bytes]], model: whisper.Whisper
) -> dict[str, Any]:
    """The same of whole numbers in one breath, by the voices of `spoken`."""
    asked = [
        (voice[text], replace(pauses.NUMBER, wanted=wanted))
        for voice in spoken
        for text, wanted in NUMBERS.items()
    ]
    return _gaps(asked, None, model)


def _gaps(
    asked: Sequence[tuple[bytes, Pauses]], answers: ClosedSet | None, model: whisper.Whisper
) -> dict[str, Any]:
    """`asked`: what was said, and the silences of the question it answers."""
    by_words, by_hangover, by_clear, cpu_ms = [], [], [], []
    for pcm, silences in asked:
        quiet = bytes(PHONE_RATE * 2)
        pause = _first_pause(through_telephone(quiet + pcm + quiet, PHONE_RATE), silences)
        if pause is None:
            continue
        began = time.process_time()
        session = model.session(PHONE_RATE, answers)
        session.accept(pause.pcm)
        heard = session.finish()
        spent_ms = (time.process_time() - began) * 1000
        cpu_ms.append(spent_ms)
        settings = EndpointSettings()
        known_ms = settings.pause_ms + spent_ms
        found = verdict(heard, answers, silences.wanted)
        silence = {
            Verdict.CLEAR: settings.clear_ms,
            Verdict.OPEN: silences.hangover_ms,
            Verdict.INCOMPLETE: silences.thinking_ms,
        }[found]
        by_words.append(max(known_ms, silence) + REST_MS)
        if found is Verdict.CLEAR:
            by_clear.append(by_words[-1])
        by_hangover.append(max(known_ms, silences.hangover_ms) + REST_MS)
    p50, p95 = np.percentile(by_words, [50, 95])
    return {
        "answers": len(by_words),
        "clear": len(by_clear),
        "recognition_cpu_ms_p50": round(float(np.median(cpu_ms))),
        "gaps_ms": sorted(round(ms) for ms in by_words),
        "gaps_ms_hangover": sorted(round(ms) for ms in by_hangover),
        "gap_ms_p50": round(float(p50)),
        "gap_ms_p95": round(float(p95)),
        "gap_ms_p50_clear": round(float(np.median(by_clear))) if by_clear else None,
        "gap_ms_p50_hangover": round(float(np.median(by_hangover))),
    }


def _first_pause(line: bytes, silences: Pauses) -> SpeechPaused | None:
    vad, endpointer = WebRtcVad(), Endpointer(pauses=silences)
    for at in range(0, len(line) - FRAME_BYTES + 1, FRAME_BYTES):
        frame = line[at : at + FRAME_BYTES]
        for event in endpointer.feed(frame, vad.speaking(frame)):
            if isinstance(event, SpeechPaused) and not event.faint:
                return event
    return None


def beside_stock(
    answers: Sequence[Said], base: whisper.Whisper, both: whisper.Whisper, folder: Path
) -> dict[str, Any]:
    """Our path and stock faster-whisper (its own environment, defaults, one thread), same clips.
    Ours as at a term, scores of the closed set included, and as free text; with the same model
    alone, and with Whisper small where that is unsure."""
    spoken = answers[:: max(1, len(answers) // CLIPS)][:CLIPS]
    sounds = folder / "clips"
    sounds.mkdir(parents=True, exist_ok=True)
    paths: dict[str, tuple[whisper.Whisper, ClosedSet | None]] = {
        "asked": (base, YES_NO),
        "free": (base, None),
        "asked_again": (both, YES_NO),
        "free_again": (both, None),
    }
    seconds, wrong = dict.fromkeys(paths, 0.0), dict.fromkeys(paths, 0)
    kept: dict[str, str] = {}
    for n, said in enumerate(spoken):
        quiet = bytes(PHONE_RATE * 2)
        pcm = next(utterances(through_telephone(quiet + said.pcm + quiet, PHONE_RATE)), None)
        if pcm is None:
            continue
        with wave.open(str(sounds / f"{n:02}.wav"), "wb") as file:
            file.setparams((1, 2, PHONE_RATE, 0, "NONE", ""))
            file.writeframes(pcm)
        for path, (model, known) in paths.items():
            session = model.session(PHONE_RATE, known)
            session.accept(pcm)
            heard = session.finish()
            seconds[path] += heard.ms / 1000
            wrong[path] += distance(said.text, heard.text.strip(PUNCTUATION))
        kept[f"{n:02}.wav"] = said.text
    length = sum(map(len, kept.values()))
    figures: dict[str, Any] = {"clips": len(kept)}
    for path in paths:
        figures |= {f"{path}_s": round(seconds[path], 2)}
        figures |= {f"{path}_cer": round(wrong[path] / length, 3)}
    stock = _stock(folder, list(kept))
    if "error" in stock:
        return {**figures, **stock}
    simplify = OpenCC("t2s")
    texts = [simplify.convert(text).strip(PUNCTUATION) for text in stock["texts"]]
    errors = sum(distance(said, text) for said, text in zip(kept.values(), texts, strict=True))
    return {
        **figures,
        "stock": STOCK,
        "stock_s": round(stock["seconds"], 2),
        "stock_cer": round(errors / length, 3),
        **{f"{path}_times": round(stock["seconds"] / seconds[path], 1) for path in paths},
    }


def _stock(folder: Path, names: Sequence[str]) -> dict[str, Any]:
    """Installed once into an environment of its own; what cannot be installed is said."""
    venv = folder / "stock"
    python = venv / "bin" / "python"
    root = Path(__file__).resolve().parents[2]
    try:
        if not (venv / "ready").exists():
            uv = root / "build/tools/bin/uv"
            tool = str(uv) if uv.exists() else "uv"
            _run(tool, "venv", "-q", "--clear", "--python", sys.executable, str(venv))
            _run(tool, "pip", "install", "-q", "--python", str(python), STOCK)
            (venv / "ready").touch()
        code = Path(__file__).with_name("stock_whisper.py")
        model = root / "models" / "whisper-base"
        out = _run(str(python), str(code), str(model), *(str(folder / "clips" / n) for n in names))
    except (OSError, subprocess.SubprocessError) as error:
        return {"error": f"stock faster-whisper could not be run: {type(error).__name__}"}
    return dict(json.loads(out.splitlines()[-1]))


def _run(*command: str) -> str:
    """One thread, as ours."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=300, env=environment
    )
    return done.stdout
