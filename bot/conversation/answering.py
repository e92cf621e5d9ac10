"""Who answers a call that we placed: a person, or a machine? Decided from what is heard. Pure.

We speak at once, as to a person (a detector that waits costs a person two seconds of dead air), and
listen for what only machines say. Before identity is proven nothing of the contract is spoken, so a
machine that is not recognised learns nothing; and a machine never answers an item.

Recorded prompts are compared by their sound (pinyin without tones), because that is what a
recogniser gets right about them: 已关机 comes out as 以关机, 嘀声后 as 迪生后.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pypinyin import lazy_pinyin

# Outcome of the call → what such a machine says, as syllables with a space after each.
_SOUNDS: Mapping[str, str] = {
    "voicemail": (
        r"(ti shi yin|sheng) (\w+ ){0,2}hou (\w+ ){0,4}liu yan |qing (\w+ ){0,9}liu yan "
        r"|yu yin (xin xiang|liu yan)|liu yan qing an"
    ),
    "switched_off": r"(yong hu|dian hua|hao ma) (yi )?(jing )?guan ji ",
    "no_such_number": r"(hao ma|dian hua) (shi |wei )?kong hao |kong hao qing |hao ma bu cun zai ",
    "line_busy": r"(yong hu|dian hua|hao ma) (zheng )?zai tong hua |(yong hu|hao ma) zheng mang ",
    "unreachable": (
        r"(dian hua|yong hu|hao ma) (\w+ ){0,3}(wu fa|bu neng) jie tong |bu zai fu wu qu "
        r"|(yong hu|bo da de dian hua|hu jiao de dian hua) (\w+ ){0,3}wu ren jie ting "
    ),
    "suspended": (
        r"(dian hua|hao ma|yong hu) yi (jing )?(zan )?ting (ji|zhi fu wu) |qian fei ting ji "
    ),
    "operator": r"qing (shao |he dui |cha zheng )hou zai bo ",
}
_WORDS: Mapping[str, str] = {
    "voicemail": r"leaveamessage|afterthe(tone|beep)|voicemail",
    "switched_off": r"poweredoff|switchedoff|ispoweroff",
    "no_such_number": r"doesnotexist|notinservice",
    "line_busy": r"youdial(l?ed)?isbusy",
    "unreachable": r"cannotbeconnected|outofservicearea",
    "screener": (
        r"(智能|语音|通话|来电|电话)(助理|助手|秘书|管家).{0,12}(机主|主人|代接|请问|请说|为您|有什么)"
        r"|(机主|主人).{0,10}(助理|助手|秘书|不方便接|暂时.{0,6}接|正忙)"
        r"|(我会|帮您|为您)(帮您|将您|把您)?.{0,6}(转告|转达)(机主|主人|给他|给她)"
    ),
    "menu": r"(查询|普通话|人工服务|国语|英语)请按.{1,2}|请(直)?拨分机号",
}
_BY_SOUND = {kind: re.compile(pattern) for kind, pattern in _SOUNDS.items()}
_BY_WORD = {kind: re.compile(pattern) for kind, pattern in _WORDS.items()}
_NOISE = re.compile(r"[\s\W_]+")
MAX_TEXT = 300  # characters looked at; a machine has said what it is by then


def machine(text: str) -> str:
    """The outcome a machine's words mean: voicemail, switched_off, no_such_number, line_busy,
    unreachable, suspended, operator (another prompt of a carrier), screener (an assistant that asks
    who is calling) or menu. Empty when a person may have said them."""
    said = _NOISE.sub("", text[:MAX_TEXT]).lower()
    sound = "".join(f"{syllable} " for syllable in lazy_pinyin(said))
    for patterns, heard in ((_BY_WORD, said), (_BY_SOUND, sound)):
        for kind, pattern in patterns.items():
            if pattern.search(heard):
                return kind
    return ""
