"""How well and how fast short answers are heard: `python -m tests.bench.bench_listen` writes
build/bench/listen.json.

Spoken by Kokoro voices other than the bot's, through telephone band and A-law, clean and in white
noise, cut by our endpointer, recognised by Whisper with one thread. Synthetic callers: the figures
compare ways of listening, they do not promise anything about real people.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nlu.components.distance import distance
from voice.frames import FRAME_BYTES, PHONE_RATE, Transcript
from voice.listening import whisper, whisper_files
from voice.listening.closed_set import YES_NO
from voice.listening.endpoint import Endpointer, SpeechEnded
from voice.listening.vad import WebRtcVad
from voice.speaking import open_speaker
from voice.telephone import through_telephone

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "bench" / "listen.json"
CALLERS = ("zm_yunxi", "zf_xiaoxiao", "zf_xiaoyi")
NOISE_DB = (None, 20.0, 10.0, 5.0)
RATIOS = (1.0, 2.0, 3.0, 5.0)
YES = (
    "是 是的 对 对的 好 好的 可以 没错 没问题 清楚 我清楚 清楚了 知道 明白 了解 确认 同意 收到了 "
    "是我 方便"
)
NO = (
    "不 不是 不对 不可以 没有 不清楚 不太清楚 不知道 不明白 不了解 不确认 不同意 没收到 不是我 "
    "不方便"
)
OTHER = "转人工 找人工客服 再说一遍 慢一点 等一下 什么意思 我要投诉 我要退保 打错了 应该是吧 差不多"
SENTENCES = "一九五四年三月八号 十五天嘛我知道 业务员跟我说有保底收益 下午三点以后再打"
PUNCTUATION = "，。！？,.!? "


@dataclass(frozen=True, slots=True)
class Said:
    """One spoken answer of a simulated caller."""

    meaning: str  # yes, no, other, or sentence
    text: str
    pcm: bytes  # 8 kHz s16le, before the telephone


async def speak(folder: Path) -> list[Said]:
    """Every answer in every caller's voice."""
    said = []
    groups = {"yes": YES, "no": NO, "other": OTHER, "sentence": SENTENCES}
    for voice in CALLERS:
        speaker = open_speaker(ROOT / "models", folder, "kokoro", voice=voice)
        await speaker.start()
        try:
            for meaning, texts in groups.items():
                for text in texts.split():
                    clip = await speaker.render(text, sample_rate=PHONE_RATE)
                    said.append(Said(meaning, text, clip.pcm))
        finally:
            await speaker.close()
    return said


def utterances(line: bytes) -> Iterator[bytes]:
    """What the endpointer cuts out of a line's sound."""
    vad, endpointer = WebRtcVad(), Endpointer()
    for start in range(0, len(line) - FRAME_BYTES + 1, FRAME_BYTES):
        frame = line[start : start + FRAME_BYTES]
        for event in endpointer.feed(frame, vad.speaking(frame)):
            if isinstance(event, SpeechEnded):
                yield event.pcm


def _ratios(heard: Transcript) -> list[float]:
    return [score for name, score in heard.scores.items() if name != "snr_db"]


def listen(model: whisper.Whisper, answers: Sequence[Said], snr_db: float | None) -> dict[str, Any]:
    """All answers at one level of noise."""
    heard: list[tuple[Said, Transcript]] = []
    plain_ms: list[float] = []
    lost = doubled = 0
    for number, said in enumerate(answers):
        quiet = bytes(PHONE_RATE * 2)
        line = through_telephone(
            quiet * 2 + said.pcm + quiet, PHONE_RATE, snr_db=snr_db, seed=number
        )
        cut = list(utterances(line))
        lost += not cut
        doubled += len(cut) > 1
        if not cut:
            continue
        if number % 4 == 0:
            free = model.session(PHONE_RATE)
            free.accept(cut[0])
            plain_ms.append(free.finish().ms)
        scored = model.session(PHONE_RATE, YES_NO)
        scored.accept(cut[0])
        heard.append((said, scored.finish()))
    wrong = sum(distance(s.text, t.text.strip(PUNCTUATION)) for s, t in heard)
    yes = sum(said.meaning == "yes" for said in answers)

    def passed(ratio: float, meanings: set[str]) -> list[str]:
        return [
            f"{said.text} → {t.text}"
            for said, t in heard
            if said.meaning in meanings and min(_ratios(t), default=0.0) > ratio
        ]

    return {
        "snr_db": snr_db,
        "answers": len(answers),
        "lost": lost,
        "doubled": doubled,
        "ms_p50": round(float(np.percentile(plain_ms, 50))),
        "ms_p95": round(float(np.percentile(plain_ms, 95))),
        "ms_scored_p50": round(float(np.percentile([t.ms for _, t in heard], 50))),
        "ms_scored_p95": round(float(np.percentile([t.ms for _, t in heard], 95))),
        "cer": round(wrong / sum(len(said.text) for said, _ in heard), 3),
        "yes_by_text": round(
            sum(s.meaning == "yes" and t.text.strip(PUNCTUATION) in YES_NO.yes for s, t in heard)
            / yes,
            3,
        ),
        "wrong_yes_by_text": [
            s.text
            for s, t in heard
            if s.meaning != "yes" and t.text.strip(PUNCTUATION) in YES_NO.yes
        ],
        "by_ratio": [
            {
                "above": ratio,
                "yes": round(len(passed(ratio, {"yes"})) / yes, 3),
                "wrong_yes": passed(ratio, {"no", "other"}),
                "sentences": passed(ratio, {"sentence"}),
            }
            for ratio in RATIOS
        ],
    }


async def main() -> None:
    load = os.getloadavg()[0]
    model = whisper.load(whisper_files.assemble(ROOT / "models" / "whisper-base"), threads=1)
    answers = await speak(OUTPUT.parent / "speech")  # kept: speaking costs more than listening
    began = time.perf_counter()
    levels = [listen(model, answers, snr_db) for snr_db in NOISE_DB]
    report = {
        "model": model.name,
        "callers": CALLERS,
        "cores": os.cpu_count(),
        "load_before": round(load, 2),
        "seconds": round(time.perf_counter() - began),
        "levels": levels,
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=2, ensure_ascii=False)
    OUTPUT.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    asyncio.run(main())
