import json
from collections.abc import Iterator

import pytest
import structlog

from bot import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """The captured stream is gone after the test; nobody may log to it later."""
    yield
    structlog.reset_defaults()


def test_what_is_personal_does_not_reach_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(as_json=True)
    structlog.get_logger().info("line.heard", text="我清楚了", holder="王淑芬", callback="c-1")
    captured = capsys.readouterr()
    line = json.loads(captured.err)
    assert line["event"] == "line.heard"
    assert line["callback"] == "c-1"
    assert line["text"] == line["holder"] == "***"
    assert captured.out == "", "standard output belongs to a command's result"


def test_a_traceback_does_not_show_the_values_of_variables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure()
    holder = "".join(["王", "淑", "芬"])
    try:
        raise RuntimeError(len(holder))
    except RuntimeError:
        structlog.get_logger().exception("conversation.fault")
    shown = capsys.readouterr().err
    assert "RuntimeError" in shown
    assert "王淑芬" not in shown
