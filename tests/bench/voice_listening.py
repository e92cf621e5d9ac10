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
from pathlib import Path
from typing import Any

import numpy as np
from opencc import OpenCC

from bot.conversation import NUMBER_PAUSES
from tests.bench.bench_listen import PUNCTUATION, Said, distance, utterances
from voice.frames import FRAME_BYTES, FRAME_MS, PHONE_RATE, Utterance
from voice.incoming import Incoming
from voice.listening import whisper
from voice.listening.closed_set import YES_NO
from voice.listening.complete import verdict
from voice.listening.endpoint import (
    Endpointer,
    EndpointSettings,
    Pauses,
    SpeechEnded,
    SpeechPaused,
    Verdict,
)
from voice.listening.pool import RecogniserPool
from voice.listening.vad import WebRtcVad
from voice.telephone import through_telephone

PIECES = ("一九五四年", "三月", "八号", "一", "零", "八", "三")
DATE, DIGITS = PIECES[:3], PIECES[3:]
SLOW, AT_ONCE = 32, 8
OLD_HANGOVER_MS = 1300  # what ended an answer to a question for a number before
STOCK = "faster-whisper==1.2.1"
CLIPS = 24
ONE_OF = 2  # of the short answers, for `unhurried`
REST_MS = 33  # dialogue 9, commit 4 (make bench), half a tick and the first frame 20


def slow_answer(clips: Mapping[str, bytes], seed: int) -> bytes:
    """A date or four digits with pauses of 0.5 to 1.5 s, then silence until any turn ends."""
    rng = random.Random(seed)
    line = bytes(PHONE_RATE)
    for piece in DATE if seed % 2 else DIGITS:
        line += clips[piece] + bytes(2 * 8 * rng.randrange(500, 1500))
    return line + bytes(PHONE_RATE * 2 * 4)


async def slow(clips: Mapping[str, bytes], model: whisper.Whisper) -> dict[str, Any]:
    """How many slow answers are cut, at real-time pace with real recognition; beside it the plain
    hangover on the same sound."""
    pool = RecogniserPool(model, 2)
    lines = [slow_answer(clips, seed) for seed in range(SLOW)]
    cut = 0
    for first in range(0, SLOW, AT_ONCE):
        found = await asyncio.gather(
            *(_hear(line, pool) for line in lines[first : first + AT_ONCE])
        )
        cut += sum(len(texts) > 1 for texts in found)
    await pool.close()
    plain = sum(_pieces(line) > 1 for line in lines)
    return {"answers": SLOW, "cut": cut, "cut_by_hangover": plain, "hangover_ms": OLD_HANGOVER_MS}


async def _hear(line: bytes, pool: RecogniserPool) -> list[str]:
    heard: list[Utterance] = []
    incoming = Incoming(
        pool,
        WebRtcVad(),
        Endpointer(),
        rate=PHONE_RATE,
        over=lambda _: None,
        on_utterance=heard.append,
    )
    incoming.expect(None, NUMBER_PAUSES)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for n, at in enumerate(range(0, len(line) - FRAME_BYTES + 1, FRAME_BYTES)):
        incoming.feed(line[at : at + FRAME_BYTES])
        await asyncio.sleep(max(0.0, began + n * FRAME_MS / 1000 - loop.time()))
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
    by_words, by_hangover, cpu_ms, clear = [], [], [], 0
    spoken = [said for said in answers if said.meaning in ("yes", "no")][::ONE_OF]
    for said in spoken:
        quiet = bytes(PHONE_RATE * 2)
        pause = _first_pause(through_telephone(quiet + said.pcm + quiet, PHONE_RATE))
        if pause is None:
            continue
        began = time.process_time()
        session = model.session(PHONE_RATE, YES_NO)
        session.accept(pause.pcm)
        heard = session.finish()
        spent_ms = (time.process_time() - began) * 1000
        cpu_ms.append(spent_ms)
        settings, pauses = EndpointSettings(), Pauses()
        known_ms = settings.pause_ms + spent_ms
        found = verdict(heard, YES_NO)
        silence = {
            Verdict.CLEAR: settings.clear_ms,
            Verdict.OPEN: pauses.hangover_ms,
            Verdict.INCOMPLETE: pauses.thinking_ms,
        }[found]
        clear += found is Verdict.CLEAR
        by_words.append(max(known_ms, silence) + REST_MS)
        by_hangover.append(max(known_ms, pauses.hangover_ms) + REST_MS)
    p50, p95 = np.percentile(by_words, [50, 95])
    return {
        "answers": len(by_words),
        "clear": clear,
        "recognition_cpu_ms_p50": round(float(np.median(cpu_ms))),
        "gaps_ms": sorted(round(ms) for ms in by_words),
        "gaps_ms_hangover": sorted(round(ms) for ms in by_hangover),
        "gap_ms_p50": round(float(p50)),
        "gap_ms_p95": round(float(p95)),
        "gap_ms_p50_clear": round(float(np.median(sorted(by_words)[:clear]))) if clear else None,
        "gap_ms_p50_hangover": round(float(np.median(by_hangover))),
    }


def _first_pause(line: bytes) -> SpeechPaused | None:
    vad, endpointer = WebRtcVad(), Endpointer()
    for at in range(0, len(line) - FRAME_BYTES + 1, FRAME_BYTES):
        frame = line[at : at + FRAME_BYTES]
        for event in endpointer.feed(frame, vad.speaking(frame)):
            if isinstance(event, SpeechPaused) and not event.faint:
                return event
    return None


def beside_stock(answers: Sequence[Said], model: whisper.Whisper, folder: Path) -> dict[str, Any]:
    """Our path and stock faster-whisper (its own environment, defaults, one thread), same clips."""
    spoken = answers[:: max(1, len(answers) // CLIPS)][:CLIPS]
    sounds = folder / "clips"
    sounds.mkdir(parents=True, exist_ok=True)
    ours_s, wrong, kept = 0.0, 0, []
    for n, said in enumerate(spoken):
        quiet = bytes(PHONE_RATE * 2)
        pcm = next(utterances(through_telephone(quiet + said.pcm + quiet, PHONE_RATE)), None)
        if pcm is None:
            continue
        with wave.open(str(sounds / f"{n:02}.wav"), "wb") as file:
            file.setparams((1, 2, PHONE_RATE, 0, "NONE", ""))
            file.writeframes(pcm)
        session = model.session(PHONE_RATE)
        session.accept(pcm)
        heard = session.finish()
        ours_s += heard.ms / 1000
        wrong += distance(said.text, heard.text.strip(PUNCTUATION))
        kept.append((n, said.text))
    length = sum(len(text) for _, text in kept)
    figures = {"clips": len(kept), "ours_s": round(ours_s, 2), "ours_cer": round(wrong / length, 3)}
    stock = _stock(folder, [f"{n:02}.wav" for n, _ in kept])
    if "error" in stock:
        return {**figures, **stock}
    simplify = OpenCC("t2s")
    texts = [simplify.convert(text).strip(PUNCTUATION) for text in stock["texts"]]
    wrong = sum(distance(said, text) for (_, said), text in zip(kept, texts, strict=True))
    return {
        **figures,
        "stock": STOCK,
        "stock_s": round(stock["seconds"], 2),
        "stock_cer": round(wrong / length, 3),
        "times_faster": round(stock["seconds"] / ours_s, 1),
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
