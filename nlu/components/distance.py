"""How far one sequence is from another (Levenshtein)."""

from __future__ import annotations

from collections.abc import Sequence


def distance(one: Sequence[object], other: Sequence[object]) -> int:
    """How many elements (characters, syllables, whatever the two consist of) must be put in, left
    out or changed to make one of the other."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            diagonal, row[j] = row[j], min(diagonal + (a != b), row[j] + 1, row[j - 1] + 1)
    return row[-1]
