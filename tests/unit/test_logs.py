import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog

from bot import logs
from bot.evidence.ledger import Draft
from tests.unit.evidence_case import build, policy
from voice.frames import Key, Utterance
from voice.line import Speech


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


def logged(capsys: pytest.CaptureFixture[str], **values: object) -> dict[str, object]:
    logs.configure(as_json=True)
    structlog.get_logger().info("something.happened", **values)
    line: dict[str, object] = json.loads(capsys.readouterr().err)
    return line


POLICY = policy(holder="Wang Xiuying", insured="Wang Xiuying")
WORDS = "我叫王秀英"


@pytest.mark.parametrize(
    "value",
    [
        POLICY,
        POLICY.holder,
        POLICY.id_number,
        POLICY.phone,
        POLICY.number,
        [POLICY.insured],
        {"who": {"name": POLICY.holder}},
        Utterance(WORDS, "voice", 0.9, 0, 1),
        Utterance("是", "text", 1.0, 0, 1, original="왕수란입니다"),
        "왕수란1954년생입니다",
        Key("7", 3),
        Speech("B1", WORDS),
        Draft("heard", {"text": WORDS}),
        build([Draft("flagged", {"code": WORDS})])[0],
        WORDS.encode(),
        f"no policy of {WORDS[2:]}, phone {POLICY.phone}",
        f"row 3: 21010219540308123X, {policy().id_number}",
        "+8613900000001",
        ValueError(WORDS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_is_passed_by_mistake_is_masked_by_its_type_or_shape(
    capsys: pytest.CaptureFixture[str], value: object
) -> None:
    fields = logged(capsys, callback="c-1", what=value)
    # The time of day may hold any digits, those of the birth year as well.
    del fields["timestamp"]
    line = json.dumps(fields, ensure_ascii=False)
    assert '"c-1"' in line
    for secret in ("Wang", "王", "1390000", "21010219", "P2026", "digit='7'", "왕", "1954"):
        assert secret not in line, line


@pytest.mark.parametrize(
    "value",
    [
        "3f2a1b4c-0000-4000-8000-123456789012",
        "kokoro zf_xiaobei@6e742170d309",
        "2026-11-22T01:30:00.000000Z",
        "StoreUnavailable",
        "the database file cannot be opened",
        12345678901,
        0.5,
        True,
        None,
    ],
)
def test_what_an_operator_needs_is_not_masked(
    capsys: pytest.CaptureFixture[str], value: object
) -> None:
    assert logged(capsys, what=value)["what"] == value


def test_tracebacks_of_libraries_are_masked_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    try:
        raise LookupError(f"{WORDS}, {POLICY.phone}")
    except LookupError:
        logging.getLogger("aiohttp.server").exception("Error handling request")
        structlog.get_logger().exception("conversation.fault")
    shown = capsys.readouterr().err
    assert shown.count("LookupError") >= 2
    assert "王" not in shown
    assert POLICY.phone not in shown


def test_a_personal_value_is_a_str_in_all_but_how_it_shows() -> None:
    name = policy().holder
    assert (name, f"{name}", str(name), name[:1]) == ("王秀英", "王秀英", "王秀英", "王")
    assert repr([name]) == "[***]"
    assert json.loads(json.dumps(policy().to_json()))["holder"] == "王秀英"
    assert repr(replace(policy(), phone="1")) == "Policy(…0001)"
