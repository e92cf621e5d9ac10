"""A second reader of the same sound: what was said, syllable by syllable, without a dictionary.

Whisper's decoder writes likely words; of a short answer on a telephone it often writes others
than were said (是我 as 去我, 了解 as 小姐). Its encoder knows better. A small network over the
states that the encoder has computed anyway names the initial or final heard in each 20 ms; it was
trained with CTC (Graves et al., ICML 2006) on synthetic callers by `make reader`. It knows no
words, so it does not hear the ones that are expected either; how well a word explains the sound
it can say of any.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from pypinyin import Style, lazy_pinyin

from voice.errors import ModelError
from voice.listening import ctc
from voice.listening.closed_set import ClosedSet
from voice.listening.mel import Floats


@dataclass(frozen=True, slots=True)
class Weights:
    """A network that was trained on the states of one model's encoder, and measured."""

    path: Path
    sha256: str


BASE = Weights(
    Path(__file__).with_name("phones.npz"),
    "7b9e9be24602422b0f8e94dba01f2fa53f95036b3be62d652a022353169ee4ea",
)
SMALL = Weights(
    Path(__file__).with_name("phones_small.npz"),
    "97db2d704c8f768b081c79043c8894f2fef9ff02df06bfdc5a04400de5bc0f2e",
)
STATES_PER_SECOND = 50  # of Whisper's encoder
INITIALS = frozenset("b p m f d t n l g k h j q x r z c s y w zh ch sh".split())
NEARLY = 3.0  # nats by which a known answer may explain a sound worse than what was spelt …
APART = 5.0  # … and by which it must explain it better than an answer of another kind
NEARLY_HUMAN = 8.0  # the same for a wish for a human: one too many costs a minute, one too few a …
APART_HUMAN = 1.5  # … caller left alone
MOST = 30.0  # nats; a larger difference means nothing more
NEGATIONS = "不没未"
_FOLDED = {"zh": "z", "ch": "c", "sh": "s", "-ing": "-in", "-eng": "-en"}
_BEHIND = 4  # states looked at behind the sound: the encoder sees a final a little late


def states_of(seconds: float) -> int:
    """How many states are looked at for so much sound."""
    return int(np.ceil(seconds * STATES_PER_SECOND)) + _BEHIND


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What one network heard in each 20 ms."""

    chances: ctc.Chances
    numbers: Mapping[str, int]
    """Of each unit, its column in `chances`."""

    def log_likelihoods(self, spellings: Sequence[Sequence[str]]) -> list[float]:
        """Of each spelling. A unit that the network never learnt makes it impossible."""
        known = [all(unit in self.numbers for unit in units) for units in spellings]
        asked = [[self.numbers.get(unit, 0) for unit in units] for units in spellings]
        found = ctc.log_likelihoods(self.chances, asked)
        return [
            float(one) if learnt else ctc.IMPOSSIBLE
            for one, learnt in zip(found, known, strict=True)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the reader made of one sound."""

    units: tuple[str, ...]
    """The likeliest initials and finals ("-ing"). No tones; ü is v."""
    views: tuple[View, ...]
    """Of the networks that heard it."""

    def likelihoods(self, spellings: Sequence[Sequence[str]]) -> list[float]:
        """How much worse than `units` each spelling explains the sound, in nats, the mean of all
        views: 0, about as well; -5, by a factor of 150."""
        views = [view.log_likelihoods([self.units, *spellings]) for view in self.views]
        best, *found = np.mean(views, axis=0)
        return [float(one - best) for one in found]


def together(one: Reading, other: Reading) -> Reading:
    """What both make of the same sound: the spelling of the two that explains it better to both."""
    both = Reading(one.units, one.views + other.views)
    (better,) = both.likelihoods([other.units])
    return Reading(other.units, both.views) if better > 0 else both


class Phones:
    """The trained network: from a state and its neighbours, by two layers of ReLU units, the second
    added to the first, to an initial, a final or none."""

    def __init__(self, weights: Weights = BASE) -> None:
        """Raises ModelError where the weights are missing or others than were measured."""
        path, self.sha256 = weights.path, weights.sha256
        try:
            packed = path.read_bytes()
        except OSError as error:
            raise ModelError(f"the reader's weights {path} cannot be read: {error}") from error
        if hashlib.sha256(packed).hexdigest() != self.sha256:
            raise ModelError(f"{path} does not hold the weights that were measured")
        with np.load(io.BytesIO(packed)) as kept:
            self._units = ["", *map(str, kept["units"])]
            self._near, self._far, self._out = (
                (kept[f"weights{n}"].astype(np.float32), kept[f"bias{n}"].astype(np.float32))
                for n in range(3)
            )
        self._numbers = {unit: number for number, unit in enumerate(self._units) if unit}

    def read(self, states: Floats, seconds: float) -> Reading:
        """Reads `states`, shape (frames, width of the encoder), of which `seconds` hold sound."""
        near = np.maximum(_convolved(states[: states_of(seconds)], *self._near), 0)
        far = near + np.maximum(_convolved(near, *self._far), 0)
        weights, bias = self._out
        scores = far @ weights + bias
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        best = scores.argmax(axis=1)
        changes = np.concatenate(([True], best[1:] != best[:-1]))
        units = tuple(self._units[unit] for unit in best[changes] if unit)
        return Reading(units, (View(chances, self._numbers),))


def _convolved(states: Floats, weights: Floats, bias: Floats) -> Floats:
    """Each state with its neighbours. `weights`: shape (states seen at once, width, units)."""
    seen, width, units = weights.shape
    padded = np.pad(states, ((seen // 2, seen // 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, seen, axis=0)
    return windows.transpose(0, 2, 1).reshape(-1, seen * width) @ weights.reshape(-1, units) + bias


def syllables(units: Iterable[str]) -> str:
    """Initials and finals in turn as pinyin without tones, "qing chu le". Where only a part of a
    syllable was heard, it stands alone."""
    words: list[str] = []
    for unit in units:
        if unit.startswith("-") and words and words[-1] in INITIALS:
            words[-1] += unit[1:]
        else:
            words.append(unit.removeprefix("-"))
    return " ".join(words)


@lru_cache(maxsize=4096)  # each question brings a closed set, most of it the same
def spelling(text: str) -> tuple[str, ...]:
    """The initials and finals of Chinese words, as `Phones.read` names them."""
    syllables = lazy_pinyin(text, style=Style.NORMAL)
    return tuple(unit for syllable in syllables for unit in syllable_units(syllable))


def syllable_units(syllable: str) -> Iterator[str]:
    """The initial and the final of one syllable without its tone; a final begins with "-"."""
    initial = next((syllable[:n] for n in (2, 1) if syllable[:n] in INITIALS), "")
    if initial:
        yield initial
    if final := syllable[len(initial) :].replace("ü", "v"):
        yield "-" + final


class Spellings:
    """The answers of a closed set by how they are spelt."""

    def __init__(self, answers: ClosedSet) -> None:
        kinds = (answers.yes, answers.no, answers.other, answers.urgent)
        self._urgent = frozenset(answers.urgent)
        self._texts = [(text, kind) for kind, texts in enumerate(kinds) for text in texts]
        self._spelt = [spelling(text) for text, _ in self._texts]

    def find(self, reading: Reading) -> str:
        """The answer that explains the sound nearly as well as what was spelt, and so much better
        than every answer of another kind; empty where there is none."""
        if not reading.units:
            return ""
        likely = reading.likelihoods(self._spelt)
        best = max(range(len(likely)), key=likely.__getitem__)
        text, kind = self._texts[best]
        if _finals(reading.units) > _finals(self._spelt[best]):
            return ""  # more was said than that
        others = (score for score, (_, k) in zip(likely, self._texts, strict=True) if k != kind)
        rival = max(others, default=ctc.IMPOSSIBLE)
        nearly, apart = (NEARLY_HUMAN, APART_HUMAN) if text in self._urgent else (NEARLY, APART)
        return text if likely[best] >= -nearly and likely[best] - rival >= apart else ""


def _finals(units: Sequence[str]) -> int:
    return sum(unit.startswith("-") for unit in units)


def denied(reading: Reading, text: str) -> float:
    """How much better the sound is explained by the Chinese words of `text` than by the same with
    the negation that they lack put before or in place of some syllable, or with the one that they
    have taken out: nats, as in `Reading.likelihoods`. Small or negative: it may have been said."""
    turned = [spelling(other) for other in _otherwise(text)]
    own, *others = reading.likelihoods([spelling(text), *turned])
    return float(np.clip(own - max(others, default=-np.inf), -MOST, MOST))


def _otherwise(text: str) -> list[str]:
    """`text` with its meaning turned round."""
    signs = [at for at, sign in enumerate(text) if sign in NEGATIONS]
    if signs:
        return [text[:at] + text[at + 1 :] for at in signs if len(text) > 1]
    places = range(len(text))
    return [text[:at] + no + text[at + keep :] for at in places for no in "不没" for keep in (0, 1)]


def alike(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two spellings sound the same in some region."""
    return fold(one) == fold(other)


def fold(units: Sequence[str]) -> tuple[str, ...]:
    """With what whole regions do not tell apart taken for the same: zh and z, -ing and -in."""
    return tuple(_FOLDED.get(unit, unit) for unit in units)
