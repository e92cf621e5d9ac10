"""Person or machine, by words. People's words must never end a call."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.conversation.answering import machine

MACHINES = {
    "voicemail": [
        "您好，我现在不方便接听电话，请在嘀声后留言。",
        "请在提示音之后留言",
        "请您在听到嘟的一声以后留言，录音完毕请挂机",
        "您拨打的用户已开通语音信箱，留言请按1",
        "您好,我现在不方便接听电话,请在迪生后留言。",
        "您好,我现在不方便接听电话,请在迪生和后流眼。",
        "Please leave a message after the tone.",
    ],
    "switched_off": [
        "您好，您拨打的电话已关机。Sorry, the subscriber you dialed is power off.",
        "对不起您所拨打的用户已经关机",
        "您好您播打的用户以关机。",
    ],
    "no_such_number": [
        "您好，您拨打的号码是空号，请核对后再拨。",
        "您所拨打的电话号码不存在请查证后再拨",
    ],
    "line_busy": ["您好，您所拨打的用户正在通话中，请稍后再拨。", "您拨叫的用户正忙请稍后再拨"],
    "unreachable": [
        "对不起，您所拨打的电话暂时无法接通，请稍后再拨。",
        "您拨打的用户不在服务区",
        "您呼叫的用户暂时无人接听请稍后再拨",
    ],
    "operator": ["请稍后再拨。", "请核对后再拨"],
    "suspended": ["您好，您所拨打的电话已停机。"],
    "screener": [
        "您好，我是机主的智能助理，请问您是哪位，找他有什么事？",
        "你好我是语音秘书，机主暂时不方便接听电话",
        "您好，这里是来电助手，我会帮您转告机主",
    ],
    "menu": ["欢迎致电，普通话请按1，英语请按2", "您好请直拨分机号查号请拨零"],
}


@pytest.mark.parametrize(("kind", "text"), [(k, t) for k, ts in MACHINES.items() for t in ts])
def test_what_only_machines_say(kind: str, text: str) -> None:
    assert machine(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "", "喂，你好。", "哪位？", "请问您是哪位？", "你找谁啊", "我现在正在打电话，等会儿再打来",
        "我在开会，不方便接电话", "我老公不在，你有什么事", "他手机没电关机了，你打他座机",
        "我听不清，信号不好", "我是他助理，他在开会", "不用给我留言，直接说吧", "转人工",
        "这个号码是我儿子的", "我按哪个键", "请你说慢一点", "我帮你转告他", "我刚才打不通你们电话",
        "请您留个言给我儿子", "他电话停机了", "我关机了一天", "你等会儿再拨过来吧",
        "我这边占线，你再打",
    ],
)  # fmt: skip
def test_people_are_people(text: str) -> None:
    assert machine(text) == ""


def test_no_answer_of_the_test_sets_is_taken_for_a_machine() -> None:
    folder = Path(__file__).parents[1] / "dialogue"
    for file in sorted(folder.glob("*.tsv")):
        for line in file.read_text(encoding="utf-8").splitlines():
            for cell in line.split("\t"):
                assert machine(cell) == "", cell
