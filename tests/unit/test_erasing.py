"""Erasing and retention: what is gone is gone, what must stay stays, and nobody is fooled."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from bot import parts
from bot.callbacks import Callbacks
from bot.cli.main import app
from bot.conversation.acting import sentences
from bot.errors import ConfigError
from bot.evidence.export import export
from bot.evidence.ledger import Draft
from bot.evidence.verify import verify_store
from bot.policies.policy import Policy
from bot.records.erasing import Eraser
from bot.records.recovery import recover_all
from bot.records.retention import contract_end, keep_until
from bot.records.sealing import Sealer
from bot.settings import Settings
from bot.store import Erased, NotFound, Store
from bot.vault.datakey import DataKey, Unreadable
from tests.conftest import HandClock
from tests.harm import damage
from tests.unit import policies
from tests.unit.evidence_case import NOW, Pen, finished_callback, new_callback, policy
from tests.unit.test_store_sealed import on_disk
from voice.speaking.cache import SpeechCache
from voice.speaking.speaker import _normalised

CREATED = Draft("created", {"policy": "P1", "questionnaire": "zh-2026.1"})


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", database=url)


def eraser(settings: Settings, store: Store, now: datetime = NOW) -> Eraser:
    return Eraser(Callbacks(settings, store, clock=HandClock(now)))


# -- erasing


def test_what_was_rendered_for_a_policy_is_forgotten(
    settings: Settings, url: str, keys: Path
) -> None:
    """By the words that the voice was given, which are not those of the script."""
    with Store.open(url, keys) as store:
        one = eraser(settings, store)
        cache = SpeechCache(settings.speech_cache, cipher=parts.speech_cipher(settings))
        known = policies.policy()
        texts = one._callbacks.script(known).policy_texts()
        given = {_normalised(part) for text in texts for part in sentences(text)} - {""}
        assert any("号是六九，九八" in text for text in given)
        for words in given:
            cache.store("voice", words, np.zeros(80, np.float32), 24000)
        one._forget_speech(known)
        assert not [words for words in given if ("voice", words) in cache]


def test_what_is_erased_cannot_be_read_and_its_chain_still_verifies(
    settings: Settings, url: str, keys: Path
) -> None:
    audio = settings.audio_folder
    with Store.open(url, keys) as store:
        gone, stays = (finished_callback(store, audio, f"P{n}") for n in (1, 2))
        before, key = store.events(gone), store.data_key(gone)
        with store._database.read() as connection:
            wrapped = connection.execute(
                text("SELECT wrapped FROM data_keys WHERE id = :id"), {"id": gone}
            ).scalar_one()
        token = store.token_for(gone)
        store.book(gone, NOW)
        Sealer(store, settings).checkpoint()
        one = eraser(settings, store)
        one.erase(gone, "request of the policyholder")
        one.finish()

        for read in (
            lambda: store.callback(gone),
            lambda: store.events(gone),
            lambda: store.record(gone),
            lambda: store.data_key(gone),
            lambda: store.token_for(gone),
            lambda: Pen(store, gone).write(CREATED),
            lambda: one.erase(gone, "again"),
            lambda: export(store, audio, gone, settings.data / "out"),
        ):
            with pytest.raises(Erased, match="erased on 2026-11-22; nothing of it can be read"):
                read()
        assert store.callback_by_token(token) is None
        assert store.bookings() == []
        assert [row.id for row in store.callbacks()] == [stays]
        with pytest.raises(NotFound):
            store.policy("P1")
        assert [p.number for p in store.policies_by_phone("13900000001")] == ["P2"]
        assert [p.name.split(".")[0] for p in audio.glob("*.wav*")] == [stays]

        reports = {report.callback: report for report in verify_store(store, audio)}
        assert reports[gone].ok, reports[gone]
        assert reports[gone].erased
        assert "integrity ok, erased, 14 events" in str(reports[gone])
        assert reports[stays].ok
        assert not reports[stays].erased
        assert Sealer(store, settings).verify().ok

        (chain,) = (chain for chain in store.chains() if chain.callback == gone)
        assert [e.hash for e in chain.events[:-1]] == [e.hash for e in before]
        assert {e.text for e in chain.events[:-1]} == {""}
        assert chain.events[-1].kind == "erased"
        assert chain.events[-1].body["reason"] == "request of the policyholder"
        assert chain.events[-1].body["by"]
    everything = on_disk(url, settings.data)
    assert bytes(wrapped) not in everything, "not even the wrapped key is left"
    assert key.raw() not in everything


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE events SET wall = '2027' WHERE seq = 3", "event 3: the event is not"),
        ("DELETE FROM events WHERE seq = 3", "event 4: event 3 is missing"),
        ("DELETE FROM events WHERE seq = 13", "the last event should be 13, here it is 12"),
        ("UPDATE events SET body = '' WHERE seq = 13", "event 13: the body is not"),
    ],
)
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_tampering_with_an_erased_record_is_found(
    settings: Settings, url: str, keys: Path, statement: str, said: str
) -> None:
    with Store.open(url, keys) as store:
        callback = finished_callback(store, settings.audio_folder)
        eraser(settings, store).erase(callback, "x")
        with store._database.write() as connection:
            for verb in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER events_no_{verb}"))
            connection.execute(text(statement))
        (report,) = verify_store(store)
        assert not report.ok
        assert str(report.first_bad or report.missing).startswith(said), report


def test_a_policy_stays_while_another_record_needs_it(
    settings: Settings, url: str, keys: Path
) -> None:
    with Store.open(url, keys) as store:
        first = new_callback(store, "P1")
        store.save_policies([policy("P1", term="20年")])
        second = store.create_callback("P1", "zh-2026.1", "phone")
        one = eraser(settings, store)
        one.erase(first, "x")
        assert store.policy("P1").term == "20年"
        assert store.policy_of(second).term == "20年"
        with store._database.read() as connection:
            count = connection.execute(text("SELECT count(*) FROM data_keys")).scalar_one()
        assert count == 2, "the version that only the erased record spoke of is gone"
        assert not store.erase_policy("P1")
        one.erase(second, "x")
        with pytest.raises(NotFound):
            store.policy("P1")
        assert store.save_policies([policy("P1")]) == (1, 0, 0)
        assert store.callbacks(policy="P1") == [], "a policy that comes again is a new one"


@pytest.mark.parametrize("state", ["IN_PROGRESS", "HUMAN"])
def test_a_conversation_under_way_is_not_erased(
    settings: Settings, url: str, keys: Path, state: str
) -> None:
    with Store.open(url, keys) as store:
        callback = new_callback(store)
        Pen(store, callback).write(CREATED, state=state)
        with pytest.raises(ConfigError, match="under way"):
            eraser(settings, store).erase(callback, "x")
        assert len(store.events(callback)) == 1


def test_what_a_killed_erasing_left_goes_at_the_next_start(
    settings: Settings, url: str, keys: Path
) -> None:
    with Store.open(url, keys) as store:
        callback = finished_callback(store, settings.audio_folder)
        store.erase(callback, by="x", reason="x", wall=NOW, mono_ms=0)  # and here it was killed
        assert list(settings.audio_folder.glob("*.wav*"))
        recover_all(Callbacks(settings, store), settings.audio_folder)
        assert not list(settings.audio_folder.glob("*.wav*"))


def test_a_key_that_was_removed_by_hand_is_no_erasing(
    settings: Settings, url: str, keys: Path
) -> None:
    with Store.open(url, keys) as store:
        callback = finished_callback(store, settings.audio_folder)
        with store._database.write() as connection:
            connection.execute(text("DELETE FROM data_keys WHERE id = :id"), {"id": callback})
        (report,) = verify_store(store)
        assert not report.ok
        assert "no event says that it was erased" in str(report)


def test_another_key_opens_nothing_of_it(settings: Settings, url: str, keys: Path) -> None:
    with Store.open(url, keys) as store:
        one, two = (new_callback(store, number) for number in ("P1", "P2"))
        assert isinstance(store.data_key(one), DataKey)
        sealed = store.data_key(one).seal(b"x", "y")
        with pytest.raises(Unreadable):
            store.data_key(two).open(sealed, "y")


# -- how long


@pytest.mark.parametrize(
    ("changes", "end", "until"),
    [
        ({"term": "终身"}, None, None),
        ({"term": "至80周岁"}, None, None),
        ({"term": "20年"}, date(2046, 11, 5), date(2056, 11, 5)),
        ({"term": "1年"}, date(2027, 11, 5), date(2032, 11, 5)),
        ({"term": "6个月"}, date(2027, 5, 5), date(2032, 5, 5)),
        ({"term": "18个月"}, date(2028, 5, 5), date(2038, 5, 5)),
        ({"term": "1年", "guaranteed_renewal": True}, None, None),
        (
            {"term": "1年", "guaranteed_renewal": True, "ended_on": date(2030, 1, 1)},
            date(2030, 1, 1),
            date(2040, 1, 1),
        ),
        ({"term": "终身", "ended_on": date(2026, 11, 20)}, date(2026, 11, 20), date(2036, 11, 20)),
        ({"term": "终身", "ended_on": date(2028, 2, 29)}, date(2028, 2, 29), date(2038, 3, 1)),
        ({"term": "1个月", "received_on": date(2027, 1, 31)}, date(2027, 3, 1), date(2032, 3, 1)),
    ],
)
def test_records_are_kept_from_the_end_of_the_contract(
    changes: dict[str, object], end: date | None, until: date | None
) -> None:
    given = policy(**changes)
    assert contract_end(given) == end
    assert keep_until(given, long_years=10, short_years=5) == until


def test_an_end_that_is_not_told_changes_no_hash_of_before() -> None:
    assert "ended_on" not in policy().to_json()
    ended = replace(policy(), ended_on=date(2026, 11, 20))
    assert ended.to_json()["ended_on"] == "2026-11-20"
    assert Policy.from_json(ended.to_json()) == ended
    assert Policy.from_json(policy().to_json()) == policy()


def test_a_retention_below_the_law_is_refused() -> None:
    for wrong in ({"retention_years": 9}, {"retention_years_short": 4}):
        with pytest.raises(ValueError):
            Settings(**wrong)  # type: ignore[arg-type]


def test_due_is_the_day_after_the_last_day(settings: Settings, url: str, keys: Path) -> None:
    with Store.open(url, keys) as store:
        store.save_policies([policy("P1", term="1年"), policy("P2")])
        last = date(2032, 11, 5)
        one = eraser(settings, store)
        assert list(one.due(last)) == []
        assert [due.policy for _, due in one.due(last + timedelta(days=1))] == ["P1"]


def test_a_damaged_record_keeps_no_other_beyond_its_time(
    settings: Settings, url: str, keys: Path
) -> None:
    with Store.open(url, keys) as store:
        store.save_policies([policy("P1", term="1年"), policy("P2", term="1年")])
        callback = store.create_callback("P1", "zh-2026.1", "phone")
        damage(store, callback)
        due = eraser(settings, store).due(date(2040, 1, 1))
        assert [one.policy for _, one in due] == ["P2"]


def test_retention_shows_first_then_does_and_passes_over_disputes(
    settings: Settings, url: str, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIFANG_DATABASE", url)
    long_ago = {
        "applied_on": date(2010, 1, 1),
        "received_on": date(2010, 1, 2),
        "term": "1年",
    }
    with Store.open(url, keys) as store:
        ids = {}
        for number in ("OLD001", "DISPUTED", "NEVER_CALLED", "YOUNG1"):
            changes = {} if number == "YOUNG1" else long_ago
            store.save_policies([policy(number, **changes)])
            if number != "NEVER_CALLED":
                ids[number] = store.create_callback(number, "zh-2026.1", "phone")
                Pen(store, ids[number]).write(CREATED)

    def run(*command: str) -> str:
        result = CliRunner().invoke(app, [*command, "--data", str(settings.data)])
        assert result.exit_code == 0, result.output
        return result.output

    run("retention", "hold", ids["DISPUTED"], "--reason", "court 17")
    for _ in range(2):
        shown = run("retention", "run")
        assert "2 contracts would be erased; --do erases them; 1 held" in shown
        assert ids["OLD001"] in shown
        assert ids["YOUNG1"] not in shown
    assert "2 contracts erased; 1 held" in run("retention", "run", "--do")
    assert "0 contracts erased; 1 held" in run("retention", "run", "--do")
    with Store.open(url, keys) as store:
        assert {row.id for row in store.callbacks()} == {ids["DISPUTED"], ids["YOUNG1"]}
        assert {p.number for p in store.policies()} == {"DISPUTED", "YOUNG1"}
        assert store.events(ids["DISPUTED"])[-1].body["reason"] == "court 17"
        (told,) = (c for c in store.chains() if c.callback == ids["OLD001"])
        reason = "retention: contract ended 2011-01-02, kept until 2016-01-02"
        assert told.events[-1].body["reason"] == reason
        assert all(report.ok for report in verify_store(store))
        with pytest.raises(ConfigError, match="held for a dispute"):
            eraser(settings, store).erase(ids["DISPUTED"], "x")
    run("retention", "release", ids["DISPUTED"], "--reason", "settled")
    line = run("retention", "run", "--json").splitlines()[0]
    assert json.loads(line)["callbacks"] == [ids["DISPUTED"]]
    assert "1 contracts erased; 0 held" in run("retention", "run", "--do")


def test_erase_asks_first(
    settings: Settings, url: str, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIFANG_DATABASE", url)
    with Store.open(url, keys) as store:
        callback = finished_callback(store, settings.audio_folder)
    command = ["erase", callback, "--data", str(settings.data), "--reason", "request"]
    result = CliRunner().invoke(app, command, input="n\n")
    assert result.exit_code == 1
    with Store.open(url, keys) as store:
        assert store.callback(callback)
    for wrong in ("", "x" * 201):
        refused = CliRunner().invoke(app, [*command[:-1], wrong, "--yes"])
        assert isinstance(refused.exception, ConfigError)
    result = CliRunner().invoke(app, [*command, "--yes"])
    assert result.exit_code == 0, result.output
    with Store.open(url, keys) as store, pytest.raises(Erased):
        store.callback(callback)
