"""The exchange's HTTP questions, asked the way the dialplan asks them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from aiohttp import ClientSession, web
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from bot.doors import served
from bot.errors import ConfigError
from bot.evidence.kinds import KINDS
from bot.evidence.ledger import Draft, chain
from bot.metrics import DETAILS, Metrics
from bot.phone import telephony
from voice.pacing import Pacer

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CALL = str(uuid4())


class Desk:
    """An exchange's counterpart that knows one call."""

    def __init__(self) -> None:
        self.incoming_calls: list[tuple[str, str]] = []
        self.ok = True
        self.broken = False

    async def incoming(self, uuid: str, caller: str) -> str:
        if self.broken:
            raise RuntimeError("database is locked")
        self.incoming_calls.append((uuid, caller))
        return "known" if caller == "13800000000" else ""

    async def next(self, uuid: str) -> str:
        if self.broken:
            raise RuntimeError("database is locked")
        return "transfer" if uuid == CALL else ""

    async def health(self) -> Mapping[str, object]:
        return {"ok": self.ok, "calls": 2}


class Client:
    def __init__(self, base: str, session: ClientSession) -> None:
        self._base, self._session = base, session

    async def get(self, path: str, **query: str) -> tuple[int, str]:
        async with self._session.get(self._base + path, params=query) as response:
            return response.status, await response.text()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def figures() -> Metrics:
    return Metrics()


def runner(desk: Desk, figures: Metrics) -> web.AppRunner:
    return telephony.make_runner(telephony.make_app(desk, figures))


@pytest.fixture
async def client(desk: Desk, figures: Metrics) -> AsyncIterator[Client]:
    async with served(runner(desk, figures), "127.0.0.1", 0) as port, ClientSession() as session:
        yield Client(f"http://127.0.0.1:{port}", session)


async def test_who_is_calling(client: Client, desk: Desk) -> None:
    answer = await client.get("/telephony/incoming", uuid=CALL, caller="13800000000")
    assert answer == (200, "known")
    assert desk.incoming_calls == [(CALL, "13800000000")]


@pytest.mark.parametrize("caller", ["", "anonymous", "<script>", "1" * 25, "张三", "1\n2"])
async def test_what_is_no_number_is_a_withheld_one(client: Client, desk: Desk, caller: str) -> None:
    assert await client.get("/telephony/incoming", uuid=CALL, caller=caller) == (200, "")
    assert desk.incoming_calls == [(CALL, "")]


async def test_an_international_number(client: Client, desk: Desk) -> None:
    await client.get("/telephony/incoming", uuid=CALL.upper(), caller="+8613800000000")
    assert desk.incoming_calls == [(CALL, "+8613800000000")]


async def test_what_comes_next(client: Client) -> None:
    assert await client.get("/telephony/next", uuid=CALL) == (200, "transfer")
    assert await client.get("/telephony/next", uuid=str(uuid4())) == (200, "")


@pytest.mark.parametrize(
    "uuid", ["", "1", "x" * 36, "{" + CALL + "}", CALL.replace("-", ""), CALL + "0", "urn:uuid:"]
)
@pytest.mark.parametrize("path", ["/telephony/next", "/telephony/incoming"])
async def test_a_malformed_uuid_means_the_human_queue(
    client: Client, desk: Desk, path: str, uuid: str
) -> None:
    assert await client.get(path, uuid=uuid) == (400, "")
    assert desk.incoming_calls == []


@pytest.mark.parametrize("path", ["/telephony/next", "/telephony/incoming"])
async def test_a_fault_means_the_human_queue(client: Client, desk: Desk, path: str) -> None:
    desk.broken = True
    assert await client.get(path, uuid=CALL) == (503, "")


async def test_an_endless_url_is_refused(client: Client) -> None:
    status, _ = await client.get("/telephony/next", uuid="x" * 20_000)
    assert status == 400


async def test_numbers_do_not_reach_the_log(client: Client, desk: Desk) -> None:
    with capture_logs() as logs:
        await client.get("/telephony/incoming", uuid=CALL, caller="13800000000")
        desk.broken = True
        await client.get("/telephony/incoming", uuid=CALL, caller="13800000000")
    assert [entry["event"] for entry in logs] == ["telephony.incoming_failed"]
    assert "13800000000" not in repr(logs)


async def test_health(client: Client, desk: Desk) -> None:
    assert await client.get("/health") == (200, '{"ok": true, "calls": 2}')
    desk.ok = False
    assert (await client.get("/health"))[0] == 503


async def test_figures_are_what_prometheus_reads(client: Client, figures: Metrics) -> None:
    pacer = Pacer()
    figures.watch_line(pacer, lambda: 3)
    figures.listening_queue.set(2)
    pacer.lateness.add(0.004)
    pacer.lateness.add(7.0)
    last = None
    for draft in (
        Draft("called", {"line": "phone"}),
        Draft("closed", {"outcome": "made up", "state": "READY"}),
        Draft("waited", {"seconds": 5}),
    ):
        last = chain(last, CALL, draft, wall=NOW, mono_ms=0)
        figures.on_event(last)
    _, text = await client.get("/metrics")
    samples = [s for f in text_string_to_metric_families(text) for s in f.samples]

    def value(name: str, **labels: str) -> float:
        (found,) = (s.value for s in samples if (s.name, s.labels) == (f"huifang_{name}", labels))
        return found

    assert value("events_total", kind="called", detail="phone") == 1
    assert value("events_total", kind="closed", detail="") == 1  # no label outside the table
    assert value("events_total", kind="waited", detail="") == 1
    assert value("frame_lateness_seconds_bucket", le="0.002") == 0
    assert value("frame_lateness_seconds_bucket", le="0.005") == 1
    assert value("frame_lateness_seconds_bucket", le="+Inf") == 2
    assert value("frame_lateness_seconds_count") == 2
    assert value("listening_queue") == 2
    assert value("connections_refused_total") == 3
    assert value("lines") == 0


def test_what_is_counted_apart_stands_in_the_table_of_events() -> None:
    for kind, (field, _) in DETAILS.items():
        assert field in KINDS[kind].fields, kind


async def test_a_taken_port_is_a_clear_error(desk: Desk, figures: Metrics) -> None:
    async with served(runner(desk, figures), "127.0.0.1", 0) as port:
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port}.*stop the program"):
            async with served(runner(desk, figures), "127.0.0.1", port):
                pass
