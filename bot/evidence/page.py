"""The page of an exported record: what was asked, heard and answered, to read and to listen to.

Pure. Everything from a record is escaped by the template; the page loads nothing from elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader

from bot.evidence import exported, labels
from bot.evidence.ledger import Event
from bot.local import local


def china(moment: str) -> str:
    """UTC text to 北京时间."""
    return local(datetime.fromisoformat(moment)).strftime("%Y-%m-%d %H:%M:%S")


def _seconds(ms: int) -> str:
    """Offset into a recording as m:ss.d."""
    minutes, rest = divmod(ms, 60_000)
    return f"{minutes}:{rest / 1000:04.1f}"


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.0%}"


_environment = Environment(
    loader=PackageLoader("bot.evidence"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
_environment.filters |= {"china": china, "seconds": _seconds, "percent": _percent}


def render(record: Mapping[str, Any], events: Sequence[Event], files: Collection[str]) -> str:
    """`record` as in `record.json`; `files` are the paths of sounds that exist."""
    by_seq = {event.seq: event for event in events}

    def sound(part: Mapping[str, Any] | None) -> str | None:
        name = exported.cut_name(by_seq[part["seq"]]) if part else None
        return name if name in files else None

    facts = [(zh, record["policy"].get(name)) for name, zh in labels.FIELDS.items()]
    return _environment.get_template("record.html").render(
        record=record,
        events=[e for e in events if e.kind != "played"],
        facts=[(zh, value) for zh, value in facts if value is not None],
        files=files,
        sound=sound,
        labels=labels,
        head=events[-1] if events else None,
    )
