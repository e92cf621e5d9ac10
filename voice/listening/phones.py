"""A second reader of the same sound: what was said, syllable by syllable, without a dictionary.

Whisper's decoder writes likely words; of a short answer on a telephone it often writes others
than were said (是我 as 去我, 了解 as 小姐). Its encoder knows better. A small network over the
states that the encoder has computed anyway names the initial or final heard in each 20 ms; it was
trained with CTC (Graves et al., ICML 2006) on synthetic callers by `make reader`. It knows no
words, so it does not hear the ones that are expected either.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from pypinyin import Style, lazy_pinyin

from voice.errors import ModelError
from voice.listening.mel import Floats

FILE = Path(__file__).with_name("phones.npz")
SHA256 = "5c18ee3fda028998d6bb0380e565f6781d1c4f16acd314d6207725df76d4f0ae"
STATES_PER_SECOND = 50  # of Whisper's encoder
INITIALS = frozenset("b p m f d t n l g k h j q x r z c s y w zh ch sh".split())
LONG = 5  # units of an answer whose last may be misheard: 知道了 has six, 清楚 has four
_FOLDED = {"zh": "z", "ch": "c", "sh": "s", "-ing": "-in", "-eng": "-en"}
_BEHIND = 4  # states looked at behind the sound: the encoder sees a final a little late


def states_of(seconds: float) -> int:
    """How many states are looked at for so much sound."""
    return int(np.ceil(seconds * STATES_PER_SECOND)) + _BEHIND


class Phones:
    """The trained network: from a state of width 512 and its two neighbours by ReLU units to an
    initial, a final or none."""

    def __init__(self, path: Path = FILE) -> None:
        """Raises ModelError where the weights are missing or others than were measured."""
        try:
            packed = path.read_bytes()
        except OSError as error:
            raise ModelError(f"the reader's weights {path} cannot be read: {error}") from error
        if hashlib.sha256(packed).hexdigest() != SHA256:
            raise ModelError(f"{path} does not hold the weights that were measured")
        with np.load(io.BytesIO(packed)) as kept:
            self._units = ["", *map(str, kept["units"])]
            self._hidden, self._bias, self._out, self._out_bias = (
                kept[name].astype(np.float32) for name in ("w1", "b1", "w2", "b2")
            )
            self._hidden = self._hidden.reshape(-1, self._hidden.shape[-1])

    def read(self, states: Floats, seconds: float) -> tuple[str, ...]:
        """Initials and finals ("-ing") in `states`, shape (frames, 512), of which `seconds` hold
        sound. No tones; ü is v."""
        heard = states[: states_of(seconds)]
        before, after = (np.roll(heard, step, axis=0) for step in (1, -1))
        before[:1] = after[-1:] = 0
        seen = np.concatenate((before, heard, after), axis=1)
        layer = np.maximum(seen @ self._hidden + self._bias, 0)
        best = (layer @ self._out + self._out_bias).argmax(axis=1)
        changes = np.concatenate(([True], best[1:] != best[:-1]))
        return tuple(self._units[unit] for unit in best[changes] if unit)


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
    """Known answers by how they are spelt."""

    def __init__(self, texts: Iterable[str]) -> None:
        spelt = [(fold(spelling(text)), text) for text in texts]
        self._whole = dict(reversed(spelt))  # of two that sound alike the first
        long = [(units[:-1], text) for units, text in spelt if len(units) >= LONG]
        self._begun = dict(reversed(long))

    def find(self, heard: Sequence[str]) -> str:
        """The answer that was spelt, empty where it is none. In answers of LONG units or more the
        last may have been misheard or not heard (了 as la or l); any other may be what is left of a
        不 or tell it from a question."""
        units = fold(heard)
        return self._whole.get(units) or self._begun.get(units) or self._begun.get(units[:-1], "")


def alike(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two spellings sound the same in some region."""
    return fold(one) == fold(other)


def fold(units: Sequence[str]) -> tuple[str, ...]:
    """With what whole regions do not tell apart taken for the same: zh and z, -ing and -in."""
    return tuple(_FOLDED.get(unit, unit) for unit in units)
