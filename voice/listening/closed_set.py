"""The closed set of answers that make sense at one point of a conversation.

Free text of a short telephone answer is often wrong (确认 → 切任); asking the model how well each
of a few dozen known answers explains the same sound is not. The caller of a line says which answers
make sense; the set here is everyday Mandarin for a yes/no question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import exp, inf, log

MAX_CANDIDATES = 320  # bounds the time one utterance can take
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
    harmless: tuple[str, ...] = ()  # words that hold such a sign and deny nothing (没错)

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
    other ("yes_other"), the best no than the best other ("no_other"), and the best urgent one than
    all that is not ("urgent"): quotients of
    probabilities, > 1 favours the first, bounded by MAX_RATIO.

    `heard`: the log-probability of each candidate that the recogniser found; any other has `floor`
    at most, which is what a rival not found counts with. A yes not found loses. A side without
    candidates has no ratio."""
    calm = answers.yes + answers.no + answers.other
    contests = {
        "yes_no": (answers.yes, answers.no),
        "yes_other": (answers.yes, answers.other + answers.urgent),
        "no_other": (answers.no, answers.other + answers.urgent),
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


_OTHER = (
    "再说一遍", "重复一遍", "重复一下", "没听清", "慢一点", "大声点", "等一下", "什么",
    "什么意思", "你是谁", "打错了", "我在忙", "我要投诉", "我要退保", "喂", "嗯", "啊",
    "应该是吧", "差不多", "好像是", "再见", "可能是吧", "可能吧", "大概吧", "应该吧", "随便",
    "再说吧", "不好说", "好像是吧", "大概知道", "应该清楚吧", "应该收到了吧", "没注意",
    "听不清", "听不见", "你说什么", "你说啥", "退保", "怎么退保", "我儿子知道",
    "我女儿知道", "我老伴知道", "问我儿子", "稍等", "稍等一下", "等等", "等会儿", "慢点",
    "说慢点", "慢点说", "大点声", "声音太小", "啥意思", "谁呀", "是吗", "对吗", "好吗",
    "清楚吗", "知道吗", "明白吗", "可以吗", "收到吗", "清楚什么", "知道什么", "在吃饭",
)  # fmt: skip
_URGENT = (
    "转人工", "人工", "找人工", "找人工客服", "我要转人工", "人工服务", "人工客服",
    "帮我转人工", "要人工", "我要人工", "叫人工", "接人工", "转人工吧", "给我转人工",
    "先转人工吧", "帮忙转人工", "请转人工", "转接人工", "客服", "找客服", "我找客服", "真人",
    "找真人", "叫个人来", "叫个真人来", "换个人", "换人", "叫你们领导来", "你转人工吧",
    "知道了转人工", "我找人工客服", "我不要机器人", "人工吧", "要真人", "要客服", "我要客服",
    "转客服", "接客服", "客服人员",
)  # fmt: skip
_NEGATIONS = ("不", "没", "未")
_HARMLESS = ("没错", "不错", "没问题", "没事", "没关系", "不过", "不好意思")

YES_NO = ClosedSet(
    yes=(
        "是", "是的", "是啊", "对", "对的", "对对对", "好", "好的", "可以", "行", "没错",
        "没问题", "嗯是的", "清楚", "清楚了", "我清楚", "都清楚", "都清楚了", "知道", "知道了",
        "我知道", "明白", "明白了", "了解", "确认", "同意", "收到了", "是我", "是本人", "方便",
        "是的我清楚", "是的我清楚了", "是的清楚", "是的我知道", "我清楚了", "我知道了",
        "是的我收到了", "是的是我买的", "是的我是本人", "我是本人", "是我签的", "看过了",
        "我确定", "确定", "我同意", "我明白", "我明白了", "都明白", "都知道", "我都知道",
        "好的好的", "对的对的", "是是是", "好好好", "行行行", "可以的", "晓得", "我晓得", "懂了",
        "都懂", "都懂了", "收到", "早收到了", "看了", "都看了", "看过", "都看过了", "我签的",
        "我自己签的", "是我自己签的", "我买的", "是我买的", "是我自己买的", "正确", "嗯知道",
        "嗯清楚", "知道的", "清楚的", "明白的", "了解了", "确认的", "哎知道了", "嗯对", "嗯对的",
        "哦对对对", "我愿意", "接受", "我接受", "理解", "理解了", "可以有时间", "有时间",
    ),
    no=(
        "不", "不是", "不是的", "不对", "不好", "不行", "不可以", "没有", "没", "不清楚",
        "我不清楚", "不太清楚", "不知道", "我不知道", "不明白", "没明白", "没听明白", "不太明白",
        "不了解", "不确认", "不确定", "不同意", "我不同意", "没收到", "我没收到", "没有收到",
        "不是我", "不方便", "没有疑问", "没有疑问了", "没有了", "不是我买的", "不是我签的",
        "我不清楚了", "是的我不清楚", "是的我没收到", "是的我不知道", "我不确定",
        "不晓得", "我不晓得", "不懂", "我不懂", "都不懂", "我不明白", "都不明白", "都不知道",
        "都不清楚", "还没收到", "未收到", "没看", "没看过", "没有看过", "没签过", "我没签",
        "我没签过",
        "不是我自己签的", "不是我自己买的", "我没买过", "不愿意", "不接受", "我不接受", "没理解",
        "不理解", "没时间", "没有时间", "不正确", "不是本人", "我不是本人", "没呢", "不对不对",
        "听不懂",
    ),
    other=_OTHER,
    urgent=_URGENT,
    negations=_NEGATIONS,
    harmless=_HARMLESS,
)  # fmt: skip
"""A yes/no question in everyday Mandarin. 有 is left out: one syllable, a yes to few questions (add
it there), and what 不 sounds like on a telephone."""

ANY = ClosedSet(
    yes=(
        "有", "有的", "有啊", "有过", "是", "是的", "对", "对的", "说过", "说了", "讲过", "提过",
        "有说过", "有人说过", "他说过", "她说过", "他说了", "说过的", "承诺过", "他承诺过",
        "保证过", "他保证过", "对有人说过", "说保本", "有疑问", "有问题", "我有问题", "跟我说过",
        "你跟我说过", "有跟我说过", "有人跟我说过", "说过这个", "有这回事",
    ),
    no=(
        "没有", "没有没有", "没", "不", "没有的", "没有啊", "没有人", "没人", "没说", "没说过",
        "没有说", "没有说过", "没人说", "没人说过", "没有人说过", "没人跟我说过", "没有人跟我说",
        "没有人跟我说过", "没跟我说过", "没讲过", "没有讲过", "没人讲过", "没提过", "没承诺",
        "没承诺过", "没有承诺", "没有承诺过", "没人承诺", "没人跟我承诺", "没有人承诺", "没保证",
        "没保证过", "没有保证", "没有保证过", "没听说", "没听说过", "没有听说过", "没有这回事",
        "没这回事", "没有的事", "没有过", "从来没有", "从来没人说过", "真没有", "真的没有",
        "绝对没有", "都没有", "一句都没说", "没有了", "没有了谢谢", "没了", "没有疑问",
        "没有疑问了", "没疑问", "没疑问了", "没问题", "没有问题", "不用了", "不用", "没什么问题",
        "没什么疑问", "不需要", "没有没有没有",
    ),
    other=_OTHER,
    urgent=_URGENT,
    negations=_NEGATIONS,
)  # fmt: skip
"""Whether there is or was anything at all (a promise, a question): the hoped-for answer is a no."""
