"""The command line says in one line what is wrong, and takes no empty folder for a store."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.main import app
from bot.cli.options import settings
from bot.errors import ConfigError
from bot.house import running
from bot.settings import Settings


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MAX_CALLS", "many", "HUIFANG_MAX_CALLS: .* valid integer"),
        ("MAX_CALLS", "0", "HUIFANG_MAX_CALLS: .* greater than"),
        ("CALL_HOURS", "9,21", "call_hours.* written"),
        ("CALL_HOURS", "[21, 9]", "HUIFANG_CALL_HOURS: two hours .* earlier one first"),
        ("CALL_HOURS", "[9, 25]", "HUIFANG_CALL_HOURS: two hours"),
        ("DIAL_CHANNEL", "PJSIP/13900000001@trunk", "HUIFANG_DIAL_CHANNEL: {number} once"),
        ("DIAL_CHANNEL", "PJSIP/{num}@trunk", "HUIFANG_DIAL_CHANNEL: {number} once"),
        ("DIAL_CHANNEL", "PJSIP/{number}@{trunk}", "HUIFANG_DIAL_CHANNEL: {number} once"),
        ("DIAL_CONTEXT", "huifang-out", "HUIFANG_DIAL_CONTEXT: context, extension"),
        ("HUMAN_CONTEXT", "huifang-human,s", "HUIFANG_HUMAN_CONTEXT: context, extension"),
    ],
)
def test_a_wrong_setting_is_named(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"HUIFANG_{name}", value)
    with pytest.raises(ConfigError, match=said):
        settings()


def test_a_wrong_option_is_named_and_no_secret_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIFANG_AMI_USER", "s3cret" * 20)
    with pytest.raises(ConfigError, match=r"--recogniser: .*; HUIFANG_AMI_USER") as told:
        settings(recogniser="ears")
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    "command",
    [
        ["verify"],
        ["checkpoint"],
        ["link", "902626001083"],
        ["dial", "902626001083"],
        ["dials"],
        ["due"],
        ["retention", "run"],
        ["keys", "rotate-master"],
        ["export", "--state", "CREATED", "-o", "out"],
    ],
)
def test_a_mistyped_data_folder_is_no_store_that_is_well(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(app, [*command, "--data", str(tmp_path / "dta")])
    assert isinstance(ended.exception, ConfigError)
    assert "there is no store" in str(ended.exception)
    assert not list(tmp_path.iterdir()), "and none was made"


async def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written: Not a directory"):
        async with running(Settings(data=tmp_path / "file" / "data")):
            pass


def test_a_manager_secret_that_is_no_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "ami.secret"
    file.write_bytes(b"\xff\xfe\x00")
    file.chmod(0o600)
    with pytest.raises(ConfigError, match="cannot be read as text"):
        Settings(data=tmp_path).manager_secret()
    file.write_text("秘密\n", encoding="utf-8")
    assert Settings(data=tmp_path).manager_secret() == "秘密"
