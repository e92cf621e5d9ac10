"""What a callback will say, foreseen from its script: to be rendered before the call, so that every
word starts at once. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.conversation.acting import sentences
from bot.conversation.beginning import FOREIGN
from bot.questionnaires.questionnaire import Script

CONTINGENT = frozenset(
    "O_resume I2_retry I_fail A_noted R_unclear R_keys R_full R_unclear_done Q_again S_1 S_2 "
    "H_offer H_severe H_misled H_complaint H_coached H_identity H_language H_later "
    "K_when K_retry N_bye P_slower P_louder W_ok E_none G_bye Z_problem".split()
)
"""Clauses that a callback without a hitch does not need."""


def surely(script: Script, language: str) -> list[str]:
    """What a callback that goes well will speak to a policyholder of this language, each sentence
    once, in order."""
    if language != script.language:
        return _parts(script.clauses[id].text for id in FOREIGN)
    clauses = [
        c
        for id, c in script.clauses.items()
        if id not in CONTINGENT and (not c.checks or script.clauses[c.checks].must_check)
    ]
    clauses.append(script.fill("Z_clean", total=len(script.items), problems=0))
    plain = {c.id for c in clauses if script.elder and (c.id in script.items or c.checks)}
    return _parts(c.plain if c.id in plain else c.text for c in clauses)


def perhaps(script: Script, language: str) -> list[str]:
    """Everything else that may have to be said: plainer words, keys, explanations, prompts."""
    texts = [*script.fixed_texts()]
    if language == script.language:  # nobody else is asked anything
        texts += script.policy_texts()
    unsaid = _unsaid(script)
    return _parts(text for text in texts if text not in unsaid)


def _parts(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(part for text in texts for part in sentences(text)))


def _unsaid(script: Script) -> set[str]:
    """The full wording of what the elderly are asked: they hear the plain one from the start."""
    full, other = set[str](), set[str]()
    for id, clause in script.clauses.items():
        plain_first = script.elder and (id in script.items or clause.checks)
        for form, text in clause.forms().items():
            (full if plain_first and form == "text" else other).add(text)
    return full - other
