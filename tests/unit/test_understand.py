"""Batch understanding: good lines in order, bad lines named by number, nothing lost."""

from __future__ import annotations

from bot.dialogue.protocol import MAX_TEXT, Answer, Meaning
from bot.dialogue.understand import understand


class Recording:
    """Answers every line with a yes and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Answer | None]] = []

    async def parse(self, text: str, expect: Answer | None = None) -> Meaning:
        self.asked.append((text, expect))
        return Meaning("affirm", 0.9, "yes", None, "why")


async def test_each_line_is_asked_with_what_its_question_hopes_for() -> None:
    dialogue = Recording()
    found = [r async for r in understand(["Q+\t清楚\n", "\n", "Q-\t没有\r\n"], dialogue)]
    assert dialogue.asked == [("清楚", "yes"), ("没有", "no")]
    assert found[0] == {
        "intent": "affirm",
        "confidence": 0.9,
        "answer": "yes",
        "request": None,
        "reason": "why",
    }


async def test_a_bad_line_is_named_and_the_rest_goes_on() -> None:
    lines = ["清楚", "Q?\t清楚", "Q+ 清楚", "Q+\t好"]
    found = [r async for r in understand(lines, Recording())]
    assert [r.get("line") for r in found] == [1, 2, 3, None]
    assert all("Q+<TAB>utterance" in r["error"] for r in found[:3])
    assert found[3]["answer"] == "yes"


async def test_an_endless_line_is_cut_before_it_is_sent() -> None:
    dialogue = Recording()
    _ = [r async for r in understand(["Q+\t" + "是" * 100_000, "是" * 100_000], dialogue)]
    assert len(dialogue.asked[0][0]) == MAX_TEXT + 1
