"""Whether the sound agrees with what the words say (rules.yml, section `agreement`)."""

from __future__ import annotations

from bot.dialogue.protocol import MAX_TEXT, Meaning
from nlu.components import nearest, reasons
from nlu.components.normalise import normalise
from nlu.components.table import Agreement, Table
from nlu.components.utterance import ANSWERS, Guess, Heard, bare, meaning

_ENDED = "的了啊呀我"
"""A short answer that ends so is no echo question that lost its 吗."""


def agreed(
    intent: str, heard: Heard, guess: Guess, reason: str, rules: Table, repaired: bool = False
) -> Meaning:
    """`intent` if the sound agrees as well, else a hedge. Typed text has no sound to ask."""
    if heard.via != "voice":
        return meaning(intent, guess, reason)
    doubt = _doubt(intent, heard, rules.agreement, repaired)
    return meaning("hedge", guess, doubt) if doubt else meaning(intent, guess, reason)


def _doubt(intent: str, heard: Heard, need: Agreement, repaired: bool) -> str | None:
    """Why the sound does not agree that it was `intent`, if it does not."""
    scores = heard.scores
    words = bare(normalise(heard.text, MAX_TEXT))
    ratio, other = scores.get("yes_no"), scores.get("yes_other")
    noisy = scores.get("snr_db", need.noisy_db) < need.noisy_db
    # A sound that is surely a yes makes up for a text that is not sure of its letters.
    sure = intent == "affirm" and not noisy and min(ratio or 0, other or 0) >= need.sure_ratio
    # … and the more so where both are the same words.
    same = nearest.same(words, heard.nearest)
    told = same and nearest.kind(scores, need.told_ratio) == ANSWERS[intent] and not noisy
    # … or where the second reader, which knows no words, spelt just these.
    spelt = intent == "affirm" and not noisy and _spelt_surely(words, heard, need)
    wanted_confidence = need.sure_confidence if sure else need.voice_confidence
    if heard.confidence < (need.told_confidence if told or spelt else wanted_confidence):
        return reasons.MUFFLED
    if noisy and ratio is None:  # nothing but the text, of a sound that hides a 不
        return reasons.NOISY
    if "undenied" in scores and denied(heard.text, scores["undenied"], heard, need):
        return reasons.LOST_NO if intent == "affirm" else reasons.OTHERWISE
    # The known answers have no say about a sound that is none of them.
    known = other is not None and scores.get("known", 1.0) >= 1
    if not noisy and not known and ("lost_no" in scores or "said_no" in scores):
        if intent == "affirm" and len(words) == 1 and ratio is not None:
            return reasons.OTHERWISE  # other words are as near as this one: 称 to 成
        ratio = other = None
    wanted = need.noisy_yes_no if noisy else need.yes_no
    if intent == "deny":
        said = scores.get("said_no", 1.0) >= (need.said_no_told if told else need.said_no)
        if not said or (ratio is not None and ratio > 1 / wanted):
            return reasons.NOISY if noisy else reasons.OTHERWISE
        return None
    allowed = need.lost_no_sure if known and sure else need.lost_no
    if spelt or (told and len(heard.nearest) > 1):
        allowed = need.lost_no_told
    if scores.get("lost_no", 0.0) > allowed:
        return reasons.LOST_NO
    # 不好 was written 好 at 5 dB with a ratio of 27: no ratio makes so short a yes sure.
    short = len(words) <= need.noisy_short
    if noisy and (short or (ratio or 0) < wanted):
        return reasons.NOISY
    wanted = max(wanted, need.repaired_yes_no) if repaired else wanted
    wanted = 1.0 if spelt else wanted
    if (ratio is not None and ratio < wanted) or (other is not None and other < need.yes_other):
        return reasons.OTHERWISE
    return None


def _spelt_surely(words: str, heard: Heard, need: Agreement) -> bool:
    """Whether the second reader spelt just the `words` that were written, and surely not their
    denial. One syllable is too little to be sure of."""
    if heard.spelt != words or len(words) < 2:
        return False
    return heard.scores.get("undenied", 0.0) >= need.spelt_sure and ended(words, heard, need)


def quiet(heard: Heard, need: Agreement) -> bool:
    """Whether no syllable can hide in the noise; not known is not quiet."""
    return heard.scores.get("snr_db", 0.0) >= need.quiet_db


def ended(said: str, heard: Heard, need: Agreement) -> bool:
    """Whether a short answer was heard to its end: in noise a 吗 is lost from one of two
    syllables."""
    return quiet(heard, need) or len(said) > 2 or said[-1] in _ENDED


def denied(text: str, margin: float, heard: Heard, need: Agreement) -> bool:
    """Whether the opposite of `text` may have been said, which the second reader's `margin` speaks
    against. In noise 不 loses its lips and is written 我 (不清楚 as 我清楚), or is lost (不是我自己
    弄的 as 是我自己弄的, spelt neither way; 不是我自己签的 was even spelt without it, and written
    是我对你签的)."""
    if quiet(heard, need):
        return margin < need.undenied
    if text.startswith("我"):
        return margin < need.undenied_self
    words = bare(normalise(text, MAX_TEXT))
    sure = heard.spelt == words
    if text.startswith("是"):
        sure = sure and bare(normalise(heard.text, MAX_TEXT)) == words
    return margin < (need.undenied if sure else need.undenied_unspelt)
