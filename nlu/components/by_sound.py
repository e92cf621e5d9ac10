"""What an utterance means by its sound, where the words as they were written decided nothing.

Three ways lead from the sound to a known answer: a second reader spelt it (`Heard.spelt`), the
recogniser explains the sound best by it (`Heard.nearest`), or the text sounds like words that are
known. None makes a yes by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from bot.dialogue.protocol import Meaning
from nlu.components import nearest, pinyin, reasons
from nlu.components.agreement import agreed, denied, ended, quiet
from nlu.components.clauses import clauses, first, word
from nlu.components.table import Table
from nlu.components.utterance import Guess, Heard, bare, meaning

_HUMAN = "人工"
_HUMAN_SPELT = {
    _HUMAN: " ren gong ",
    "真人": " zhen ren ",
    "活人": " huo ren ",
    "换人": " huan ren ",
    "客服": " ke fu ",
    "跟人说": " gen ren shuo ",
    "个人来": " ge ren lai ",
}
"""What who wants a human says, as a second reader spells it."""
_MODEST = {"human", "repeat", "slower", "louder", "explain", "wait"}
"""Requests that may be granted for their sound alone: who did not make them is asked again."""
_BRIEF = 2  # syllables that other words sound like
_ALIKE = frozenset({"晓得"})
"""Words of yes that a wish to wait is spelt like (稍等, when its end is lost)."""
_ASKING = ("吗", "吧", "嘛", "么")


@dataclass(frozen=True)
class Sound:
    """An utterance that was spoken. `known` judges a known answer as if it were typed."""

    text: str
    heard: Heard
    guess: Guess
    rules: Table
    known: Callable[[str], Meaning]

    def meaning(self, found: Meaning) -> Meaning | None:
        """What it means where the words, which mean `found`, may be overruled; else None."""
        if found.answer != "yes" and pinyin.asks_for_human(self.text):
            return self._as("human", "读音像“人工”")
        if human := self.human(found):
            return human
        if found.answer != "unclear":
            return None
        if self.heard.scores.get("urgent", 0.0) >= self.rules.agreement.urgent:
            return self._as("human", f"声音像要人工；{found.reason}")
        if known := self._spelt():
            return known
        if not self.text:
            return None
        if known := self._nearest(found):
            return known
        if found.reason not in reasons.UNREAD or self.heard.question == "-" or self._negated:
            return None
        return self._repaired() or self._alike()

    def human(self, found: Meaning) -> Meaning | None:
        """The wish for a human that was spelt and not written, where the words mean `found`. 人工
        wins over everything, the others over what is neither an answer nor a complaint."""
        if found.request == "human":
            return None
        sounds = f" {self.heard.sounds} "
        over = found.answer == "unclear" and found.request != "complain"
        for words, spelt in _HUMAN_SPELT.items():
            if (over or words == _HUMAN) and spelt in sounds and words not in self.text:
                return self._as("human", f"逐音听到“{words}”")
        said = self.heard.spelt
        if said and said != bare(self.text) and self.known(said).request == "human":
            return self._as("human", f"逐音听到“{said}”")
        return None

    def _as(self, intent: str, reason: str) -> Meaning:
        return meaning(intent, self.guess, reason)

    def _agreed(self, intent: str, reason: str) -> Meaning:
        return agreed(intent, self.heard, self.guess, reason, self.rules, repaired=True)

    @property
    def _noisy(self) -> bool:
        return self.heard.scores.get("snr_db", 0.0) < self.rules.agreement.noisy_db

    @property
    def _negated(self) -> bool:
        return bool(self.rules.negators.search(self.text))

    @property
    def _sounds_negated(self) -> bool:
        return self._negated or any(map(pinyin.like_no, bare(self.text)))

    def _spelt(self) -> Meaning | None:
        """What the known answer means that a second reader spelt. The one that is hoped for needs
        the scores of the known answers to be for it as well, a quiet line, and, if it is a yes,
        much more."""
        need, said, scores = self.rules.agreement, self.heard.spelt, self.heard.scores
        if not said or said in _ALIKE:
            return None
        meant, reason = self.known(said), f"逐音听到“{said}”"
        if meant.request is not None:
            return self._as(meant.intent, reason) if meant.request in _MODEST else None
        if meant.answer == "unclear":
            return None
        if meant.answer != self.heard.expect:
            return self._as(meant.intent, reason)
        yes = meant.answer == "yes"
        ratio = scores.get("yes_no", 1.0) if yes else 1 / scores.get("yes_no", 1.0)
        other = scores.get("yes_other" if yes else "no_other", inf)
        brief = yes and len(said) <= _BRIEF and not self._surely
        wanted = need.spelt_other if brief else need.yes_other
        if self._noisy or ratio < need.spelt or other < wanted:
            return None
        if denied(said, self._undenied(inf), self.heard, need):
            return None
        if yes and not self._yes(said):
            return None
        return self._as(meant.intent, reason)

    def _yes(self, said: str) -> bool:
        """Whether nothing speaks against a yes that was spelt: no negation in the text or in its
        sound, none that may have been lost, no classifier that says no, no 吗 that may have been
        drowned in noise; a single syllable needs a quiet line and known answers that are for it."""
        need, scores = self.rules.agreement, self.heard.scores
        says_no = self.guess.intent == "deny" and self.guess.confidence >= need.deny
        if self.text and (says_no or scores.get("lost_no", 1.0) > need.lost_no_told):
            return False
        if self._sounds_negated or bare(self.text).endswith(_ASKING):
            return False
        if self.rules.like_a_question.search(said):
            return False
        written = nearest.same(bare(self.text), said)
        rival = self.heard.nearest
        near = said == rival
        if nearest.same(bare(self.text), rival) and said not in rival and rival not in said:
            return False  # two against one: 退保 written 知道, as it sounds, and spelt 对的
        if len(said) < 2:
            alone = near and (written or nearest.kind(scores, need.alone_ratio) == "yes")
            enough = alone or (self._surely and self._near_a_yes)
            return quiet(self.heard, need) and enough and self._spelt_so(said)
        sure = near and nearest.kind(scores, need.sure_ratio) == "yes"
        if quiet(self.heard, need) or len(said) > _BRIEF:
            return True
        # 诸多 is spelt 是的, nearly
        return self._spelt_so(said) and (ended(said, self.heard, need) or written or sure)

    def _undenied(self, unasked: float) -> float:
        """How much better what was spelt explains the sound than its denial; `unasked` where the
        second reader was not asked."""
        scores = self.heard.scores
        return scores.get("spelt_undenied", scores.get("undenied", unasked))

    @property
    def _surely(self) -> bool:
        """Whether what was spelt is surely not its own denial."""
        return self._undenied(0.0) >= self.rules.agreement.spelt_sure

    @property
    def _near_a_yes(self) -> bool:
        """Whether the known answer that explains the sound best is a yes."""
        return bool(self.heard.nearest) and self.known(self.heard.nearest).answer == "yes"

    def _nearest(self, found: Meaning) -> Meaning | None:
        """What the known answer means that explains the sound best, if the sound is surely of its
        kind. A request needs nothing else, a no a negation in the text or the sound of one; a no
        that is hoped for a negation that was written, among words that sound like its own. Never a
        yes."""
        need, near = self.rules.agreement, self.heard.nearest
        kind = nearest.kind(self.heard.scores, need.sure_ratio)
        if kind not in ("no", "other") or self._noisy:
            return None
        meant, reason = self.known(near), f"声音像“{near}”"
        if kind == "other":
            asked = found.intent == "hedge" or found.reason in reasons.UNREAD
            return self._as(meant.intent, reason) if asked and meant.request in _MODEST else None
        if meant.answer != "no" or found.reason not in reasons.DENIED:
            return None
        if self.heard.question == "-":
            alike = nearest.likeness(bare(self.text), near) >= need.alike
            return self._agreed("deny", reason) if self._negated and alike else None
        if self._sounds_negated or found.reason == reasons.LOST_NO:
            return self._as("deny", reason)
        return None

    def _alike(self) -> Meaning | None:
        """A yes whose text sounds much like the known answer that the sound surely was, and which
        the recogniser would nearly as soon have written itself."""
        need, near, scores = self.rules.agreement, self.heard.nearest, self.heard.scores
        surely = nearest.kind(scores, need.sure_ratio) == "yes"
        if not surely or scores["known"] < need.told_ratio or "lost_no" not in scores:
            return None
        if len(near) < 2 or nearest.likeness(bare(self.text), near) < need.alike:
            return None
        if any(map(pinyin.like_no, self.text)) or self.rules.fears(bare(self.text), near):
            return None
        if self.known(near).answer != "yes" or self.guess.intent == "deny":
            return None
        if not self._spelt_so(near):
            return None
        return self._agreed("affirm", f"读音像“{near}”")

    def _spelt_so(self, words: str) -> bool:
        """Whether the second reader, if there is one, heard these words and nothing that only
        sounds like them (情书 for 清楚)."""
        return not self.heard.sounds or pinyin.says(self.heard.sounds, words)

    def _heard_as(self, fixed: str) -> bool:
        """Whether the second reader, if there is one, heard `fixed` rather than what was written:
        what it spelt as it stands (有一问) is no other word (有意外)."""
        spelt = self.heard.sounds
        if not spelt:
            return True
        written, read = (pinyin.apart(spelt, bare(words)) for words in (self.text, fixed))
        return read < written

    def _repaired(self) -> Meaning | None:
        """A yes whose words had to be read by their sound. The reading alone never makes a yes: the
        recogniser must have given a negation no chance at any place, no part may sound like a word
        that is no yes, and the reading must pass every rule that written words must pass."""
        heard, rules, text = self.heard, self.rules, self.text
        if self._noisy or "lost_no" not in heard.scores:
            return None
        fixed = rules.repairs.read(text, lambda said, at: word(said, at, rules)[0])
        if rules.like_a_question.search(bare(fixed)):
            return None
        read = clauses(fixed, heard, rules)
        if any(c.unknown for c in read) or not any(c.core for c in read):
            return None
        if rules.fears(text, fixed) or self.guess.intent == "deny":
            return None
        if not self._heard_as(fixed):
            return None
        brief = len(bare(text)) <= rules.agreement.repaired_short
        if brief:
            near, short = heard.nearest, bare(fixed)
            if not near or not (near in short or short in near) or not self._spelt_so(short):
                return None
        changed = sum(a != b for a, b in zip(text, fixed, strict=True))
        vague = brief or 2 * changed > len(bare(text))
        if vague and not (heard.scores.get("known", 0.0) >= 1 and "yes_other" in heard.scores):
            return None
        rows = (*rules.requests, *rules.answers, *rules.denials)
        if first(rows, fixed, heard) or rules.negators.search(fixed):
            return None
        return self._agreed("affirm", f"读音像“{fixed}”")
