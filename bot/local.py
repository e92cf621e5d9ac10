"""The policyholders' time of day: China has one zone. What a machine's own clock is set to says
nothing of it; most servers have UTC. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))


def local(moment: datetime) -> datetime:
    """An aware time as policyholders read it; one without a zone is theirs already."""
    return moment.astimezone(CHINA) if moment.tzinfo else moment.replace(tzinfo=CHINA)
