"""Runs the model's graph node by node. Stock Rasa builds a dask graph for every message, has dask
order it, and prints its inputs into a log line that nobody reads: a tenth of a turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from rasa.engine.graph import GraphNode, GraphSchema
from rasa.engine.runner.dask import DaskGraphRunner


class StraightRunner:
    """Stands in for the runner of a loaded model: the same nodes, in an order found once."""

    def __init__(self, loaded: DaskGraphRunner) -> None:
        self._schema: GraphSchema = loaded._graph_schema
        self._nodes: Mapping[str, GraphNode] = loaded._instantiated_nodes
        self._order = lru_cache(maxsize=8)(self._find_order)

    def run(
        self, inputs: Mapping[str, Any] | None = None, targets: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """The outputs of `targets`. Raises what a node raises, as Rasa's own runner does."""
        wanted = tuple(targets or self._schema.target_names)
        done = dict(inputs or {})
        for name, needs in self._order(wanted):
            _, done[name] = self._nodes[name](*((need, done[need]) for need in needs))
        return {name: done[name] for name in wanted}

    def _find_order(self, targets: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Each node that the targets need, after all that it needs itself."""
        found: dict[str, tuple[str, ...]] = {}

        def visit(name: str) -> None:
            if name in found or name not in self._schema.nodes:  # what is no node is an input
                return
            needs = tuple(self._schema.nodes[name].needs.values())
            for need in needs:
                visit(need)
            found[name] = needs

        for target in targets:
            visit(target)
        return tuple(found.items())
