"""What one utterance means: the table of rules.yml applied, a pure function of what was heard.

A YES needs every voice to agree: the words (each one known), the classifier, and, for sound, the
recogniser's confidence and its closed-set scores. A NO needs the same care where the question
hopes for a no ("有没有人承诺保本？"). Everything else is asked again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.dialogue.protocol import MAX_TEXT, Answer, Meaning
from nlu.components import nearest, pinyin
from nlu.components.dictionary import pieced
from nlu.components.normalise import normalise
from nlu.components.table import Agreement, Row, Table, table

REQUESTS = {
    name: name
    for name in (
        "human", "repeat", "slower", "louder", "explain", "wait",
        "wrong_person", "complain", "busy", "goodbye", "other",
    )
} | {"surrender": "complain", "coached": "complain"}  # fmt: skip
ANSWERS: dict[str, Answer] = {"affirm": "yes", "deny": "no"}

# Kinds of words that are a yes in themselves, by what the question hopes for.
_CORES = {"+": {"agree", "good", "know", "did"}, "-": {"agree", "had"}}
_SOUND_ALIKE = {
    "human": ("转人工", "人工服务", "人工客服", "客服人员", "有没有活人"),
    "repeat": ("再说一遍", "重复一遍", "没听清"),
}


_MUFFLED, _OTHERWISE, _SOUNDS_LIKE_NO = "听得不够清楚", "声音和文字不一致", "读音和否定一样"
_UNSURE, _NOISY = "文字像是，分类器不同意", "背景太吵，请按键"
_LOST_NO = "可能漏听了不或没"
_ASKED = "嘛和吗读音一样，可能是反问"
_BESIDE = "答非所问"
_WHICH, _LIKE_NO = "有否定词，但说不准否定什么", "有个字读音像不或没"
_STRANGE, _NOTHING, _GUESSED, _FOREIGN = "有听不懂的词", "没有听懂", "分类器", "不是中文"
_UNREAD = (_STRANGE, _NOTHING, _GUESSED, _FOREIGN)
"""The words as they were written decided nothing: they may be read by their sound."""
_DOUBTS = (_ASKED, _BESIDE, _MUFFLED, _OTHERWISE, _SOUNDS_LIKE_NO, _UNSURE, _NOISY, _LOST_NO)
"""The words were an answer, only the sound or what it answers was doubtful: no request may be made
of them."""
_DENIED = (*_UNREAD, _WHICH, _LIKE_NO, _LOST_NO)
"""The words as they were written may have been a no."""
_MODEST = {"human", "repeat", "slower", "louder", "explain", "wait"}
"""Requests that may be granted for their sound alone: who did not make them is asked again."""


@dataclass(frozen=True)
class Guess:
    """The classifier's opinion."""

    intent: str = "other"
    confidence: float = 0.0
    affirm: float = 0.0  # the probability it gives to a yes, first choice or not


@dataclass(frozen=True)
class Heard:
    """One utterance and what is known about how it was heard and what was asked."""

    text: str
    expect: str = "yes"  # what the question hopes for: yes or no
    via: str = "text"
    confidence: float = 1.0  # the recogniser's, 0..1
    scores: Mapping[str, float] = field(default_factory=dict)  # see voice.frames.Transcript
    phase: str = ""
    nearest: str = ""  # the known answer that explains the sound best
    asks: tuple[str, ...] = ()  # what the question asks for; empty: not known

    @property
    def question(self) -> str:
        return "-" if self.expect == "no" else "+"


def judge(heard: Heard, guess: Guess) -> Meaning:
    """The meaning of one utterance. Never raises on any text; bounded by MAX_TEXT characters."""
    rules = table()
    text = normalise(heard.text, MAX_TEXT)
    if not text:
        return _meaning("hedge", guess, "什么也没听到")
    if key := _key(text, heard, rules):
        return _meaning(key, Guess(key, 1.0), "按键")
    text = rules.respelt(text)
    if row := _first(rules.requests, text, heard):
        return _meaning(row.effect, guess, f"{row.id} {row.meaning}")
    if len(heard.text) >= MAX_TEXT:  # what was cut off may have said the opposite
        return _meaning("other", guess, "太长")
    found = _by_words(text, heard, guess, rules)
    if heard.via == "voice":
        found = _by_sound(text, found, heard, guess, rules) or found
    if (
        found.intent == "hedge"
        and not any(doubt in found.reason for doubt in _DOUBTS)
        and guess.intent in REQUESTS
        and guess.confidence >= rules.agreement.request_over_hedge
    ):
        return _meaning(guess.intent, guess, f"分类器；{found.reason}")
    return found


def _by_words(text: str, heard: Heard, guess: Guess, rules: Table) -> Meaning:
    """What the text means as it is written."""
    if not re.search("[\u4e00-\u9fff]", text) and not _foreign(text, heard, rules):
        return _meaning("other", guess, _FOREIGN)
    return _answer(text, heard, guess, rules) or _last_resort(text, guess, rules)


def _by_sound(
    text: str, found: Meaning, heard: Heard, guess: Guess, rules: Table
) -> Meaning | None:
    """What an utterance means by its sound, where the words as written decided nothing."""
    if found.answer != "yes" and pinyin.asks_for_human(text):
        return _meaning("human", guess, "读音像“人工”")
    if found.answer == "unclear" and heard.scores.get("urgent", 0.0) >= rules.agreement.urgent:
        return _meaning("human", guess, f"声音像要人工；{found.reason}")
    if found.answer == "unclear" and (known := _nearest(text, found, heard, guess, rules)):
        return known
    if found.answer != "unclear" or found.reason not in _UNREAD:
        return None
    if heard.question == "-" or rules.negators.search(text):
        return None
    return _repaired(text, heard, guess, rules) or _alike(text, heard, guess, rules)


def _nearest(text: str, found: Meaning, heard: Heard, guess: Guess, rules: Table) -> Meaning | None:
    """What the known answer means that explains the sound best, if the sound is surely of its
    kind. A request needs nothing else, a no a negation in the text or the sound of one; a no that
    is hoped for a negation that was written, among words that sound like its own. Never a yes."""
    need = rules.agreement
    kind = nearest.kind(heard.scores, need.sure_ratio)
    if kind not in ("no", "other") or heard.scores.get("snr_db", 0.0) < need.noisy_db:
        return None
    meant = judge(Heard(heard.nearest, heard.expect, phase=heard.phase), Guess(affirm=1.0))
    reason = f"声音像“{heard.nearest}”"
    if kind == "other":
        request = meant.request if found.intent == "hedge" or found.reason in _UNREAD else None
        return _meaning(meant.intent, guess, reason) if request in _MODEST else None
    if meant.answer != "no" or found.reason not in _DENIED:
        return None
    negated = rules.negators.search(text)
    if heard.question == "-":
        alike = nearest.likeness(_bare(text), heard.nearest) >= need.alike
        return _agreed("deny", heard, guess, reason, rules) if negated and alike else None
    if negated or found.reason == _LOST_NO or any(map(pinyin.like_no, _bare(text))):
        return _meaning("deny", guess, reason)
    return None


def _foreign(text: str, heard: Heard, rules: Table) -> bool:
    """Whether a text without Chinese is an answer or a number all the same ("ok", "12000")."""
    return not _read(_bare(text), heard, rules).unknown or bool(
        _first(rules.denials, text, heard) and _bare(text).isalpha()
    )


def _meaning(intent: str, guess: Guess, reason: str) -> Meaning:
    confidence = guess.confidence if intent == guess.intent else max(0.5, 1 - guess.confidence)
    return Meaning(
        intent=intent,
        confidence=round(confidence, 4),
        answer=ANSWERS.get(intent, "unclear"),
        request=REQUESTS.get(intent),
        reason=reason,
    )


def _bare(text: str) -> str:
    return text.replace("，", "").replace("？", "")


def _key(text: str, heard: Heard, rules: Table) -> str | None:
    """A digit means a key if it was keyed or typed alone; spoken only with 按 ("按一")."""
    found = re.fullmatch(
        r"(?P<press>我?要?[按选]|键)?(?P<key>[0-9*一二零九])(?:号|键|号键)?", _bare(text)
    )
    if not found or (heard.via == "voice" and not found["press"]):
        return None
    key = found["key"].translate(str.maketrans("一二零九", "1209"))
    return rules.keys.get(key)


def _first(rows: tuple[Row, ...], text: str, heard: Heard) -> Row | None:
    return next(
        (r for r in rows if r.applies(heard.question, heard.phase) and r.matches(text)), None
    )


def _answer(text: str, heard: Heard, guess: Guess, rules: Table) -> Meaning | None:
    """Yes, no or hedge if the table says so."""
    text = rules.essence(text, heard.question)
    if row := _first(rules.answers, text, heard):
        reason = f"{row.id} {row.meaning}"
        if row.effect == "deny":
            return _no(heard, guess, reason, rules)
        return _meaning(row.effect, guess, reason)
    if heard.question == "-" and (found := _claimed(text, guess, rules)):
        return found
    if row := _first(rules.denials, text, heard):
        return _no(heard, guess, f"{row.id} {row.meaning}", rules)
    if rules.negators.search(text):
        sure = guess.intent == "deny" and guess.confidence >= rules.agreement.deny
        if sure and heard.question == "+":  # a no that is hoped for needs a row of the table
            return _no(heard, guess, "有否定词，分类器也判否", rules)
        return _meaning("hedge", guess, _WHICH)
    return _yes(text, heard, guess, rules)


def _claimed(text: str, guess: Guess, rules: Table) -> Meaning | None:
    """To "has anybody promised …": a claim without a negation in its clause is a yes."""
    clauses = [c for c in text.split("，") if c]
    claims = [
        c
        for c in clauses
        if rules.claims.search(c) and not (rules.negators.search(c) or rules.no_claims.search(c))
    ]
    if not claims:
        return None
    if rules.negators.search(text):
        return _meaning("hedge", guess, "又说没有又说有人说过")
    return _meaning("affirm", guess, "有人说过")


@dataclass(frozen=True)
class _Clause:
    core: bool  # holds a word that is a yes to what was asked
    beside: bool  # holds a word that is a yes, to something else
    unknown: int  # characters that are not in the vocabulary, or words read in pieces
    like_no: bool  # one of those sounds like 不 or 没


def _word(text: str, at: int, rules: Table) -> tuple[int, str]:
    """The length and the kind of the longest known word there; 0 where there is none."""
    best, kind = 0, ""
    for name, words in rules.vocabulary.items():
        found = words.match(text, at)
        if found and found.end() - at > best:
            best, kind = found.end() - at, name
    return best, kind


def _read(clause: str, heard: Heard, rules: Table) -> _Clause:
    """One clause, read from left to right, the longest known word first."""
    at, core, beside, unknown, like_no = 0, False, False, 0, False
    cuts = [0]
    while at < len(clause):
        best, kind = _word(clause, at, rules)
        if kind in _CORES[heard.question]:
            fits = heard.question == "-" or rules.answers_to.fits(clause, at, at + best, heard.asks)
            core, beside = core or fits, beside or not fits
        if not best:
            unknown += 1
            like_no = like_no or pinyin.like_no(clause[at])
        at += best or 1
        cuts.append(at)
    if not unknown and pieced(clause, cuts, rules.whole):
        unknown = 1
    return _Clause(core, beside, unknown, like_no)


def _clauses(text: str, heard: Heard, rules: Table) -> list[_Clause]:
    return [_read(clause, heard, rules) for clause in text.split("，") if clause]


def _yes(text: str, heard: Heard, guess: Guess, rules: Table) -> Meaning | None:
    parts = rules.topic.sub("，", text)
    clauses = _clauses(parts, heard, rules)
    if any(c.unknown for c in clauses):
        clauses = _clauses(rules.adjuncts.without(parts), heard, rules)
    if not any(c.core or c.beside for c in clauses):
        return None
    if any(c.like_no for c in clauses):
        return _meaning("hedge", guess, _LIKE_NO)
    if any(c.unknown for c in clauses):
        return _meaning("hedge", guess, _STRANGE)
    if heard.question == "-":
        return _meaning("affirm", guess, "说有")  # not what is hoped for: the words are enough
    if not any(c.core for c in clauses):
        return _meaning("hedge", guess, _BESIDE)
    if guess.affirm < rules.agreement.classifier:
        return _meaning("hedge", guess, _UNSURE)
    if heard.via == "voice" and rules.like_a_question.search(_bare(text)):
        return _meaning("hedge", guess, _ASKED)
    if heard.via == "voice" and rules.hides(text):
        return _meaning("hedge", guess, _STRANGE)
    if heard.via == "voice" and "yes_no" not in heard.scores and rules.same_sound.search(text):
        return _meaning("hedge", guess, _SOUNDS_LIKE_NO)
    return _agreed("affirm", heard, guess, "句中每个词都是肯定", rules)


def _no(heard: Heard, guess: Guess, reason: str, rules: Table) -> Meaning:
    """A no; hoped for by the question it needs agreement, otherwise the words are enough."""
    if heard.question == "+":
        return _meaning("deny", guess, reason)
    if guess.intent == "affirm" and guess.confidence >= rules.agreement.classifier_loose:
        return _meaning("hedge", guess, "文字像否，分类器不同意")
    return _agreed("deny", heard, guess, reason, rules)


def _agreed(
    intent: str, heard: Heard, guess: Guess, reason: str, rules: Table, repaired: bool = False
) -> Meaning:
    """`intent` if the sound agrees as well, else a hedge. Typed text has no sound to ask."""
    if heard.via != "voice":
        return _meaning(intent, guess, reason)
    doubt = _doubt(intent, heard, rules.agreement, repaired)
    return _meaning("hedge", guess, doubt) if doubt else _meaning(intent, guess, reason)


def _doubt(intent: str, heard: Heard, need: Agreement, repaired: bool) -> str | None:
    """Why the sound does not agree that it was `intent`, if it does not."""
    scores = heard.scores
    ratio, other = scores.get("yes_no"), scores.get("yes_other")
    noisy = scores.get("snr_db", need.noisy_db) < need.noisy_db
    # A sound that is surely a yes makes up for a text that is not sure of its letters.
    sure = intent == "affirm" and not noisy and min(ratio or 0, other or 0) >= need.sure_ratio
    # … and the more so where both are the same words.
    same = nearest.same(_bare(normalise(heard.text, MAX_TEXT)), heard.nearest)
    told = same and nearest.kind(scores, need.told_ratio) == ANSWERS[intent] and not noisy
    wanted_confidence = need.sure_confidence if sure else need.voice_confidence
    if heard.confidence < (need.told_confidence if told else wanted_confidence):
        return _MUFFLED
    if noisy and ratio is None:  # nothing but the text, of a sound that hides a 不
        return _NOISY
    # The known answers have no say about a sound that is none of them.
    known = other is not None and scores.get("known", 1.0) >= 1
    if not noisy and not known and ("lost_no" in scores or "said_no" in scores):
        ratio = other = None
    wanted = need.noisy_yes_no if noisy else need.yes_no
    if intent == "deny":
        said = scores.get("said_no", 1.0) >= (need.said_no_told if told else need.said_no)
        if not said or (ratio is not None and ratio > 1 / wanted):
            return _NOISY if noisy else _OTHERWISE
        return None
    allowed = need.lost_no_sure if known and sure else need.lost_no
    if told and len(heard.nearest) > 1:
        allowed = need.lost_no_told
    if scores.get("lost_no", 0.0) > allowed:
        return _LOST_NO
    # 不好 was written 好 at 5 dB with a ratio of 27: no ratio makes so short a yes sure.
    short = len(_bare(normalise(heard.text, MAX_TEXT))) <= need.noisy_short
    if noisy and (short or (ratio or 0) < wanted):
        return _NOISY
    wanted = max(wanted, need.repaired_yes_no) if repaired else wanted
    if (ratio is not None and ratio < wanted) or (other is not None and other < need.yes_other):
        return _OTHERWISE
    return None


def _last_resort(text: str, guess: Guess, rules: Table) -> Meaning:
    """The table was silent: similar sounds, then the classifier, which brings anything but yes."""
    for intent, phrases in _SOUND_ALIKE.items():
        # A human too many costs a minute, one too few is a caller left alone.
        alike = pinyin.nearly if intent == "human" else pinyin.contains
        if phrase := alike(text, phrases):
            return _meaning(intent, guess, f"读音像“{phrase}”")
    if guess.intent in REQUESTS and guess.confidence >= rules.agreement.request:
        return _meaning(guess.intent, guess, _GUESSED)
    if guess.intent == "inform" or (
        guess.intent == "other" and guess.confidence >= rules.agreement.other
    ):
        return _meaning(guess.intent, guess, _GUESSED)
    return _meaning("hedge", guess, _NOTHING)


def _alike(text: str, heard: Heard, guess: Guess, rules: Table) -> Meaning | None:
    """A yes whose text sounds much like the known answer that the sound surely was, and which the
    recogniser would nearly as soon have written itself."""
    need, near = rules.agreement, heard.nearest
    surely = nearest.kind(heard.scores, need.sure_ratio) == "yes"
    if not surely or heard.scores["known"] < need.told_ratio or "lost_no" not in heard.scores:
        return None
    if len(near) < 2 or nearest.likeness(_bare(text), near) < need.alike:
        return None
    if any(map(pinyin.like_no, text)) or rules.fears(_bare(text), near):
        return None
    meant = judge(Heard(near, heard.expect, phase=heard.phase, asks=heard.asks), Guess(affirm=1.0))
    if meant.answer != "yes" or guess.intent == "deny":
        return None
    return _agreed("affirm", heard, guess, f"读音像“{near}”", rules, repaired=True)


def _repaired(text: str, heard: Heard, guess: Guess, rules: Table) -> Meaning | None:
    """A yes whose words had to be read by their sound. The reading alone never makes a yes: the
    recogniser must have given a negation no chance at any place, no part may sound like a word
    that is no yes, and the reading must pass every rule that written words must pass."""
    noisy = heard.scores.get("snr_db", 0.0) < rules.agreement.noisy_db
    if noisy or "lost_no" not in heard.scores:
        return None
    fixed = rules.repairs.read(text, lambda said, at: _word(said, at, rules)[0])
    clauses = _clauses(fixed, heard, rules)
    if any(c.unknown for c in clauses) or not any(c.core for c in clauses):
        return None
    if rules.fears(text, fixed) or guess.intent == "deny":
        return None
    if len(_bare(text)) <= rules.agreement.repaired_short:
        near, short = heard.nearest, _bare(fixed)
        if not near or not (near in short or short in near):
            return None
    changed = sum(a != b for a, b in zip(text, fixed, strict=True))
    vague = len(_bare(text)) <= rules.agreement.repaired_short or 2 * changed > len(_bare(text))
    if vague and not (heard.scores.get("known", 0.0) >= 1 and "yes_other" in heard.scores):
        return None
    rows = (*rules.requests, *rules.answers, *rules.denials)
    if _first(rows, fixed, heard) or rules.negators.search(fixed):
        return None
    return _agreed("affirm", heard, guess, f"读音像“{fixed}”", rules, repaired=True)
