"""A whole callback on real parts, for tests: store, recording, ledger. No clock: time is given."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from bot.evidence.audio import AudioFile, StereoRecorder
from bot.evidence.ledger import Draft, Event, chain
from bot.policies.policy import Policy, Product
from bot.store import Store
from bot.vault.datakey import DataKey

NOW = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
CALLBACK = "0f8fad5b-d9cb-469f-a165-70867728950e"
KEY = DataKey(b"k" * 32)
QUESTIONS = {
    "B1": "您于二〇二六年十一月一日投保了《安心终身寿险》，是您本人购买的吗？",
    "Y1": "业务人员有没有向您承诺过<b>保证收益</b>？",
}


def build(drafts: list[Draft], callback: str = CALLBACK) -> list[Event]:
    """The drafts as a chain, without a store."""
    events: list[Event] = []
    for number, draft in enumerate(drafts):
        previous = events[-1] if events else None
        at = NOW + timedelta(seconds=number)
        salt = f"{number:032x}"
        events.append(chain(previous, callback, draft, at, number * 1000, salt=salt))
    return events


def policy(number: str = "P2026000001", **changes: object) -> Policy:
    given = Policy(
        number=number,
        holder="王秀英",
        gender="female",
        birth_date=date(1954, 3, 8),
        id_number="210102195403081234",
        phone="13900000001",
        product_name="安心终身寿险",
        product=Product.ORDINARY,
        channel="agent",
        insured="王秀英",
        applied_on=date(2026, 11, 1),
        received_on=date(2026, 11, 5),
        cooling_off_days=15,
        term="终身",
        payment="regular",
        premium=Decimal("12000.00"),
        premium_every="年",
        premium_years=10,
    )
    return replace(given, **changes)  # type: ignore[arg-type]


def open_store(folder: Path, url: str | None = None, **options: object) -> Store:
    """The database at `url`, else an SQLite file in `folder`."""
    where = url or f"sqlite:///{folder / 'data' / 'huifang.db'}"
    return Store.open(where, folder / "data" / "keys", **options)  # type: ignore[arg-type]


def new_callback(store: Store, number: str = "P2026000001", channel: str = "phone") -> str:
    store.save_policies([policy(number)])
    return store.create_callback(number, "zh-2026.1", channel)


def tone(hertz: float, ms: int) -> bytes:
    """A sine, 8 kHz s16le."""
    samples = (int(8000 * math.sin(2 * math.pi * hertz * n / 8000)) for n in range(8 * ms))
    return b"".join(struct.pack("<h", s) for s in samples)


class Pen:
    """Writes events, one second after the other."""

    def __init__(self, store: Store, callback: str) -> None:
        self.store, self.callback = store, callback
        self.seconds = 0

    def write(self, *drafts: Draft, **columns: object) -> int:
        """Returns the number of the last event."""
        self.seconds += 1
        events = self.store.append(
            self.callback,
            drafts,
            wall=NOW + timedelta(seconds=self.seconds),
            mono_ms=self.seconds * 1000,
            generation=self.store.callback(self.callback).generation,
            **columns,  # type: ignore[arg-type]
        )
        return events[-1].seq


def record_call(path: Path, key: DataKey = KEY) -> AudioFile:
    """Six seconds: a question of ours, an answer, a question, an answer."""
    recorder = StereoRecorder(path, key)
    us, them = tone(440, 6000), tone(880, 6000)
    for at in range(0, len(us), 320):
        second = at // 16000
        quiet = bytes(320)
        ours = us[at : at + 320] if second in (0, 1, 3) else quiet
        theirs = them[at : at + 320] if second in (2, 4) else quiet
        recorder.write(theirs, ours)
    return recorder.close()


def finished_callback(store: Store, audio: Path, number: str = "P2026000001") -> str:
    """A phone call with two answers, the second one a problem; recorded and closed."""
    callback = new_callback(store, number)
    pen = Pen(store, callback)
    created = {
        "policy": number,
        "policy_sha256": store.callback(callback).policy_sha256,
        "questionnaire": "zh-2026.1",
        "questionnaire_sha256": sha256(b"questionnaire").hexdigest(),
        "software": "0.1.0",
        "channel": "phone",
    }
    pen.write(Draft("created", created), state="READY")
    pen.write(Draft("called", {"line": "phone"}), state="IN_PROGRESS")
    pen.write(Draft("identity", {"method": "birth date", "result": "ok", "tries": 1}))
    them = tone(880, 6000)
    _ask_and_answer(pen, "B1", 0, them[2 * 16000 : 3 * 16000], ("yes", "yes"), 2000, "是我买的")
    _ask_and_answer(pen, "Y1", 3000, them[4 * 16000 : 5 * 16000], ("yes", "no"), 4000, "有<i>啊")
    closed = {
        "outcome": "done", "state": "COMPLETED_PROBLEM", "answered": 2, "total": 2, "problems": 1,
    }  # fmt: skip
    pen.write(Draft("closed", closed), state="COMPLETED_PROBLEM", outcome="done")
    file = record_call(audio / f"{callback}.wav", store.data_key(callback))
    sound = {
        "file": file.name,
        "sha256": file.sha256,
        "frames": file.frames,
        "partial": file.partial,
    }
    pen.write(Draft("audio", sound))
    return callback


def _ask_and_answer(
    pen: Pen, item: str, spoken_ms: int, pcm: bytes, answer: tuple[str, str], ms: int, text: str
) -> None:
    question = QUESTIONS[item]
    wording = sha256(question.encode()).hexdigest()
    given, expect = answer
    asked = pen.write(
        Draft(
            "asked",
            {
                "clause": item, "item": True, "form": "full", "text": question,
                "sha256": wording, "source": "2010令4号§15",
            },
        )
    )  # fmt: skip
    pen.write(
        Draft(
            "played",
            {
                "clause": item, "complete": True, "start_ms": spoken_ms, "end_ms": ms,
                "voice": "kokoro zf_xiaobei", "reason": "",
            },
        )
    )  # fmt: skip
    sound = {
        "start_ms": ms,
        "end_ms": ms + 1000,
        "audio_sha256": sha256(pcm).hexdigest(),
        "confidence": 0.93,
    }
    heard = pen.write(
        Draft("heard", {"via": "voice", "text": text, "answer": given, "over": None, **sound})
    )
    pen.write(
        Draft(
            "answered",
            {
                "item": item, "answer": given, "expect": expect, "as_expected": given == expect,
                "code": "" if given == expect else "P12_PROMISE", "clause_sha256": wording,
                "asked_seq": asked, "heard_seq": heard, "text": text, "reason": "三者一致", **sound,
            },
        )
    )  # fmt: skip
