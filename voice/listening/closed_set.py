"""The closed set of answers that make sense at one point of a conversation.

Free text of a short telephone answer is often wrong (确认 → 切任); asking the model how well each
of a few dozen known answers explains the same sound is not. The caller of a line says which answers
make sense; the set here is everyday Mandarin for a yes/no question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import exp, inf, log

MAX_CANDIDATES = 120  # bounds the time one utterance can take
MAX_CHARACTERS = 20  # of one candidate
MAX_RATIO = 30.0  # larger distances mean nothing more: any sensible threshold lies below


@dataclass(frozen=True, slots=True)
class ClosedSet:
    """Candidate answers by what they would mean. Simplified characters, no punctuation."""

    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    other: tuple[str, ...] = ()  # requests, hedges, anything that must not be taken for a yes
    urgent: tuple[str, ...] = ()  # of these, what must not be missed: a wish for a human
    negations: tuple[str, ...] = ()  # signs that make a reading a no, for answers strung together

    def __post_init__(self) -> None:
        texts = self.phrases
        if len(texts) > MAX_CANDIDATES:
            raise ValueError(f"{len(texts)} candidates, at most {MAX_CANDIDATES} allowed")
        for text in texts:
            if not 0 < len(text) <= MAX_CHARACTERS:
                raise ValueError(
                    f"a candidate has {len(text)} characters, 1..{MAX_CHARACTERS} allowed"
                )
        if len(set(texts)) != len(texts):
            raise ValueError("a candidate stands in the closed set twice")

    @property
    def phrases(self) -> tuple[str, ...]:
        """All candidates: yes, no, other, urgent."""
        return self.yes + self.no + self.other + self.urgent

    def plus(
        self, *, yes: Iterable[str] = (), no: Iterable[str] = (), other: Iterable[str] = ()
    ) -> ClosedSet:
        """This set and the answers of one question; what it already holds is not repeated."""
        known = set(self.phrases)

        def fresh(texts: Iterable[str]) -> tuple[str, ...]:
            return tuple(t for t in dict.fromkeys(texts) if t not in known)

        return replace(
            self, yes=self.yes + fresh(yes), no=self.no + fresh(no), other=self.other + fresh(other)
        )


def ratios(answers: ClosedSet, heard: Mapping[str, float], floor: float) -> dict[str, float]:
    """How much better the best yes explains the sound than the best no ("yes_no") and the best
    other ("yes_other"), and the best urgent one than all that is not ("urgent"): quotients of
    probabilities, > 1 favours the first, bounded by MAX_RATIO.

    `heard`: the log-probability of each candidate that the recogniser found; any other has `floor`
    at most, which is what a rival not found counts with. A yes not found loses. A side without
    candidates has no ratio."""
    calm = answers.yes + answers.no + answers.other
    contests = {
        "yes_no": (answers.yes, answers.no),
        "yes_other": (answers.yes, answers.other + answers.urgent),
        "urgent": (answers.urgent, calm),
    }
    limit = log(MAX_RATIO)
    scores: dict[str, float] = {}
    for name, (side, rivals) in contests.items():
        if side and rivals:
            best = max(heard.get(text, -inf) for text in side)
            distance = best - max(heard.get(text, floor) for text in rivals)
            scores[name] = exp(min(max(distance, -limit), limit))
    return scores


def negation_ratio(answers: ClosedSet, readings: Iterable[tuple[str, float]]) -> dict[str, float]:
    """ "yes_no" where the sound is none of the candidates but a string of their words: the best
    reading without a negation against the best with one. `readings`: text and log-probability."""
    best = {True: -inf, False: -inf}
    worst = inf
    for text, score in readings:
        negated = any(sign in text for sign in answers.negations)
        best[negated] = max(best[negated], score)
        worst = min(worst, score)
    if worst == inf or not answers.negations:
        return {}
    limit = log(MAX_RATIO)
    distance = best[False] - max(best[True], worst)
    return {"yes_no": exp(min(max(distance, -limit), limit))}


YES_NO = ClosedSet(
    yes=(
        "是", "是的", "是啊", "对", "对的", "对对对", "好", "好的", "可以", "行", "没错",
        "没问题", "嗯是的", "清楚", "清楚了", "我清楚", "都清楚", "都清楚了", "知道", "知道了",
        "我知道", "明白", "明白了", "了解", "确认", "同意", "收到了", "是我", "是本人", "方便",
        "是的我清楚", "是的我清楚了", "是的清楚", "是的我知道", "我清楚了", "我知道了",
        "是的我收到了", "是的是我买的", "是的我是本人", "我是本人", "是我签的", "看过了",
    ),
    no=(
        "不", "不是", "不是的", "不对", "不好", "不行", "不可以", "没有", "没", "不清楚",
        "我不清楚", "不太清楚", "不知道", "我不知道", "不明白", "没明白", "没听明白", "不太明白",
        "不了解", "不确认", "不确定", "不同意", "我不同意", "没收到", "我没收到", "没有收到",
        "不是我", "不方便", "没有疑问", "没有疑问了", "没有了", "不是我买的", "不是我签的",
        "没看过", "我不清楚了", "是的我不清楚", "是的我没收到", "是的我不知道",
    ),
    other=(
        "再说一遍", "重复一遍", "重复一下", "没听清", "慢一点", "大声点", "等一下", "什么",
        "什么意思", "你是谁", "打错了", "我在忙", "我要投诉", "我要退保", "喂", "嗯", "啊",
        "应该是吧", "差不多", "好像是", "再见",
    ),
    urgent=(
        "转人工", "人工", "找人工", "找人工客服", "我要转人工", "人工服务", "人工客服",
        "帮我转人工",
    ),
    negations=("不", "没"),
)  # fmt: skip
"""A yes/no question in everyday Mandarin. 有 is left out: one syllable, a yes to few questions (add
it there), and what 不 sounds like on a telephone."""
