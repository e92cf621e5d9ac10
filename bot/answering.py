"""Who answers a call that we placed: a person, or a machine? Decided from what is heard. Pure.

We speak at once, as to a person (a detector that waits costs a person two seconds of dead air), and
listen for what only machines say. Before identity is proven nothing of the contract is spoken, so a
machine that is not recognised learns nothing; and a machine never answers an item.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PATTERNS: Mapping[str, str] = {
    # outcome of the call → what such a machine says, in characters without punctuation
    "voicemail": (
        r"(滴|嘀|哔|提示音|嘟)(的?一)?声?(之后|以后|后).{0,4}留言|请.{0,6}留言|语音(信箱|留言)|留言请按"
        r"|leaveamessage|afterthe(tone|beep)|voicemail"
    ),
    "switched_off": r"(用户|电话|号码)已(经)?关机|poweredoff|switchedoff",
    "no_such_number": (
        r"(号码|电话)(是|为)?空号|空号.{0,6}查证|号码不存在|doesnotexist|notinservice"
    ),
    "line_busy": r"(用户|电话|号码)?正在通话|正在通话中|用户(正)?忙|thenumberyoudialedisbusy",
    "unreachable": (
        r"暂时?(无法|不能)接通|不在服务区|无法接通|cannotbeconnected|outofservicearea"
        r"|(用户|电话).{0,4}无人接听"
    ),
    "suspended": r"已停机|已?暂停服务|欠费停机",
    "screener": (
        r"(智能|语音|通话|来电|电话)(助理|助手|秘书|管家).{0,12}(机主|主人|代接|请问|请说|为您|有什么)"
        r"|(机主|主人).{0,10}(助理|助手|秘书|不方便接|暂时.{0,6}接|正忙)"
        r"|(我会|帮您|为您)(帮您|将您|把您)?.{0,6}(转告|转达)(机主|主人|给他|给她)"
    ),
    "fax_or_menu": r"(查询|普通话|人工服务|国语|英语)请按.{1,2}|请(直)?拨分机号",
}
_MACHINES = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}
_NOISE = re.compile(r"[\s\W_]+")


def machine(text: str) -> str:
    """The outcome a machine's words mean: voicemail, switched_off, no_such_number, line_busy,
    unreachable, suspended, screener or fax_or_menu. Empty when a person may have said them."""
    said = _NOISE.sub("", text).lower()
    return next((kind for kind, pattern in _MACHINES.items() if pattern.search(said)), "")
