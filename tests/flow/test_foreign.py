"""What a language's table may mean is what the dialogue makes of it: held on the real dialogue."""

from __future__ import annotations

import pytest

from bot.dialogue.client import Dialogue
from bot.questionnaires.foreign import MEANINGS
from bot.questionnaires.translation import load

pytestmark = [pytest.mark.rasa, pytest.mark.asyncio(loop_scope="session")]

ANSWERS = {"是": "yes", "不是": "no"}
REQUESTS = {
    "再说一遍": "repeat",
    "转人工": "human",
    "这是什么意思": "explain",
    "等一下": "wait",
    "我现在没空": "busy",
    "打错了": "wrong_person",
    "我要投诉": "complain",
    "我要退保": "complain",
}


@pytest.mark.parametrize("meaning", sorted(MEANINGS))
@pytest.mark.parametrize("expect", ["yes", "no"])
async def test_a_meaning_is_that_answer_or_request_and_never_another(
    meaning: str, expect: str, dialogue: Dialogue
) -> None:
    found = await dialogue.parse(meaning, expect)  # type: ignore[arg-type]
    if meaning == "不知道":
        assert (found.answer, found.request) in {("no", None), ("unclear", None)}
        assert found.answer == "unclear" or expect == "yes"
    else:
        assert found.answer == ANSWERS.get(meaning, "unclear")
        assert found.request == REQUESTS.get(meaning)


WHOLE = ("15年", "15日", "1979年4月25日", "12000元", "明天下午3点", "")


@pytest.mark.parametrize("value", [*WHOLE, *sorted(set(load("ko-2026.1").foreign.values.values()))])
@pytest.mark.parametrize("expect", ["yes", "no"])
async def test_a_value_is_never_a_yes_or_a_no(value: str, expect: str, dialogue: Dialogue) -> None:
    found = await dialogue.parse(value, expect)  # type: ignore[arg-type]
    assert found.answer == "unclear"
