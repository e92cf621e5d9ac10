"""Long texts are cut where a speaker would breathe."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voice.speaking.pieces import pieces


def at_most(size: int, text: str) -> list[str]:
    return list(pieces(text, lambda piece: len(piece) <= size))


def test_what_fits_stays_whole() -> None:
    assert at_most(20, "好的，谢谢。再见。") == ["好的，谢谢。再见。"]


def test_sentences_come_before_clauses_and_clauses_before_nothing() -> None:
    assert at_most(9, "一二，三四，五六。七八") == ["一二，三四，五六。", "七八"]
    assert at_most(6, "一二，三四，五六") == ["一二，", "三四，五六"]
    assert at_most(4, "一二三四五六七八") == ["一二三四", "五六七八"]


@given(st.text("一二三，。？、", max_size=80), st.integers(1, 20))
def test_nothing_is_lost_and_everything_fits(text: str, size: int) -> None:
    cut = at_most(size, text)
    assert "".join(cut) == text
    assert all(len(piece) <= size for piece in cut)
