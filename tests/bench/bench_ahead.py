"""What it costs to speak ahead: `python -m tests.bench.bench_ahead` writes build/bench/ahead.json.

Core-seconds for the sentences that are surely said, policy by policy of examples/policies.csv: of
each what no policy before it had in common; and then of a further policy of the same product, whose
name, numbers, dates and premium are its own. Spoken by the project's own path with an empty cache.
What was spoken is kept with its cost, so that a run goes on where it was stopped; `--fresh` begins
anew. CPU seconds move with the machine's clock and with its other work: compare runs of one hour.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.callbacks import Callbacks
from bot.cli.importing import import_policies
from bot.policies.policy import Policy
from bot.settings import ROOT, Settings
from bot.store import Store
from tests.bench.made_up import REGULAR, SINGLE
from voice.speaking import Speaker, open_speaker
from voice.speaking.cache import sound_version

OUT = ROOT / "build" / "bench"
KEPT = OUT / "ahead.jsonl"
WANTED = 15.0  # core-seconds for a further policy of a product


def further(policy: Policy, rng: random.Random) -> Policy:
    """Another policyholder of the same age with the same product, and values of their own."""
    holder = rng.choice("郭林何高梁郑罗宋") + "海燕"
    days = timedelta(rng.randrange(20, 60))
    amounts = SINGLE if policy.payment == "single" else REGULAR
    return replace(
        policy,
        number=f"{rng.randrange(10**12):012}",
        phone=f"13{rng.randrange(10**9):09}",
        holder=holder,
        insured=holder if policy.insured == policy.holder else "郭晓曦",
        applied_on=policy.applied_on - days,
        received_on=policy.received_on - days,
        cooling_off_from=policy.cooling_off_from and policy.cooling_off_from - days,
        premium=Decimal(rng.choice([a for a in amounts if Decimal(a) != policy.premium])),
        premium_years=policy.premium_years
        and rng.choice([y for y in (3, 6, 12, 15, 20) if y != policy.premium_years]),
    )


class Till:
    """Speaks each sentence once and keeps what it cost."""

    def __init__(self, speaker: Speaker, kept: Path) -> None:
        self._speaker, self._file = speaker, kept
        self._version = sound_version()
        lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
        self._costs: dict[str, float] = {}
        for version, text, cpu_s in map(json.loads, lines):
            if version == self._version:
                self._costs[text] = cpu_s

    async def cost(self, texts: Iterable[str]) -> float:
        """Core-seconds of `texts`."""
        total = 0.0
        for text in texts:
            if text not in self._costs:
                self._costs[text] = (await self._speaker.render(text)).cpu_s
                with self._file.open("a", encoding="utf-8") as file:
                    line = json.dumps([self._version, text, self._costs[text]], ensure_ascii=False)
                    file.write(line + "\n")
            total += self._costs[text]
        return round(total, 1)


async def measure(callbacks: Callbacks, till: Till) -> list[dict[str, Any]]:
    """A row for each policy of the store, in order."""
    rng, said, rows = random.Random(5), set[str](), []
    for policy in callbacks.store.policies():
        mine = callbacks.sentences(policy)
        new = [text for text in mine if text not in said]
        said.update(mine)
        other = [t for t in callbacks.sentences(further(policy, rng)) if t not in set(mine)]
        row = {
            "product": policy.product_name,
            "items": len(callbacks.script(policy).items),
            "sentences": len(new),
            "core_s": await till.cost(new),
            "further_sentences": len(other),
            "further_core_s": await till.cost(other),
        }
        print(json.dumps(row, ensure_ascii=False), flush=True)
        rows.append(row)
    return rows


async def main() -> dict[str, Any]:
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        settings = Settings(data=Path(scratch) / "data")
        import_policies(settings, ROOT / "examples" / "policies.csv")
        speaker = open_speaker(ROOT / "models", Path(scratch) / "speech", "kokoro")
        await speaker.start()
        try:
            with Store.open(settings.database_url, settings.key_folder) as store:
                rows = await measure(Callbacks(settings, store), Till(speaker, KEPT))
        finally:
            await speaker.close()
    further_s = [row["further_core_s"] for row in rows]
    return {
        "voice": speaker.name,
        "first_core_s": rows[0]["core_s"],
        "next_core_s": [row["core_s"] for row in rows[1:]],
        "further_core_s": {
            "mean": round(sum(further_s) / len(further_s), 1),
            "most": max(further_s),
            "wanted": WANTED,
        },
        "policies": rows,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    if parser.parse_args().fresh:
        KEPT.unlink(missing_ok=True)
    result = asyncio.run(main())
    (OUT / "ahead.json").write_text(
        json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    print(json.dumps({k: v for k, v in result.items() if k != "policies"}, indent=1))
