"""What makes a turn of Rasa quicker changes nothing that it decides."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from rasa.core.policies.rule_policy import RulePolicy

from bot.dialogue.worker_graph import StraightRunner
from bot.dialogue.worker_rules import IndexedRulePolicy

MODEL = Path(__file__).parents[2] / "models" / "huifang.tar.gz"
CONVERSATIONS = 1000


@pytest.fixture(scope="module")
def rules() -> dict[str, str]:
    """Of the trained model: states as JSON, and the action that follows them."""
    with tarfile.open(MODEL) as model:
        name = next(n for n in model.getnames() if n.endswith("rule_policy.json"))
        stored = model.extractfile(name)
        assert stored is not None
        found: dict[str, str] = json.load(stored)["lookup"]["rules"]
    return found


def states_of(key: str) -> list[dict[str, Any]]:
    """The states of a rule as a conversation has them: their lists are tuples."""

    def part(values: dict[str, Any]) -> dict[str, Any]:
        return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}

    return [{name: part(values) for name, values in s.items()} for s in json.loads(key)]


def conversation(every: list[list[dict[str, Any]]], rng: Random) -> list[dict[str, Any]]:
    """The states of one of these rules, with some parts of others in their place."""
    states = [dict(state) for state in rng.choice(every)]
    newest = states[-1]
    for part in ("user", "prev_action", "slots"):
        other = rng.choice(every)[-1].get(part)
        if rng.random() < 0.3 and other is not None:
            newest[part] = other
        elif rng.random() < 0.1:
            newest.pop(part, None)
    if rng.random() < 0.1:
        newest["user"] = {"intent": "never_heard_of"}
    return states


def test_the_indexed_rules_are_the_rules(rules: dict[str, str]) -> None:
    rng, applied = Random(7), 0
    every = [states_of(key) for key in rules]
    plain, indexed = (cls.__new__(cls) for cls in (RulePolicy, IndexedRulePolicy))
    for _ in range(CONVERSATIONS):
        states = conversation(every, rng)
        wanted = plain._get_possible_keys(rules, states)
        assert indexed._get_possible_keys(rules, states) == wanted, states
        applied += bool(wanted)
    assert CONVERSATIONS // 4 < applied < CONVERSATIONS


def test_rules_added_later_are_found(rules: dict[str, str]) -> None:
    growing = dict(list(rules.items())[:-1])
    key = list(rules)[-1]
    policy = IndexedRulePolicy.__new__(IndexedRulePolicy)
    assert key not in policy._get_possible_keys(growing, states_of(key))
    growing[key] = rules[key]
    assert key in policy._get_possible_keys(growing, states_of(key))


class Graph:
    """Nodes that add up what they get and count how often they run."""

    def __init__(self, **needs: list[str]) -> None:
        self.ran: list[str] = []
        nodes = {name: SimpleNamespace(needs=dict(enumerate(n))) for name, n in needs.items()}
        self._graph_schema = SimpleNamespace(nodes=nodes, target_names=[list(needs)[-1]])
        self._instantiated_nodes = {name: self._node(name) for name in needs}

    def _node(self, name: str) -> Any:
        def run(*given: tuple[str, int]) -> tuple[str, int]:
            self.ran.append(name)
            if name == "broken":
                raise ValueError(name)
            return name, 1 + sum(value for _, value in given)

        return run


def test_each_node_runs_once_after_what_it_needs() -> None:
    graph = Graph(last=["left", "right"], left=["first"], right=["first"], first=["said"], idle=[])
    runner = StraightRunner(graph)  # type: ignore[arg-type]
    assert runner.run({"said": 10}, ["last"]) == {"last": 25}
    assert graph.ran == ["first", "left", "right", "last"]
    assert runner.run({"said": 0}, ["left", "first"]) == {"left": 2, "first": 1}
    assert runner.run({}) == {"idle": 1}


def test_what_a_node_raises_comes_out() -> None:
    graph = Graph(broken=["said"])
    with pytest.raises(ValueError, match="broken"):
        StraightRunner(graph).run({"said": 1})  # type: ignore[arg-type]
