"""Figures for Prometheus. Nothing personal: counts and times, labelled by closed sets of words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from bot.evidence.ledger import Event
from voice.pacing import Lateness, Pacer

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
HANDOFF_REASONS: Final = frozenset(
    (
        *("request", "key", "severe", "complaint", "surrender", "coached"),
        *("identity", "language", "silence", "unclear", "question", "failure"),
    )
)
DETAILS: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "called": ("line", frozenset({"phone", "chat"})),
    "answered": ("answer", frozenset({"yes", "no", "unclear"})),
    "identity": ("result", frozenset({"ok", "wrong", "unheard"})),
    "handed_over": ("reason", HANDOFF_REASONS),
    "closed": (
        "outcome",
        frozenset({"done", "not_me", "busy", "goodbye", "hangup", "line_failed"}),
    ),
}
"""Which field of an event is worth counting apart, and the words it may hold."""


class Metrics:
    """One per process, with a registry of its own so that tests can have many."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._events = Counter(
            "huifang_events",
            "Events committed to the ledger, by kind and what happened",
            ["kind", "detail"],
            registry=self._registry,
        )
        self.listening_queue = Gauge(
            "huifang_listening_queue",
            "Utterances being recognised or waiting for it",
            registry=self._registry,
        )

    def watch_line(self, pacer: Pacer, refused: Callable[[], int]) -> None:
        """Show the pacer's figures and the AudioSocket connections refused so far; once."""
        self._registry.register(_Line(pacer, refused))

    def on_event(self, event: Event) -> None:
        """Count a committed event."""
        field, words = DETAILS.get(event.kind, ("", frozenset()))
        word = event.body.get(field, "")
        self._events.labels(event.kind, word if word in words else "").inc()

    def text(self) -> bytes:
        """The exposition in Prometheus' text format."""
        return generate_latest(self._registry)


class _Line:
    """Shows the pacer's own histogram: the pacing loop has no time for Prometheus' locks."""

    def __init__(self, pacer: Pacer, refused: Callable[[], int]) -> None:
        self._pacer, self._refused = pacer, refused

    def collect(self) -> Iterable[Metric]:
        pacer = self._pacer
        yield GaugeMetricFamily("huifang_lines", "Calls with sound flowing", value=len(pacer))
        yield CounterMetricFamily(
            "huifang_ticks_skipped", "Ticks given up after stalls", value=pacer.skipped
        )
        yield CounterMetricFamily(
            "huifang_connections_refused", "AudioSocket connections refused", value=self._refused()
        )
        yield HistogramMetricFamily(
            "huifang_frame_lateness_seconds",
            "How late frames leave",
            buckets=list(_cumulated(pacer.lateness)),
            sum_value=pacer.lateness.total,
        )


def _cumulated(lateness: Lateness) -> Iterable[tuple[str, float]]:
    """Prometheus' buckets: how many frames were at most so late."""
    seen = 0
    for bound, count in zip((*map(str, Lateness.BOUNDS), "+Inf"), lateness.counts, strict=True):
        seen += count
        yield bound, seen
