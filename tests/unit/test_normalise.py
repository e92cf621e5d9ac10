"""Text as it is said: no engine ever sees a digit or a letter."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.speaking.normalise import normalise
from voice.speaking.phrasing import phrased

SPEAKABLE = re.compile(r"[一-鿿，。？！；：、]*")

LIKELY = st.one_of(
    st.sampled_from(
        "0123456789年月日号元万%‰.,:-/~¥$()（）《》“”、。？ \nABXabx第个至两〇○①Ⅳ½٣１䶮é"
    ),
    st.sampled_from(("保单号", "尾号", "拨打", "RMB")),
)


@given(st.one_of(st.text(max_size=60), st.lists(LIKELY, max_size=40).map("".join)))
def test_only_hanzi_and_punctuation_are_left_and_twice_is_once(text: str) -> None:
    once = normalise(text)
    assert SPEAKABLE.fullmatch(once), once
    assert normalise(once) == once


@pytest.mark.parametrize(
    ("written", "said"),
    [
        # dates, years, times
        ("您于2026年3月1日投保", "您于二零二六年三月一日投保"),
        ("2026-03-01", "二零二六年三月一日"),
        ("2026/3/15", "二零二六年三月十五日"),
        ("2026年03月08日", "二零二六年三月八日"),
        ("2026年3月2日-2026年3月16日", "二零二六年三月二日至二零二六年三月十六日"),
        ("54年3月8日", "五四年三月八日"),
        ("每天9:00-21:00", "每天九点至二十一点"),
        ("14:05", "十四点零五分"),
        ("二〇二六年", "二零二六年"),
        # amounts
        ("12000元", "一万二千元"),
        ("12,000.50元", "一万二千元五角"),
        ("5000.05元", "五千元零五分"),
        ("0.05元", "五分"),
        ("¥2000", "两千元"),
        ("1.2万元", "一点二万元"),
        ("2万元", "两万元"),
        ("100010元", "十万零一十元"),
        # percentages
        ("2.5%", "百分之二点五"),
        ("2%-3%", "百分之二至百分之三"),
        ("-1.5%", "负百分之一点五"),
        ("3‰", "千分之三"),
        # terms and counts
        ("犹豫期共15天", "犹豫期共十五天"),
        ("共交2年，第2年起", "共交两年，第二年起"),
        ("保至105岁", "保至一百零五岁"),
        ("约3-5分钟", "约三至五分钟"),
        # numbers that name something
        ("保单号尾号0123", "保单号尾号零幺二三"),
        ("后四位是123X", "后四位是幺二三艾克斯"),
        ("客服热线95500", "客服热线九五五零零"),
        ("拨打400-820-1234", "拨打四零零八二零幺二三四"),
        ("电话021-12345678", "电话零二幺幺二三四五六七八"),
        ("请打13812345678", "请打幺三八幺二三四五六七八"),
        ("身份证号11010119540308123X", "身份证号幺幺零幺零幺幺九五四零三零八幺二三艾克斯"),
        ("保单号P2024-0012", "保单号批二零二四零零幺二"),
        ("20260301", "二零二六零三零幺"),
        # but these count something, though they follow such a word or look like one
        ("95500元", "九万五千五百元"),
        ("按8位出生年月日或后4位", "按八位出生年月日或后四位"),
        # keys, letters, signs
        ("按0转人工，按*慢一点，按#号键", "按零转人工，按星号慢一点，按井号键"),
        ("AI", "诶艾"),
        ("《安心康健终身寿险（分红型）》，", "安心康健终身寿险，分红型，"),
        ("说“转人工”。……", "说转人工。"),
        # a rare hanzi in a name by one that sounds the same; unspeakable things by nothing
        ("䶮先生", "奄先生"),
        ("😀<b>", "必"),
        ("  ，。", ""),
    ],
)
def test_reading(written: str, said: str) -> None:
    assert normalise(written) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("清楚请按1号键，不清楚请按2号键。", "清楚请按一号键，不清楚请按二号键。"),
        ("肯定按1号键，否定按2号键。", "肯定，按一号键，否定，按二号键。"),
        ("请按1号键或者2号键。", "请按一号键，或者二号键。"),
        ("尾号是8216。", "尾号是八二，幺六。"),
        ("尾号是6260的这个电话", "尾号是六二，六零的这个电话"),
        ("保障的时间是至88周岁。", "保障的时间是至八十八周岁。"),
        ("在这段时间里，您可以退掉保险。", "在这段时间里，您可以退掉保险。"),
        ("请拨打95500。", "请拨打九五五零零。"),
        ("可以直接说，也可以按键。", "可以直接说，也可以按键。"),
    ],
)
def test_the_voice_breathes_before_what_must_not_be_run_over(text: str, said: str) -> None:
    once = phrased(normalise(text))
    assert once == said
    assert phrased(once) == once


@given(st.text(max_size=60))
def test_breathing_changes_no_word(text: str) -> None:
    plain = normalise(text)
    assert phrased(plain).replace("，", "") == plain.replace("，", "")
