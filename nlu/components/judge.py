"""What one utterance means: the table of rules.yml applied, a pure function of what was heard.

A YES needs every voice to agree: the words (each one known), the classifier, and, for sound, the
recogniser's confidence and its closed-set scores. A NO needs the same care where the question
hopes for a no ("有没有人承诺保本？"). Everything else is asked again.
"""

from __future__ import annotations

import re
from math import inf

from bot.dialogue.protocol import MAX_TEXT, Meaning
from nlu.components import nearest, pinyin, reasons
from nlu.components.agreement import agreed, quiet
from nlu.components.by_sound import Sound
from nlu.components.clauses import clauses, first, read
from nlu.components.normalise import normalise
from nlu.components.table import Table, table
from nlu.components.utterance import Guess, Heard, bare, meaning

_SOUND_ALIKE = {
    "human": ("转人工", "人工服务", "人工客服", "客服人员", "有没有活人"),
    "repeat": ("再说一遍", "重复一遍", "没听清"),
}


def judge(heard: Heard, guess: Guess) -> Meaning:
    """The meaning of one utterance. Never raises on any text; bounded by MAX_TEXT characters."""
    rules = table()
    text = normalise(heard.text, MAX_TEXT)
    if not text:
        return _by_sound(text, heard, guess, rules, meaning("hedge", guess, reasons.SILENCE))
    if key := _key(text, heard, rules):
        return meaning(key, Guess(key, 1.0), "按键")
    text = rules.respelt(text)
    if row := first(rules.requests, text, heard):
        found = meaning(row.effect, guess, f"{row.id} {row.meaning}")
        return _sound(text, heard, guess, rules).human(found) or found
    if len(heard.text) >= MAX_TEXT:  # what was cut off may have said the opposite
        return meaning("other", guess, "太长")
    found = _by_sound(text, heard, guess, rules, _by_words(text, heard, guess, rules))
    if (
        found.intent == "hedge"
        and not any(doubt in found.reason for doubt in reasons.DOUBTS)
        and heard.may_request(guess.intent)
        and guess.confidence >= rules.agreement.request_over_hedge
    ):
        return meaning(guess.intent, guess, f"分类器；{found.reason}")
    return found


def _by_sound(text: str, heard: Heard, guess: Guess, rules: Table, found: Meaning) -> Meaning:
    """`found`, which the words mean, unless it was spoken and the sound knows better."""
    if heard.via != "voice":
        return found
    return _sound(text, heard, guess, rules).meaning(found) or found


def _sound(text: str, heard: Heard, guess: Guess, rules: Table) -> Sound:
    """With it goes how an answer to the same question is judged as if it had been typed, with a
    classifier that is always for it."""

    def typed(said: str) -> Meaning:
        return judge(
            Heard(said, heard.expect, phase=heard.phase, asks=heard.asks), Guess(affirm=1.0)
        )

    return Sound(text, heard, guess, rules, typed)


def _by_words(text: str, heard: Heard, guess: Guess, rules: Table) -> Meaning:
    """What the text means as it is written."""
    if not re.search("[\u4e00-\u9fff]", text) and not _foreign(text, heard, rules):
        return meaning("other", guess, reasons.FOREIGN)
    return _answer(text, heard, guess, rules) or _last_resort(text, heard, guess, rules)


def _foreign(text: str, heard: Heard, rules: Table) -> bool:
    """Whether a text without Chinese is an answer or a number all the same ("ok", "12000")."""
    return not read(bare(text), heard, rules).unknown or bool(
        first(rules.denials, text, heard) and bare(text).isalpha()
    )


def _key(text: str, heard: Heard, rules: Table) -> str | None:
    """A digit means a key if it was keyed or typed alone; spoken only with 按 ("按一")."""
    found = re.fullmatch(
        r"(?P<press>我?要?[按选]|键)?(?P<key>[0-9*一二零九])(?:号|键|号键)?", bare(text)
    )
    if not found or (heard.via == "voice" and not found["press"]):
        return None
    key = found["key"].translate(str.maketrans("一二零九", "1209"))
    return rules.keys.get(key)


def _answer(text: str, heard: Heard, guess: Guess, rules: Table) -> Meaning | None:
    """Yes, no or hedge if the table says so."""
    text = rules.essence(text, heard.question)
    if row := first(rules.answers, text, heard):
        reason = f"{row.id} {row.meaning}"
        if row.effect == "deny":
            return _no(heard, guess, reason, rules)
        return meaning(row.effect, guess, reason)
    if heard.question == "-" and (found := _claimed(text, guess, rules)):
        return found
    if row := first(rules.denials, text, heard):
        return _no(heard, guess, f"{row.id} {row.meaning}", rules)
    if rules.negators.search(text):
        sure = guess.intent == "deny" and guess.confidence >= rules.agreement.deny
        if sure and heard.question == "+":  # a no that is hoped for needs a row of the table
            return _no(heard, guess, "有否定词，分类器也判否", rules)
        return meaning("hedge", guess, reasons.WHICH)
    return _yes(text, heard, guess, rules)


def _claimed(text: str, guess: Guess, rules: Table) -> Meaning | None:
    """To "has anybody promised …": a claim without a negation in its clause is a yes."""
    parts = [c for c in text.split("，") if c]
    claims = [
        c
        for c in parts
        if rules.claims.search(c) and not (rules.negators.search(c) or rules.no_claims.search(c))
    ]
    if not claims:
        return None
    if rules.negators.search(text):
        return meaning("hedge", guess, "又说没有又说有人说过")
    return meaning("affirm", guess, "有人说过")


def _yes(text: str, heard: Heard, guess: Guess, rules: Table) -> Meaning | None:
    parts = rules.topic.sub("，", text)
    said = clauses(parts, heard, rules)
    if any(c.unknown for c in said):
        said = clauses(rules.adjuncts.without(parts), heard, rules)
    if not any(c.core or c.beside for c in said):
        return None
    if any(c.like_no for c in said):
        return meaning("hedge", guess, reasons.LIKE_NO)
    if any(c.unknown for c in said):
        return meaning("hedge", guess, reasons.STRANGE)
    if heard.question == "-":
        return meaning("affirm", guess, "说有")  # not what is hoped for: the words are enough
    if not any(c.core for c in said):
        return meaning("hedge", guess, reasons.BESIDE)
    if guess.affirm < rules.agreement.classifier:
        return meaning("hedge", guess, reasons.UNSURE)
    if heard.via == "voice" and rules.like_a_question.search(bare(text)):
        return meaning("hedge", guess, reasons.ASKED)
    if heard.via == "voice" and rules.hides(text):
        return meaning("hedge", guess, reasons.STRANGE)
    if heard.via == "voice" and "yes_no" not in heard.scores and rules.same_sound.search(text):
        return meaning("hedge", guess, reasons.SOUNDS_LIKE_NO)
    if heard.via == "voice" and _unlike(heard, rules):
        return meaning("hedge", guess, reasons.UNLIKE)
    return agreed("affirm", heard, guess, "句中每个词都是肯定", rules)


def _unlike(heard: Heard, rules: Table) -> bool:
    """Whether a text is nothing like what the second reader spelt (这是我写的 of 字是我写的), or a
    short one is not that: far from it as it was written, or, if it had to be respelt, as it was
    read (稍等 written 小的 and spelt "shao de" is no 晓得). What has no Chinese word (Yes, made of
    嗯) must have been spelt. Where it is the known answer that the sound surely is, more may have
    been misspelt, the end left out as well (可以 as ke)."""
    written = normalise(heard.text, MAX_TEXT)
    read = bare(rules.respelt(written))
    if not heard.sounds:
        return False
    if len(read) > rules.agreement.repaired_short:
        return heard.scores.get("written", 0.0) < rules.agreement.written_long
    if len(read) == 1:  # other words are as near: 常 to 成, 包 to 好
        return not pinyin.says(heard.sounds, read)
    need = rules.agreement
    told = (
        nearest.same(read, heard.nearest) and nearest.kind(heard.scores, need.told_ratio) == "yes"
    )
    if len(read) == 2 and not (told or quiet(heard, need)):
        return not pinyin.says(heard.sounds, read)  # 退保 was written 知道 and spelt ji dao
    least = need.written_told if told and len(read) >= need.written_told_from else need.written
    if not heard.spelt and heard.scores.get("written", -inf) < least:
        return not (told and pinyin.begins(pinyin.spelt(heard.sounds), read))
    return read != bare(written) and not pinyin.says(heard.sounds, read)


def _no(heard: Heard, guess: Guess, reason: str, rules: Table) -> Meaning:
    """A no; hoped for by the question it needs agreement, otherwise the words are enough."""
    if heard.question == "+":
        return meaning("deny", guess, reason)
    if guess.intent == "affirm" and guess.confidence >= rules.agreement.classifier_loose:
        return meaning("hedge", guess, "文字像否，分类器不同意")
    return agreed("deny", heard, guess, reason, rules)


def _last_resort(text: str, heard: Heard, guess: Guess, rules: Table) -> Meaning:
    """The table was silent: similar sounds, then the classifier, which brings anything but yes."""
    for intent, phrases in _SOUND_ALIKE.items():
        # A human too many costs a minute, one too few is a caller left alone.
        alike = pinyin.nearly if intent == "human" else pinyin.contains
        if phrase := alike(text, phrases):
            return meaning(intent, guess, f"读音像“{phrase}”")
    if heard.may_request(guess.intent) and guess.confidence >= rules.agreement.request:
        return meaning(guess.intent, guess, reasons.GUESSED)
    if guess.intent == "inform" or (
        guess.intent == "other" and guess.confidence >= rules.agreement.other
    ):
        return meaning(guess.intent, guess, reasons.GUESSED)
    return meaning("hedge", guess, reasons.NOTHING)
