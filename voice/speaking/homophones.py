"""A text in characters that an engine knows and reads as they are meant.

An engine that reads by a lexicon of its own passes over what is not in it without a word, and
knows nothing of ours (see `lexicon`). So what it would leave out or read otherwise is written with
another character that sounds the same: 王喆 as 王哲, 还款 as 桓款.
"""

from __future__ import annotations

from collections.abc import Iterable

from pypinyin import Style, pinyin

from voice.speaking.lexicon import overrides


class Homophones:
    """For one engine, which knows the hanzi `known`. Takes a quarter of a second to make."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(known)
        self._of: dict[str, str] = {}
        for alone in (False, True):  # those with one reading only are surer, and come last
            for character in sorted(filter(_in_use, self._known), reverse=True):
                found = readings(character)
                if (len(found) == 1) == alone:
                    self._of[found[0]] = self._of[_toneless(found[0])] = character

    def written(self, text: str) -> str:
        """Normalised `text` as this engine has to get it; as long as before.

        Raises ValueError for a character that it can neither say nor replace: a clause of which a
        part was left out must not count as read.
        """
        meant = overrides(text)
        return "".join(
            self._one(character, meant.get(at)) if "一" <= character <= "鿿" else character
            for at, character in enumerate(text)
        )

    def _one(self, character: str, meant: str | None) -> str:
        known = character in self._known
        if known and (meant is None or readings(character) == [meant]):
            return character
        reading = meant or readings(character)[0]
        same = self._of.get(reading)
        if same is None and not known:
            same = self._of.get(_toneless(reading))
        if same is None and not known:
            raise ValueError("a character that this voice cannot say")
        return same or character


def readings(character: str) -> list[str]:
    """Pinyin with the tone as a number, 5 for none; the usual one first."""
    return pinyin(character, style=Style.TONE3, heteronym=True, neutral_tone_with_five=True)[0]


def _toneless(reading: str) -> str:
    return reading.rstrip("12345")


def _in_use(character: str) -> bool:
    """One of the 6,763 of GB 2312."""
    return len(character.encode("gb2312", errors="replace")) == 2
