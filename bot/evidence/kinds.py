"""The table of event kinds: what may be written into a ledger, field by field.

A kind or field that is not in this table is refused when it is written, so that a reader in ten
years finds every one explained here. `docs/evidence.md` shows the same table (tested).
Times in milliseconds are offsets from the opening of the line, hence into its recording too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event: when it is written and what its body may hold."""

    meaning: str
    fields: Mapping[str, str]
    required: frozenset[str] = frozenset()  # without these the record could not be read later
    outlives: bool = False  # stays readable when the record is erased; nothing in it is personal


_CLAUSE = "id of the clause in the questionnaire"
_TEXT = "the exact words"
_SHA256 = "SHA-256 of the words, with the clause version"
_START = "ms from the opening of the line to the first sample"
_END = "ms from the opening of the line to the end"
_REASON = "why, in the words of the rule that decided"
_AGENT = "name of the human"
_GENERATION = "ownership number that holds from here on"
_HEARD_AUDIO = "SHA-256 of the PCM of the utterance; null for keys and text"
_CALL = "UUID of the call"
_BY = "user of the machine who ran the command"
_FORM = "wording used: full, plain or keys"


def _need(*fields: str) -> frozenset[str]:
    return frozenset(fields)


KINDS: Mapping[str, Kind] = {
    "created": Kind(
        "The callback was planned.",
        {
            "policy": "policy number",
            "policy_sha256": "SHA-256 of the policy facts the wording was made from",
            "questionnaire": "version of the questionnaire",
            "questionnaire_sha256": "SHA-256 of the questionnaire file",
            "software": "version of this software",
            "channel": "phone or chat",
        },
        _need("policy", "questionnaire"),
    ),
    "dialled": Kind(
        "The exchange is about to be asked to call the policyholder.",
        {"call": _CALL},
        _need("call"),
    ),
    "dial_ended": Kind(
        "What came of the dialling. Without this event nobody knows, and nobody dials again.",
        {
            "call": _CALL,
            "outcome": "answered, busy, no_answer, rejected, no_such_number, congestion, "
            "not_registered, failed, unknown, or the machine heard before anybody answered: "
            "switched_off, line_busy, unreachable, suspended, voicemail, operator, screener, menu",
            "cause": "Q.850 cause of the hang-up; 0 when there was none",
        },
        _need("call", "outcome"),
    ),
    "returned": Kind(
        "No human took the call in time; the bot has the conversation again.",
        {"generation": _GENERATION},
        _need("generation"),
    ),
    "called": Kind(
        "A line to the policyholder opened; one for each attempt.",
        {
            "line": "phone or chat",
            "model": "id of the dialogue's trained model",
            "questionnaire": "version of the questionnaire that is asked on this line",
            "questionnaire_sha256": "SHA-256 of its file; of a translation, of its folder's files",
            "language": "ISO 639-1, of the questions",
        },
        _need("line"),
    ),
    "resumed": Kind("An unfinished callback goes on.", {"from_item": "first item still open"}),
    "said": Kind(
        "A clause that is no question is about to be spoken.",
        {"clause": _CLAUSE, "form": _FORM, "text": _TEXT, "sha256": _SHA256},
        _need("clause", "text", "sha256"),
    ),
    "asked": Kind(
        "A question is about to be spoken.",
        {
            "clause": _CLAUSE,
            "item": "true when the clause is an item of the questionnaire",
            "form": _FORM,
            "text": _TEXT,
            "sha256": _SHA256,
            "source": "article of law or contract the question comes from",
            "must_check": "true when a yes counts only with its comprehension question",
            "checks": "id of the item whose comprehension this question checks",
        },
        _need("clause", "item", "text", "sha256"),
    ),
    "explained": Kind(
        "The reviewed explanation of a clause is about to be spoken.",
        {
            "clause": _CLAUSE,
            "form": _FORM,
            "text": _TEXT,
            "sha256": _SHA256,
            "source": "articles of law or contract the explanation rests on",
        },
        _need("clause", "text", "sha256"),
    ),
    "played": Kind(
        "A clause left the line.",
        {
            "clause": _CLAUSE,
            "complete": "true when it was played to its end",
            "start_ms": _START,
            "end_ms": _END,
            "voice": "engine, voice and model that spoke; text in a chat",
            "reason": "why it was cut off; empty when complete",
        },
        _need("clause", "complete", "start_ms", "end_ms"),
    ),
    "heard": Kind(
        "The policyholder spoke, keyed or typed.",
        {
            "via": "voice, text, key or button",
            "text": "what was understood, word for word",
            "read_as": "what the words of another language stand for in Mandarin; empty: not in "
            "the language's table, hence no answer",
            "confidence": "of the recogniser, 0 to 1",
            "no_speech": "the recogniser's belief that nobody spoke, 0 to 1",
            "scores": (
                "how the closed set of answers explains the sound, ratios by contest; snr_db: the"
                " voice above the noise; written, undenied, spelt_undenied: the second reader's"
                " likelihoods, in nats: of the text against what was spelt, of the text and of what"
                " was spelt against their denial"
            ),
            "nearest": "which of the closed set explains the sound best; empty: none does",
            "sounds": "what a second reader spells of the sound: pinyin without tones",
            "spelt": "the text, or which of the closed set is spelt so; empty: neither",
            "engine": "recogniser and model",
            "start_ms": _START,
            "end_ms": _END,
            "audio_sha256": _HEARD_AUDIO,
            "audio_start_ms": "where the hashed samples begin in the recording",
            "audio_end_ms": "where the hashed samples end in the recording",
            "over": "id of the speech it interrupted; null when none",
            "echo_ms": "so much of the sound, at its ends, is the bot's own voice; not recognised",
            "intent": "finest meaning",
            "answer": "yes, no or unclear",
            "request": "what the policyholder wants done, if anything",
            "reason": _REASON,
        },
        _need("via", "text"),
    ),
    "checked": Kind(
        "An answer to a comprehension question was compared with the contract.",
        {
            "item": "id of the item whose yes waits for it",
            "clause": _CLAUSE,
            "method": "what was asked for: number, amount, date or choice",
            "expected": "the contract's answer",
            "stated": "what was understood; null when nothing definite was said",
            "result": "right, wrong (also when they say that they do not know) or unclear",
            "asked_seq": "number of the event that asked it",
            "heard_seq": "number of the event that heard it",
            "reason": _REASON,
        },
        _need("item", "clause", "expected", "stated", "result", "asked_seq", "heard_seq"),
    ),
    "answered": Kind(
        "The answer to one item is final.",
        {
            "item": "id of the item",
            "answer": "yes, no or unclear",
            "expect": "the answer that means no problem",
            "as_expected": "true when the answer is the expected one",
            "code": "problem code; empty when as expected",
            "clause_sha256": "SHA-256 of the full wording of the item",
            "asked_seq": "number of the event that asked it",
            "heard_seq": "number of the event that heard it",
            "text": "what was understood, word for word",
            "confidence": "of the recogniser, 0 to 1",
            "audio_sha256": _HEARD_AUDIO,
            "start_ms": _START,
            "end_ms": _END,
            "reason": _REASON,
            "checked_seq": "number of the last check of its comprehension; the yes needs it right",
        },
        _need("item", "answer", "expect", "as_expected"),
    ),
    "identity": Kind(
        "A statement of identity was compared with the policy. The value is never kept here.",
        {
            "method": "birth date or last four of the ID number",
            "result": "ok, wrong or unheard",
            "tries": "how many so far",
        },
        _need("result"),
    ),
    "flagged": Kind(
        "Noted for quality control.",
        {
            "code": "e.g. P18_INTERFERENCE",
            "shared_with": "callback of another policyholder whose chat this browser had as well",
            "policyholders": "how many policyholders have this one's telephone number",
        },
        _need("code"),
    ),
    "pace": Kind(
        "How we speak was changed on request.",
        {"rate": "factor of the voice's own pace", "gain_db": "loudness, dB"},
    ),
    "waited": Kind(
        "The policyholder asked us to wait.", {"seconds": "patience given"}, _need("seconds")
    ),
    "silence": Kind(
        "Nobody spoke for the whole patience of a question.",
        {"waited_s": "the patience, seconds", "at_ms": "ms from the opening of the line"},
        _need("waited_s"),
    ),
    "handed_over": Kind(
        "The conversation left the bot for the human queue.",
        {"reason": _REASON, "generation": _GENERATION},
        _need("reason", "generation"),
    ),
    "taken": Kind(
        "A human took the conversation.",
        {"agent": _AGENT, "generation": _GENERATION},
        _need("agent", "generation"),
    ),
    "agent_said": Kind(
        "The human wrote to the policyholder.", {"agent": _AGENT, "text": _TEXT}, _need("text")
    ),
    "given_back": Kind(
        "The human gave the conversation back to the bot.",
        {"agent": _AGENT, "generation": _GENERATION},
        _need("agent", "generation"),
    ),
    "rescheduled": Kind(
        "Another call was booked.",
        {
            "when": "the time, ISO 8601 with offset",
            "slot": "the time as it was spoken",
            "text": "what the policyholder said",
        },
    ),
    "failed": Kind(
        "A part of the system failed during the call.",
        {"part": "which", "error": "what happened, without personal data"},
        _need("part"),
    ),
    "closed": Kind(
        "The attempt is over.",
        {
            "outcome": "done, not_me, busy, goodbye, hangup, …",
            "state": "the callback's state from here on",
            "answered": "items with a final answer",
            "total": "items of the questionnaire",
            "problems": "answers other than expected",
        },
        _need("outcome", "state"),
    ),
    "audio": Kind(
        "The recording of the attempt was closed.",
        {
            "file": "its name in the audio folder",
            "sha256": "SHA-256 of the whole file",
            "frames": "stereo samples",
            "rate": "stereo samples a second; 8,000 where it is not given",
            "partial": "true when it was cut off by a fault",
        },
        _need("file", "sha256", "frames", "partial"),
    ),
    "viewed": Kind(
        "Somebody opened the record on a screen. Who took it over is in `taken`.",
        {"by": _AGENT},
        _need("by"),
    ),
    "exported": Kind(
        "The record is about to be written out in clear.",
        {"by": _BY},
        _need("by"),
    ),
    "settled": Kind(
        "A human has dealt with a problem case, or with a callback that came to no end.",
        {"by": _BY, "result": "who did what, and what came of it"},
        _need("by", "result"),
    ),
    "held": Kind(
        "The record is kept beyond its time, for a dispute.",
        {"by": _BY, "reason": "why"},
        _need("by", "reason"),
    ),
    "released": Kind(
        "The dispute is over; the record is kept for its time.",
        {"by": _BY, "reason": "why"},
        _need("by", "reason"),
    ),
    "erased": Kind(
        "The key of the record was destroyed: of all other events only the digests are left.",
        {"by": _BY, "reason": "why: a rule or a request, without personal data"},
        _need("by", "reason"),
        outlives=True,
    ),
}


OUTLIVING = frozenset(name for name, kind in KINDS.items() if kind.outlives)


def check(kind: str, body: Mapping[str, object]) -> None:
    """Raises ValueError when the kind or a field is not in the table, or a required one lacks."""
    known = KINDS.get(kind)
    if known is None:
        raise ValueError(f"unknown event kind {kind!r}")
    if unknown := body.keys() - known.fields.keys():
        raise ValueError(f"event {kind} has no field {sorted(unknown)}")
    if lacking := known.required - body.keys():
        raise ValueError(f"event {kind} lacks {sorted(lacking)}")
