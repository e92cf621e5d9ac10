"""Rasa's RulePolicy, quicker: it compares every rule of the model with the state of a conversation,
twice a turn. Only those made for what the caller means and for what we did last can apply."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.constants import PREVIOUS_ACTION, SHOULD_NOT_BE_SET, USER
from rasa.shared.nlu.constants import ACTION_NAME, INTENT

State = Mapping[str, Mapping[str, Any]]
Rules = dict[str, str]  # a rule's states as JSON, and the action they lead to
Index = Mapping[tuple[str | None, str | None], Rules]
ANY = None


def _made_for(state: State, part: str, what: str) -> str | None:
    """What the newest state of a rule asks for there; ANY if it leaves it open."""
    wanted = state.get(part, {}).get(what)
    return ANY if wanted == SHOULD_NOT_BE_SET else wanted or ANY


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True
)
class IndexedRulePolicy(RulePolicy):  # type: ignore[misc]
    """Predicts what RulePolicy does."""

    _known: tuple[Rules, int, Index] = ({}, 0, {})

    def _get_possible_keys(self, lookup: Rules, states: list[State]) -> set[str]:
        if not states or not states[-1].get(PREVIOUS_ACTION):
            # Where a conversation begins, Rasa compares no more than that.
            return super()._get_possible_keys(lookup, states)  # type: ignore[no-any-return]
        action = states[-1][PREVIOUS_ACTION].get(ACTION_NAME)
        intent = states[-1].get(USER, {}).get(INTENT)
        index = self._index(lookup)
        places = {(a, i) for a in (ANY, action) for i in (ANY, intent)}
        some = {key: rule for place in places for key, rule in index.get(place, {}).items()}
        return super()._get_possible_keys(some, states)  # type: ignore[no-any-return]

    def _index(self, lookup: Rules) -> Index:
        """The rules by the action before and the intent that they are made for."""
        if self._known[0] is not lookup or self._known[1] != len(lookup):
            index: defaultdict[tuple[str | None, str | None], Rules] = defaultdict(dict)
            for key, rule in lookup.items():
                newest = self._rule_key_to_state(key)[-1]
                action = _made_for(newest, PREVIOUS_ACTION, ACTION_NAME)
                index[action, _made_for(newest, USER, INTENT)][key] = rule
            self._known = lookup, len(lookup), index
        return self._known[2]
