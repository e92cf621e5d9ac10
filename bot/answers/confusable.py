"""Numbers that a telephone makes of one another. Pure.

十五 and 是五, 十 and 四, 一 and 七, 三十 and 在十."""

from __future__ import annotations

import re

from bot.answers.numerals import hanzi

_ALIKE = {1: (7,), 7: (1,), 6: (9,), 9: (6,), 2: (8,), 8: (2,)}
LIMIT = 99
USUAL = (*range(1, 21), 25, 30)  # what is mostly said where years or days are asked for
_BEFORE = "是交缴保存满"  # no 是 goes between one of these and a number


def neighbours(number: int) -> tuple[int, ...]:
    """The numbers of 1..99 that may be heard for `number`, which is not among them: one digit
    sounds like another, 十 like 四, and 是 before the rest like 十. Empty outside of 1..99."""
    if not 1 <= number <= LIMIT:
        return ()
    tens, ones = divmod(number, 10)
    found = {tens * 10 + other for other in _ALIKE.get(ones, ())}
    found |= {other * 10 + ones for other in _ALIKE.get(tens, ()) if tens > 1}
    if tens == 0:
        found |= {10 + ones, 40 + ones}
    if tens in (1, 4):
        found |= {50 - tens * 10 + ones, ones}
    if ones == 4 or number == 10:
        found |= {4, 10, 14, 40, 44}
    if tens in (1, 3):
        found.add(40 - tens * 10 + ones)
    if ones == 4 and tens > 1:
        found.add(tens * 10)
    if ones == 0 and tens > 1:
        found.add(tens * 10 + 4)
    return tuple(sorted(n for n in found if 1 <= n <= LIMIT and n != number))


def ways(number: int, unit: str) -> tuple[str, ...]:
    """How a recogniser may write the number where it is all that is said."""
    said = hanzi(number)
    forms = [f"{lead}{form}{unit}" for form in (said, str(number)) for lead in ("", "是", "交")]
    if number == 2:
        forms.append(f"两{unit}")
    return tuple(forms)


def rivals(number: int, unit: str) -> tuple[str, ...]:
    """What else may have been said: the numbers that sound alike in every form, the usual ones as
    they are mostly said."""
    alike = [way for other in neighbours(number) for way in ways(other, unit)]
    usual = [hanzi(other) + unit for other in USUAL if other != number]
    return tuple(dict.fromkeys((*alike, *usual)))


def may_hide_another(number: int, text: str) -> bool:
    """Whether a text that says `number` may have been 是 and another number, or the other way
    round: 是五年 is written 15年, and nothing but the tone tells them apart, which the recogniser
    does not keep. A word before 十 after which no 是 comes settles it (交十五年, 是十五天)."""
    tens, ones = divmod(number, 10)
    forms = "|".join((hanzi(number), str(number), f"{tens}十{ones}"))
    before = [match[1] for match in re.finditer(rf"(?:^|(.))(?:{forms})", text)]
    if tens in (1, 4) and number != 10:
        return not before or any(char is None or char not in _BEFORE for char in before)
    return tens == 0 and "是" in before
