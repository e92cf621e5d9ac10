"""A yes must be a yes to what was asked: with a classifier that always believes in a yes, words
bound to another question are refused, general ones count everywhere, and where nobody says what was
asked every word of yes counts as it always did."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import yaml

from bot.dialogue.protocol import Asks
from nlu.components.judge import judge
from nlu.components.table import table
from nlu.components.utterance import Guess, Heard
from tests.dialogue.corpus import HERE

BELIEVER = Guess("affirm", 0.99, 0.99)
BESIDE = "答非所问"
ASKS: tuple[str, ...] = get_args(Asks)
FILE = HERE.parent.parent / "bot" / "questionnaires" / "zh-2026.1.yml"
QUESTIONS: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
ITEMS: dict[str, Any] = QUESTIONS["items"]

GENERAL = [
    "是", "是的", "是啊", "对", "对的", "没错", "好", "好的", "行", "可以", "没问题", "嗯呐", "中",
    "确认", "正确", "属实", "系啊", "那当然", "没意见", "千真万确", "就是你说的这样", "对，我签的",
    "是的我知道", "是的，收到了", "好的，看过了", "嗯，对，清楚", "可不是嘛",
]  # fmt: skip

BOUND = {
    "清楚": "know", "清楚了": "know", "知道了": "know", "我知道": "know", "明白": "know",
    "晓得": "know", "了解": "know", "理解了": "know", "听懂了": "know", "心里有数": "know",
    "没有不清楚的": "know", "知道知道": "know", "十五天嘛，知道": "know", "门儿清": "know",
    "收到了": "received", "收到": "received", "我收到的": "received", "签收了": "received",
    "拿到了": "received", "领到了": "received", "在家放着呢": "received", "收着呢": "received",
    "锁柜子里了": "received", "手机里存着呢": "received", "合同在我手里呢": "received",
    "签了": "signed", "我签的": "signed", "是我签的": "signed", "是我亲笔签的": "signed",
    "签字了": "signed", "我签的字": "signed", "签过了": "signed", "是我的字": "signed",
    "抄过": "copied", "我抄的": "copied", "是我抄的": "copied", "抄写了": "copied",
    "看过了": "read", "看了": "read", "我看的": "read", "读完了": "read", "翻过了": "read",
    "从头到尾看了": "read", "看懂了": "read know", "看清楚了": "read know",
    "买了": "bought", "我买的": "bought", "是我自己买的": "bought", "我自己去办的": "bought",
    "是我给孩子买的": "bought", "是我和老伴商量好买的": "bought",
    "我拿的主意": "bought agree", "我是投保人": "bought person",
    "自愿的": "bought agree meant", "愿意": "bought know agree meant",
    "同意": "know agree", "接受": "know agree", "能承受": "know agree", "我认": "know agree",
    "告知了": "told", "如实告知了": "told", "如实填的": "told", "都填了": "told",
    "录过": "recorded copied", "录像了": "recorded", "做过": "recorded", "参加了": "recorded",
    "方便": "convenient", "有空": "convenient", "不忙": "convenient", "能聊": "convenient",
    "电话没换": "contact", "还是那个地址": "contact", "就这个号": "contact",
    "地址没变": "contact", "用了十几年了": "contact", "是我的手机": "contact",
    "一次交清了": "paid", "是真心话": "meant", "是我的真实意思": "meant",
    "核对过了": "fact", "是那天收到的": "fact received",
    "是我": "person bought signed copied contact", "本人": "person bought signed copied contact",
    "就是我": "person bought signed copied contact",
    "我写的": "signed copied told", "亲笔写的": "signed copied told",
    "我自己点的": "signed bought", "记得": "know recorded", "满意": "",
    "签了，收到了": "signed received", "收到了，清楚": "received know",
    "看过了，知道": "read know", "是我，清楚": "person bought signed copied contact know",
}  # fmt: skip
"""What somebody says → the questions that it answers; the others it must not."""


def said(text: str, *asks: str, **heard: Any) -> tuple[str, str]:
    meaning = judge(Heard(text, asks=asks, **heard), BELIEVER)
    return meaning.answer, meaning.reason


@pytest.mark.parametrize("text", [*GENERAL, *BOUND])
def test_where_nobody_says_what_was_asked_every_word_of_yes_counts(text: str) -> None:
    assert said(text)[0] == "yes"


@pytest.mark.parametrize("text", GENERAL)
def test_a_general_yes_counts_everywhere(text: str) -> None:
    assert {said(text, ask)[0] for ask in ASKS} == {"yes"}


@pytest.mark.parametrize("text", BOUND)
def test_a_word_of_yes_answers_its_own_questions_and_no_others(text: str) -> None:
    accepted = {ask for ask in ASKS if said(text, ask)[0] == "yes"}
    assert accepted == set(BOUND[text].split())
    refused = {said(text, ask) for ask in ASKS if ask not in accepted}
    assert refused == {("unclear", BESIDE)}


def test_a_question_may_ask_for_several_and_one_is_enough() -> None:
    assert said("我签的", "copied", "signed")[0] == "yes"
    assert said("知道", "copied", "signed") == ("unclear", BESIDE)


def test_what_is_no_yes_stays_none_whatever_was_asked() -> None:
    for text in ("不清楚", "没收到", "不是我签的", "收到了吧", "我老伴清楚", "应该收到了", "嗯"):
        assert not {said(text, ask)[0] for ask in ASKS} & {"yes"}, text
    assert said("收到了，清楚什么呀", "know")[0] != "yes"


def test_a_no_is_a_no_whichever_word_denies() -> None:
    assert said("没收到", "know")[0] == "no"
    hoped = Heard("没有", "no", asks=("know",))
    assert judge(hoped, Guess("deny", 0.99, 0.0)).answer == "no"


def test_a_kind_that_the_table_does_not_know_leaves_only_the_general_words() -> None:
    assert said("清楚", "something") == ("unclear", BESIDE)
    assert said("是的", "something")[0] == "yes"


CLEAR_LINE = {"yes_no": 9.0, "yes_other": 9.0, "known": 2.0, "lost_no": 0.001, "snr_db": 40.0}


@pytest.mark.parametrize("text", ["轻楚了", "首到啦", "我听明白啦"])
def test_sound_makes_no_yes_of_a_word_beside_the_question(text: str) -> None:
    """Whether it was written or had to be read by its sound."""
    heard = {"via": "voice", "confidence": 0.9, "scores": CLEAR_LINE, "nearest": "收到了"}
    assert said(text, "signed", **heard)[0] == "unclear"


def test_a_sound_that_is_surely_the_answer_to_another_question_is_no_yes() -> None:
    sure = dict.fromkeys(("yes_no", "yes_other", "no_other", "known"), 99.0)
    heard = {"via": "voice", "confidence": 0.9, "nearest": "收到了"}
    for text in ("首刀了", "收到了"):
        heard["scores"] = {**sure, "lost_no": 0.0, "snr_db": 40.0}
        assert said(text, "received", **heard)[0] == "yes"
        assert said(text, "know", **heard)[0] == "unclear"


@pytest.mark.parametrize("id", [id for id, item in ITEMS.items() if item["expect"] == "yes"])
def test_the_usual_answers_of_an_item_answer_it(id: str) -> None:
    """The questionnaire's own phrases, which the recogniser is told to expect."""
    item = ITEMS[id]
    usual = [text for text in QUESTIONS["phrases"][item["phrases"]] if said(text)[0] == "yes"]
    assert len(usual) >= 2
    assert not [text for text in usual if said(text, *item["asks"])[0] != "yes"]


@pytest.mark.parametrize(("clause", "ask"), [("O4", "convenient"), ("I1", "person")])
def test_the_usual_answers_of_the_opening_answer_it(clause: str, ask: str) -> None:
    usual = QUESTIONS["phrases"][QUESTIONS["clauses"][clause]["phrases"]]
    usual = [text for text in usual if said(text)[0] == "yes"]
    assert usual
    assert not [text for text in usual if said(text, ask)[0] != "yes"]


def test_the_table_has_words_for_every_question_that_is_asked() -> None:
    asked = {ask for item in ITEMS.values() for ask in item.get("asks", ())}
    assert asked <= set(ASKS) == set(table().answers_to.to)
