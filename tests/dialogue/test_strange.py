"""Sentences with a word of yes in them that are no yes: somebody else's, of another paper, hearsay,
half of it, some day, in jest; and denials that are not the no that is hoped for. With a classifier
that always believes, the words alone must refuse every one; and what may stand in a phrase of place
or means must never be a person."""

from __future__ import annotations

import random

import pytest

from nlu.components.dictionary import words_of
from nlu.components.judge import judge
from nlu.components.table import table
from nlu.components.utterance import Guess, Heard
from tests.dialogue.corpus import HERE

BELIEVER = Guess("affirm", 0.99, 0.99)
DENIER = Guess("deny", 0.99, 0.0)
STRANGE = (HERE / "strange.txt").read_text(encoding="utf-8").split()
STRANGE_NO = (HERE / "strange_no.txt").read_text(encoding="utf-8").split()


def is_yes(text: str) -> bool:
    return judge(Heard(text), BELIEVER).answer == "yes"


def test_no_strange_sentence_is_a_yes() -> None:
    assert len(STRANGE) > 1000
    assert not [text for text in STRANGE if is_yes(text)]


def test_no_strange_denial_is_the_no_that_is_hoped_for() -> None:
    """Has anybody promised you …? A 没有 that is taken back, or that denies something else."""
    assert len(STRANGE_NO) > 50
    heard = [Heard(text, "no") for text in STRANGE_NO]
    assert not [h.text for h in heard if judge(h, DENIER).answer == "no"]


@pytest.mark.parametrize(
    "text",
    [
        "字是我用钢笔签的",
        "我拿放大镜一个字一个字看完的",
        "收到了，我搁大衣柜里头锁着呢",
        "合同啊，收到啦，就在茶几上放着",
        "是我签的，在建设路那个支行签的",
        "我在药店旁边签的",
    ],
)
def test_where_and_with_what_it_was_done_changes_no_yes(text: str) -> None:
    assert is_yes(text)


def is_known(word: str) -> bool:
    """Whether a reviewed list holds it, whole or as several words of two characters or more."""
    rules = table()
    if rules.respelt(word) != word or any(w.fullmatch(word) for w in rules.vocabulary.values()):
        return True
    return any(is_known(word[:at]) and is_known(word[at:]) for at in range(2, len(word) - 1))


NOUNS = sorted(words_of(frozenset({"n", "nr", "nz"}))[0] & table().whole)
PEOPLE = [word for word in NOUNS if word[-1] in "人员师工姐妹哥弟爸妈爷奶叔姨婆媳"]


@pytest.mark.parametrize(
    "said", ["在{}签的", "放{}了，收到了", "用{}签的字", "拿{}办的", "去{}那签的"]
)
def test_nobody_else_stands_in_a_phrase_of_place_or_means(said: str) -> None:
    people = random.Random(said).sample(PEOPLE, 400)
    assert not table().adjuncts.words.intersection(people)
    assert not [text for who in people if is_yes(text := said.format(who)) and not is_known(who)]


@pytest.mark.parametrize(
    "said",
    ["{}签的", "{}知道", "{}收到了", "我收到的是{}", "我买的是{}", "收到了，是{}", "同意，{}"],
)
def test_an_unknown_word_is_no_part_of_a_yes(said: str) -> None:
    """Random nouns of the dictionary, also those that could be read in pieces: fewer than one in
    500 passes, where its characters and those around it make up other words (起点|了, 起|点了)."""
    nouns = random.Random(said).sample(NOUNS, 2000)
    passed = [said.format(n) for n in nouns if is_yes(said.format(n)) and not is_known(n)]
    assert len(passed) < 4, passed
