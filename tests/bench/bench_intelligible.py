"""Is every word of the bot understood on a telephone? `python -m tests.bench.bench_intelligible`
writes build/bench/intelligible.json and docs/intelligibility.md.

Every sentence the bot can say, once: the fixed ones of the questionnaire, and a share of those with
names, dates and amounts for each of a hundred made-up policies. Spoken by the project's own path,
heard by Whisper base three times: as 8 kHz A-law; through a telephone, which cuts to 300 to 3400 Hz
besides; and, to know what that ear makes of the voice itself, at the voice's own 24 kHz. The error
is in toneless pinyin, because an ear that writes 交 for 缴 has understood every sound. What was
misheard on the line is heard once more, with more silence around it: only what goes wrong both
times is held against the voice, for a recogniser's slip changes with a breath. What was heard is
kept, so that a run goes on where it was stopped, and after a change hears only what changed.

With `--sherpa MODEL` another voice is measured (docs/voices.md), in an environment that has
sherpa-onnx; the report is intelligible-sherpa.json then, and no page is written.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.answers import times
from bot.conversation.acting import sentences
from bot.phone.switchboard import FILLER_TEXT
from bot.questionnaires import questionnaire
from bot.questionnaires.questionnaire import Script
from bot.settings import ROOT, Settings
from nlu.components.distance import distance
from tests.bench import intelligible_report
from tests.bench.made_up import made_up
from voice.frames import PHONE_RATE
from voice.listening import whisper, whisper_files
from voice.speaking import Speaker, open_sherpa, open_speaker, phrasing, reading
from voice.speaking.cache import SpeechCache
from voice.speaking.kokoro import RATE
from voice.speaking.normalise import normalise
from voice.speaking.numbers import digits
from voice.telephone import alaw_decode, alaw_encode, through_telephone

OUT = ROOT / "build" / "bench"
SPEECH = OUT / "sentences"
TODAY = date(2026, 11, 22)
EVERY = 24  # a policy speaks one of so many of its own sentences, each a different share
COMMON = 10  # of a hundred policies; what so many are told is heard like the fixed sentences
LIMIT = 0.03
PAUSE = PHONE_RATE  # bytes of silence around a sentence: half a second


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and the first place where it is said."""

    text: str
    clause: str
    own: bool  # a policy's own: a name, a date, an amount is in it


@dataclass(frozen=True, slots=True)
class Heard:
    """What the recogniser made of one sentence."""

    line: str  # 8 kHz A-law
    phone: str  # through a telephone
    voice: str  # at the voice's own rate
    again: str | None = None  # 8 kHz A-law a second time; None where the first was good enough


@dataclass(frozen=True, slots=True)
class Judged:
    """One sentence with its errors, in syllables."""

    sentence: Sentence
    heard: Heard
    syllables: int
    line: int
    phone: int
    voice: int
    again: int  # as `line` where it was heard once

    @property
    def misheard(self) -> bool:
        """Above the limit in both hearings."""
        return min(self.line, self.again) > LIMIT * self.syllables

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self.sentence), **asdict(self.heard)} | {
            "syllables": self.syllables,
            "line_errors": self.line,
            "again_errors": self.again,
            "phone_errors": self.phone,
            "voice_errors": self.voice,
        }


def corpus(every: int = EVERY) -> list[Sentence]:
    """Everything the bot can say on the telephone, each sentence once. Mixed, so that a run that
    was stopped has heard a fair sample."""
    settings = Settings()
    questions = questionnaire.load(settings.questionnaire)
    scripts = [
        questions.render(
            policy,
            company=settings.company,
            hotline=settings.hotline,
            today=TODAY,
            elder_age=settings.elder_age,
        )
        for policy in made_up()
    ]
    said = [
        [(part, id) for id, text in _texts(script, n) for part in sentences(text)]
        for n, script in enumerate(scripts)
    ]
    fixed = {
        part for script in scripts for text in script.fixed_texts() for part in sentences(text)
    }
    times_said = Counter(part for parts in said for part in {part for part, _ in parts})
    found = {FILLER_TEXT: Sentence(FILLER_TEXT, "filler", False)}
    for number, parts in enumerate(said):
        own = 0
        for part, clause in parts:
            common = part in fixed or times_said[part] >= COMMON
            own += not common
            if common or (own + number) % every == 0:
                found.setdefault(part, Sentence(part, clause, not common))
    mixed = list(found.values())
    random.Random(1).shuffle(mixed)
    return mixed


def _texts(script: Script, number: int) -> Iterable[tuple[str, str]]:
    for id, clause in script.clauses.items():
        for text in dict.fromkeys(clause.forms().values()):
            yield id, text
    now = datetime(2026, 11, 22, 9 + number % 10)
    slot = times.spoken_slot(now + timedelta(hours=number % 60, minutes=30 * (number % 2)), now)
    counts = {"total": 8 + number % 20, "problems": 1 + number % 5, "slot": slot}
    for id in sorted(script.dynamic):
        yield id, script.fill(id, **counts).text


def syllables(text: str) -> list[str]:
    """How `text` is read, without tones."""
    return [
        syllable.rstrip("12345")
        for word in reading.read(normalise(text))
        for syllable in word.syllables
    ]


def wrong(said: str, heard: str) -> int:
    """Errors in what was heard. An ear may write digits that were said one by one as one number
    (伪号是8216), 幺 as 1 or as 腰, 着 as 著, and 的 as 地, which a dictionary reads otherwise; and
    你 for 您 is the same person."""
    heard = re.sub(r"(?<=[万亿])0+(?=[1-9])", "零", heard.replace("著", "着"))
    apart = re.sub(r"\d{3,}(?!年)", lambda run: digits(run[0]), heard)
    one = {"nin": "ni"} | ({"yao": "yi"} if "幺" in normalise(said) else {})
    wanted, *found = (
        [one.get(syllable, syllable) for syllable in syllables(text)]
        for text in (said, heard, apart, heard.replace("地", "的"))
    )
    return min(distance(wanted, each) for each in found)


class Ear:
    """Speaks and hears, and keeps what was heard."""

    def __init__(self, speaker: Speaker, model: whisper.Whisper, kept: Path) -> None:
        self._speaker, self._model, self._file = speaker, model, kept
        self._cache = SpeechCache(SPEECH)
        lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
        self._kept: dict[str, Heard] = {}
        for line in lines:
            key, *texts = json.loads(line)
            self._kept[key] = Heard(*texts)

    def knows(self, text: str) -> bool:
        """Whether it was heard already."""
        return self._key(text) in self._kept

    async def hear(self, text: str) -> Heard:
        key = self._key(text)
        if key not in self._kept:
            line = await self._on_the_line(text)
            voice = (await self._speaker.render(text, sample_rate=RATE)).pcm
            heard = await asyncio.to_thread(self._hear, line, voice)
            self._keep(key, heard)
        heard = self._kept[key]
        if heard.again is None and wrong(text, heard.line) > LIMIT * len(syllables(text)):
            line = bytes(2 * PAUSE) + await self._on_the_line(text) + bytes(2 * PAUSE)
            coded = alaw_decode(alaw_encode(line))
            again = await asyncio.to_thread(self._transcribe, coded, PHONE_RATE)
            self._keep(key, replace(heard, again=again))
        return self._kept[key]

    async def _on_the_line(self, text: str) -> bytes:
        return (await self._speaker.render(text, sample_rate=PHONE_RATE)).pcm

    def _keep(self, key: str, heard: Heard) -> None:
        self._kept[key] = heard
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, *astuple(heard)], ensure_ascii=False) + "\n")

    def _key(self, text: str) -> str:
        """Where the cache keeps the sound: it changes with whatever shapes that."""
        spoken = self._cache.path(self._speaker.name, phrasing.spoken(text)).stem
        return hashlib.sha256(
            f"{spoken} {self._model.name} {whisper.FREE_BEAM}".encode()
        ).hexdigest()

    def _hear(self, line: bytes, voice: bytes) -> Heard:
        padded = bytes(PAUSE) + line + bytes(PAUSE)
        return Heard(
            self._transcribe(alaw_decode(alaw_encode(padded)), PHONE_RATE),
            self._transcribe(through_telephone(padded, PHONE_RATE), PHONE_RATE),
            self._transcribe(voice, RATE),
        )

    def _transcribe(self, pcm: bytes, rate: int) -> str:
        session = self._model.session(rate)
        session.accept(pcm)
        return session.finish().text


def judge(sentence: Sentence, heard: Heard) -> Judged:
    text = sentence.text
    line, phone, voice = (wrong(text, each) for each in (heard.line, heard.phone, heard.voice))
    again = line if heard.again is None else wrong(text, heard.again)
    return Judged(sentence, heard, len(syllables(text)), line, phone, voice, again)


def figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """Of some sentences together."""
    total = sum(j.syllables for j in judged) or 1
    return {
        "sentences": len(judged),
        "syllables": total,
        "line_error": round(sum(j.line for j in judged) / total, 4),
        "phone_error": round(sum(j.phone for j in judged) / total, 4),
        "voice_error": round(sum(j.voice for j in judged) / total, 4),
        "at_most_3_percent": sum(j.line <= LIMIT * j.syllables for j in judged),
        "misheard_twice": sum(j.misheard for j in judged),
        "at_most_3_percent_at_24_khz": sum(j.voice <= LIMIT * j.syllables for j in judged),
        "above_on_the_line_only": sum(j.voice <= LIMIT * j.syllables < j.line for j in judged),
    }


def report(judged: Sequence[Judged]) -> dict[str, Any]:
    worst = sorted(
        judged, key=lambda j: (not j.misheard, -min(j.line, j.again) / max(j.syllables, 1))
    )
    return {
        "all": figures(judged),
        "fixed": figures([j for j in judged if not j.sentence.own]),
        "own": figures([j for j in judged if j.sentence.own]),
        "worst": [j.to_json() for j in worst if j.line],
    }


async def main(
    speaker: Speaker, heard: Path, sample: int, every: int, *, kept: bool
) -> dict[str, Any]:
    OUT.mkdir(parents=True, exist_ok=True)
    everything = corpus(every)
    wanted = everything[::sample]
    reading.prepare(SPEECH)
    model = whisper.load(whisper_files.assemble(ROOT / "models" / "whisper-base"), threads=1)
    await speaker.start()
    judged, began = [], time.monotonic()
    try:
        ear = Ear(speaker, model, heard)
        if kept:
            wanted = [sentence for sentence in wanted if ear.knows(sentence.text)]
        for number, sentence in enumerate(wanted, 1):
            judged.append(judge(sentence, await ear.hear(sentence.text)))
            if number % 25 == 0 or number == len(wanted):
                spent = time.monotonic() - began
                print(f"{number}/{len(wanted)} sentences, {spent:.0f} s", flush=True)
    finally:
        await speaker.close()
    about = {"voice": speaker.name, "ear": model.name, "of": len(everything)}
    return about | report(judged)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=1, help="hear every so manieth sentence")
    parser.add_argument("--every", type=int, default=EVERY, help="of a policy's own sentences")
    parser.add_argument("--kept", action="store_true", help="report on what was heard already")
    parser.add_argument("--sherpa", type=Path, metavar="MODEL", help="another voice's folder")
    parser.add_argument("--speaker", type=int, default=0, help="its speaker")
    chosen = parser.parse_args()
    voice = open_speaker(ROOT / "models", SPEECH, "kokoro")
    name = "intelligible"
    if chosen.sherpa is not None:
        voice, name = open_sherpa(chosen.sherpa, SPEECH, chosen.speaker), "intelligible-sherpa"
    result: Mapping[str, Any] = asyncio.run(
        main(voice, OUT / f"{name}.jsonl", chosen.sample, chosen.every, kept=chosen.kept)
    )
    text = json.dumps(result, ensure_ascii=False, indent=1)
    (OUT / f"{name}.json").write_text(text, encoding="utf-8")
    if chosen.sherpa is None:
        intelligible_report.write(result, ROOT / "docs")
    print(json.dumps({k: v for k, v in result.items() if k != "worst"}, indent=1))
