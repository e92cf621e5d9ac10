"""Will more come? What the words of an utterance say about its end, for `endpoint`.

Only how long to wait is decided here, never what an answer means: a wrong CLEAR costs a caller who
is interrupted, a wrong INCOMPLETE a second of waiting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from voice.frames import Transcript
from voice.listening.closed_set import YES_NO, ClosedSet
from voice.listening.endpoint import Verdict
from voice.listening.whole import Wanted, whole

CLEAR_RATIO = 3.0  # of a yes against no and against all other answers; no wrong yes was above it
SOUND_RATIO = 5.0  # where the text is not one of the answers and the sound alone has to say it
SOUND_CHARACTERS = (
    5  # of a text that may be a misheard answer (确认 → 切任); a longer one says more
)
CLEAR_CONFIDENCE = 0.3  # of the free text where the engine has no ratios; below it is a guess
NUMBER_CONFIDENCE = 0.5
"""Of a whole number: three digits with pauses between them (一…零…八…) were written 一二三八 at
0.41 to 0.45, and numbers in one breath were taken down whole at 0.56 to 0.92."""

_MARKS = re.compile(r"[\s，。！？、；：,.!?;:…~—-]+")
_HEDGES = frozenset("喂 什么 应该是吧 差不多 好像是".split())
"""Members of a closed set after which people tend to go on."""
_FILLERS = re.compile(r"(?:[嗯呃额啊哦唔诶欸哎噢]|那个|这个|就是|我|他)+")
_GOES_ON = re.compile(
    r"(?:但是?|可是?|不过|就是|那个|这个|因为|所以|如果|要是|还有|然后|而且|或者|和|跟|比如|虽然|另外|"
    r"其实|呃|额|嗯|第|的话|跟我说|我是)$"
)
_DIGITS = "0-9０-９零〇幺一二两三四五六七八九十百千万"
_NUMBER = re.compile(rf"[{_DIGITS}年月]{{2,}}$|^[{_DIGITS}]$")
_COURTESY = "(?:谢谢|谢谢你|谢谢您|啊|呀|呢|了)*"


def verdict(heard: Transcript, answers: ClosedSet | None, wanted: Wanted | None = None) -> Verdict:
    """CLEAR, OPEN or INCOMPLETE. `answers` is the closed set of the question, whose ratios `heard`
    carries where the recogniser can tell them; `wanted` the number it asks for, if it asks for one.
    With neither nothing is CLEAR."""
    text = bare(heard.text)
    if answers is not None and heard.spelt and is_answer(heard.spelt, heard.scores, answers):
        return Verdict.CLEAR  # the second reader heard this and no syllable more
    if not text or (not heard.scores and heard.confidence < CLEAR_CONFIDENCE):
        return Verdict.OPEN
    if wanted is not None and heard.confidence >= NUMBER_CONFIDENCE and whole(text, wanted):
        return Verdict.CLEAR
    if answers is None:
        clear = wanted is not None and _is_request(text)
        return Verdict.CLEAR if clear else _unfinished(text)
    if is_answer(text, heard.scores, answers):
        return Verdict.CLEAR
    misheard = len(text) <= SOUND_CHARACTERS and text not in answers.phrases
    goes_on = _FILLERS.fullmatch(text) or _GOES_ON.search(text)
    if misheard and not goes_on and _by_sound(text, heard, answers):
        return Verdict.CLEAR
    begun = _strung(answers.yes + answers.no).sub("", text) == "我"  # 是的我…
    return Verdict.INCOMPLETE if begun else _unfinished(text)


def _unfinished(text: str) -> Verdict:
    more = _FILLERS.fullmatch(text) or _GOES_ON.search(text) or _NUMBER.search(text)
    return Verdict.INCOMPLETE if more else Verdict.OPEN


def _is_request(text: str) -> bool:
    """Something else than the number, and complete: 转人工, 再说一遍."""
    return text in YES_NO.urgent or (text in YES_NO.other and _is_finished(text))


def _is_finished(text: str) -> bool:
    return text not in _HEDGES and not _FILLERS.fullmatch(text)


def bare(text: str) -> str:
    """Without blanks and marks."""
    return _MARKS.sub("", text)


def is_answer(text: str, scores: Mapping[str, float], answers: ClosedSet) -> bool:
    """Whether bare `text` is one or several of the known `answers` as they are written, and the
    ratios, as far as there are any, are for that kind."""
    yes_no = scores.get("yes_no")
    other = scores.get("yes_other")
    if _strung(answers.yes).fullmatch(text):
        return _at_least(CLEAR_RATIO, yes_no, other)
    if _strung(answers.no).fullmatch(text):
        return yes_no is None or yes_no <= 1 / CLEAR_RATIO
    if text in answers.urgent:
        return True
    if text in answers.other:
        return _is_finished(text) and (other is None or other <= 1 / CLEAR_RATIO)
    return False


def _by_sound(text: str, heard: Transcript, answers: ClosedSet) -> bool:
    """A ratio that is missing says nothing here, and digits are no misheard answer (but one may be:
    对的 → 3). A no needs its sign in the text as well: what is no yes need not be a no."""
    if len(text) > 1 and _NUMBER.search(text):
        return False
    yes_no, other = (heard.scores.get(name, 0.0) for name in ("yes_no", "yes_other"))
    if "yes_no" in heard.scores and any(sign in text for sign in answers.negations):
        return yes_no <= 1 / SOUND_RATIO
    return _at_least(SOUND_RATIO, yes_no, other)


def _at_least(least: float, *ratios: float | None) -> bool:
    return all(ratio is None or ratio >= least for ratio in ratios)


@lru_cache(maxsize=64)
def _strung(phrases: Iterable[str]) -> re.Pattern[str]:
    """One or several of `phrases` in one breath (没有没有, 是的清楚了谢谢)."""
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile(f"(?:{'|'.join(map(re.escape, longest_first)) or '(?!)'})+{_COURTESY}")
