"""Exports for an inspection, through the command line as an inspector's helper runs it."""

from __future__ import annotations

import csv
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.main import app
from bot.errors import ConfigError
from bot.evidence import exported
from bot.evidence.export_many import DAMAGED, LIST, export_many
from bot.records.sealing import Sealer
from bot.settings import Settings
from tests.harm import damage
from tests.unit.evidence_case import finished_callback, new_callback, open_store

NOV = datetime(2026, 11, 10, 4, tzinfo=UTC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three finished callbacks on three days, and one that was only planned."""
    days = [NOV]
    with open_store(tmp_path, clock=lambda: days[-1]) as store:
        for n in range(3):
            finished_callback(store, tmp_path / "data" / "audio", f"P{n}")
            days.append(NOV + timedelta(days=n + 1))
        new_callback(store, "P9")
    return tmp_path / "data"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if isinstance(result.exception, ConfigError):
        return 1, str(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("choice", "records"),
    [
        (("--from", "2026-11-10", "--to", "2026-11-11"), 2),
        (("--from", "2026-11-11"), 3),
        (("--to", "2026-11-09"), 0),
        (("--outcome", "done"), 3),
        (("--state", "COMPLETED_PROBLEM", "--policy", "P1"), 1),
        (("--state", "CREATED"), 1),
    ],
)
def test_many_are_chosen_by_day_outcome_and_policy(
    data: Path, tmp_path: Path, choice: tuple[str, ...], records: int
) -> None:
    out = tmp_path / "out"
    status, said = run("export", *choice, "-o", out, "--data", data)
    assert (status, f"{records} records" in said) == (0, True), said
    with (out / LIST).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert {row[4] for row in rows} == {p.name for p in out.glob("*.zip")}
    assert len(rows) == records


def test_each_is_a_whole_signed_record(data: Path, tmp_path: Path) -> None:
    out, key = tmp_path / "out", tmp_path / "public.pem"
    assert run("export", "--outcome", "done", "-o", out, "--data", data)[0] == 0
    assert run("keys", "export", "-o", key, "--data", data)[0] == 0
    archives = sorted(out.glob("*.zip"))
    assert len(archives) == 3
    for archive in archives:
        status, said = run("verify", archive, "--key", key)
        assert status == 0, said
        assert "integrity ok, complete" in said
    status, said = run("verify", "--data", data, "--key", key)
    assert (status, "seals: ok, 5 leaves" in said) == (0, True), said


def test_a_stranger_without_the_key_is_told_so(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "one.zip"
    with open_store(data.parent) as store:
        id = store.listed(outcome="done")[0].id
    assert run("export", id, "-o", target, "--data", data)[0] == 0
    status, said = run("verify", target, "--data", tmp_path / "elsewhere")
    assert (status, "signatures not checked" in said) == (3, True), said
    status, said = run("verify", target, "--data", data)
    assert (status, "not checked" in said) == (0, False), said
    stripped = tmp_path / "stripped"
    with zipfile.ZipFile(target) as archive:
        archive.extractall(stripped)
    for name in (exported.SIGNATURE, exported.PROOF):
        (stripped / name).unlink()
    manifest = exported.read_manifest((stripped / exported.MANIFEST).read_bytes())
    kept = {name: digest for name, digest in manifest.files.items() if name != exported.PROOF}
    forged = exported.write_manifest(replace(manifest, files=kept))
    (stripped / exported.MANIFEST).write_bytes(forged)
    status, said = run("verify", stripped, "--data", data)
    assert (status, "signatures not checked" in said) == (3, True), said
    other = tmp_path / "other.pem"
    assert run("keys", "export", "-o", other, "--data", tmp_path / "other")[0] == 0
    status, said = run("verify", target, "--key", other)
    assert (status, "key that is not trusted" in said) == (1, True), said


def test_one_damaged_record_keeps_no_other_from_the_inspector(data: Path, tmp_path: Path) -> None:
    with open_store(data.parent) as store:
        broken = store.listed(outcome="done")[1].id
        damage(store, broken)
    status, said = run("export", "--from", "2026-11-10", "-o", tmp_path / "out", "--data", data)
    assert (status, "3 records" in said, broken in said) == (1, True, True), said
    assert len(list((tmp_path / "out").glob("*.zip"))) == 3
    with (tmp_path / "out" / LIST).open(encoding="utf-8-sig", newline="") as file:
        assert {row[0]: row[4] for row in csv.reader(file)}[broken] == DAMAGED


def test_what_cannot_be_done_is_said(data: Path, tmp_path: Path) -> None:
    assert "give the id" in run("export", "-o", tmp_path / "x", "--data", data)[1]
    assert "give the id" in run("export", "x", "--policy", "P1", "--data", data)[1]
    said = run("export", "--state", "DREAMING", "-o", tmp_path / "x", "--data", data)[1]
    assert "DREAMING" in said
    assert "neither" in run("verify", data / "huifang.db")[1]
    (tmp_path / "there").mkdir()
    with open_store(data.parent) as store, pytest.raises(ConfigError, match="choose a new"):
        sealer = Sealer(store, Settings(data=data))
        export_many(store, data / "audio", [], tmp_path / "there", sealer)
