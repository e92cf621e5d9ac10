"""What counts as misheard, and that every sentence of the questionnaire is heard."""

from __future__ import annotations

import pytest

from tests.bench.bench_intelligible import corpus, wrong
from tests.unit.policies import policy, render


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("您投保时填写的地址。", "您投宝石填写的地质", 0),  # every sound was understood
        ("一共交10年。", "一共交十年", 0),
        ("尾号是8216。", "伪号是8216", 0),  # digits, or one number
        ("尾号是4021。", "尾号是402腰", 0),
        ("尾号是8216。", "尾号是826", 1),
        ("请按1号键。", "请案例号键", 1),
        ("您清楚吗？", "清楚吗", 1),
        ("您清楚吗？", "你清楚吗", 0),
        ("您清楚吗？", "", 4),
        ("好。", "好的", 1),
        ("能接着保。", "能接著保", 0),
        ("详细的写在合同里。", "详细地写在合同里", 0),
        ("一共300500元。", "一共30万0500元", 0),
        ("填写的地址。", "填写的的址", 1),
    ],
)
def test_errors_are_those_of_sounds(said: str, heard: str, errors: int) -> None:
    assert wrong(said, heard) == errors


def test_every_fixed_sentence_is_heard_once() -> None:
    heard = [sentence.text for sentence in corpus()]
    assert len(set(heard)) == len(heard)
    script = render(policy("universal"))
    assert {script.clauses[id].text for id in ("A_ok", "R_unclear", "S_1")} <= set(heard)
    assert any(sentence.own for sentence in corpus())
