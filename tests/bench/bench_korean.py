"""Is espeak-ng's Korean understood on a telephone? `python -m tests.bench.bench_korean` measures it
as bench_intelligible does the Mandarin voice, and writes its section of docs/intelligibility.md.

Sentences of the opening, of the terms and of the hand-over, from the translation, where they hold
no name and no number; spoken by espeak-ng's voice `ko` at three rates; heard by Whisper base with
language ko as 8 kHz A-law and at the voice's own rate. The error is in Hangul syllables and in jamo
(the letters inside a syllable, so that a near miss costs less).
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import unicodedata
import wave
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.conversation.acting import sentences
from bot.questionnaires import translation
from bot.settings import ROOT
from nlu.components.distance import distance
from tests.bench import intelligible_report
from voice.dsp import pcm_from, resample, samples_from
from voice.frames import PHONE_RATE
from voice.listening import whisper, whisper_files
from voice.telephone import alaw_decode, alaw_encode

OUT = ROOT / "build" / "bench"
VERSION = "ko-2026.1"
RATES = (175, 140, 110)  # espeak's words a minute
EVERY = 3  # one sentence of so many


def corpus() -> list[str]:
    """Every so manieth sentence of the translation that has nothing but Hangul and marks in it."""
    document = translation.load(VERSION).questions.document
    whole = [
        part
        for spec in document.specs().values()
        for template in spec.wordings()
        if not list(template.fields())
        for part in _parts("".join(str(text) for text in template.parts))
    ]
    fitting = [part for part in whole if not re.search("[0-9a-z\u4e00-\u9fff‘’“”]", part)]
    return list(dict.fromkeys(fitting))[::EVERY]


def _parts(text: str) -> Iterator[str]:
    for part in sentences(text.replace(". ", "。").replace("? ", "？")):
        yield part.replace("。", ".").replace("？", "?")


def syllables(text: str) -> list[str]:
    return re.findall("[가-힣]", text)


def jamo(text: str) -> list[str]:
    return list(unicodedata.normalize("NFD", "".join(syllables(text))))


def speak(text: str, rate: int) -> tuple[bytes, int]:
    """PCM and its sample rate in Hz."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = ["espeak-ng", "-v", "ko", "-s", str(rate), "-w", str(path), text]
        subprocess.run(command, check=True)
        with wave.open(str(path), "rb") as reader:
            return reader.readframes(reader.getnframes()), reader.getframerate()


def hear(model: whisper.Whisper, pcm: bytes, rate: int) -> str:
    session = model.session(rate)
    session.accept(pcm)
    return session.finish().text


def measure(model: whisper.Whisper, texts: Sequence[str], rate: int) -> dict[str, Any]:
    """Errors per syllable and per jamo, on the line and at the voice's own rate."""
    wrong = dict.fromkeys(("line", "voice", "line_jamo", "voice_jamo"), 0)
    heard = []
    quiet = bytes(PHONE_RATE)
    for text in texts:
        pcm, own = speak(text, rate)
        line = quiet + pcm_from(resample(samples_from(pcm), own, PHONE_RATE)) + quiet
        at_line = hear(model, alaw_decode(alaw_encode(line)), PHONE_RATE)
        at_voice = hear(model, pcm, own)
        for name, words in (("line", at_line), ("voice", at_voice)):
            wrong[name] += distance(syllables(text), syllables(words))
            wrong[name + "_jamo"] += distance(jamo(text), jamo(words))
        heard.append((text, at_line))
    count = sum(len(syllables(text)) for text in texts)
    letters = sum(len(jamo(text)) for text in texts)
    return {
        "rate": rate,
        "sentences": len(texts),
        "syllables": count,
        "line": round(wrong["line"] / count, 4),
        "voice": round(wrong["voice"] / count, 4),
        "line_jamo": round(wrong["line_jamo"] / letters, 4),
        "voice_jamo": round(wrong["voice_jamo"] / letters, 4),
        "whole": sum(syllables(said) == syllables(words) for said, words in heard),
        "heard": heard[:6],
    }


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    folder = whisper_files.assemble(ROOT / "models" / "whisper-base")
    model = whisper.load(folder, threads=1, language="ko")
    texts = corpus()
    result: list[Mapping[str, Any]] = []
    for rate in RATES:
        result.append(measure(model, texts, rate))
        print({k: v for k, v in result[-1].items() if k != "heard"}, flush=True)
    (OUT / "korean.json").write_text(json.dumps(result, ensure_ascii=False, indent=1), "utf-8")
    intelligible_report.write_korean(result, model.name, ROOT / "docs")


if __name__ == "__main__":
    main()
