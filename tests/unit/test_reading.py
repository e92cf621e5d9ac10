"""How hanzi are read: what dictionaries get wrong, and where a name is a name."""

from __future__ import annotations

import pytest

from tests.bench.made_up import made_up
from voice.speaking import lexicon
from voice.speaking.normalise import normalise
from voice.speaking.reading import read


def syllables(text: str) -> str:
    return " ".join(syllable for word in read(normalise(text)) for syllable in word.syllables)


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("退还", "tui4 huan2"),
        ("还款", "huan2 kuan3"),
        ("还会再赔", "hai2 hui4 zai4 pei2"),
        ("重新计算", "chong2 xin1 ji4 suan4"),
        ("重大疾病", "zhong4 da4 ji2 bing4"),
        ("长乐", "chang2 le4"),
        ("安心长相伴", "an1 xin1 chang2 xiang1 ban4"),
        ("只涨不跌", "zhi3 zhang3 bu4 die1"),
        ("犹豫期从三月起", "you2 yu4 qi1 cong2 san1 yue4 qi3"),
        ("您是单先生吗", "nin2 shi4 shan4 xian1 sheng1 ma5"),
        ("您是尉迟女士吗", "nin2 shi4 yu4 chi2 nv3 shi4 ma5"),
        ("您是长孙先生吗", "nin2 shi4 zhang3 sun1 xian1 sheng1 ma5"),
        ("简单", "jian3 dan1"),
        ("保单", "bao3 dan1"),
        ("被保险人是单子涵，", "bei4 bao3 xian3 ren2 shi4 shan4 zi3 han2"),
        ("这份保险保的是曾少华，", "zhe4 fen4 bao3 xian3 bao3 de5 shi4 zeng1 shao4 hua2"),
        ("被保险人查乐乐的签名", "bei4 bao3 xian3 ren2 zha1 le4 le4 de5 qian1 ming2"),
        ("被保险人本人的签名", "bei4 bao3 xian3 ren2 ben3 ren2 de5 qian1 ming2"),
    ],
)
def test_readings(text: str, reading: str) -> None:
    assert syllables(text) == reading


def test_words_of_the_trade_stay_whole() -> None:
    words = [word.text for word in read("犹豫期从明天起，按零转人工。")]
    assert {"犹豫期", "按零", "转人工"} <= set(words)


def test_every_character_has_its_syllable_and_punctuation_none() -> None:
    for policy in made_up(30):
        text = normalise(f"《{policy.product_name}》，被保险人是{policy.insured}。")
        for word in read(text):
            hanzi = "一" <= word.text[0] <= "鿿"
            assert len(word.syllables) == (len(word.text) if hanzi else 0)
        assert "".join(word.text for word in read(text)) == text


def test_what_the_lexicon_says_is_known_for_a_text() -> None:
    assert lexicon.applied("您好") == ()
    assert lexicon.applied("单女士") == ("0 shan4",)
    assert lexicon.applied("犹豫期") == ("犹豫期",)
