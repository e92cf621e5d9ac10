"""Folders as sherpa-onnx wants them: Kokoro from this project's own files, and networks of four
operations that hum a tone for every character, with the inputs and outputs of the real kinds.

ONNX files are written by the protobuf wire format; numbers of fields as in onnx.proto.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from misaki.zh import ZHG2P
from pypinyin import Style, lazy_pinyin

ROOT = Path(__file__).resolve().parents[2]
TONE_RATE = 8000
TONES_HZ = (200, 400)  # by speaker
TONE_S = 0.25  # for every character
FLOAT, INT64 = 1, 7
EVERYDAY = [bytes((row, cell)).decode("gb2312", "ignore")
            for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)]  # fmt: skip
HANZI = [character for character in EVERYDAY if character]

KOKORO = {
    "model_type": "kokoro", "language": "Chinese", "has_espeak": "0", "version": "2",
    "sample_rate": "24000", "n_speakers": "2", "style_dim": "510,1,256",
}  # fmt: skip
VITS = {
    "model_type": "vits", "comment": "a tone", "language": "Chinese", "add_blank": "0",
    "sample_rate": str(TONE_RATE), "n_speakers": "2", "punctuations": "， 。",
}  # fmt: skip
MATCHA = {
    "model_type": "matcha-tts", "jieba": "1", "use_eos_bos": "0", "pad_id": "0",
    "sample_rate": str(TONE_RATE), "n_speakers": "1",
}  # fmt: skip


def field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def metadata(facts: Mapping[str, str]) -> bytes:
    """ModelProto.metadata_props; at the end of a file they join those it has."""
    return b"".join(field(14, field(1, key) + field(2, value)) for key, value in facts.items())


def node(operation: str, inputs: Sequence[str], output: str, **integers: int) -> bytes:
    attributes = (field(1, k) + field(3, v) + field(20, 2) for k, v in integers.items())
    return (
        b"".join(field(1, name) for name in inputs)
        + field(2, output)
        + field(4, operation)
        + b"".join(field(5, attribute) for attribute in attributes)
    )


def tensor(name: str, values: np.ndarray) -> bytes:
    kind = INT64 if values.dtype == np.int64 else FLOAT
    dims = b"".join(field(1, size) for size in values.shape)
    return dims + field(2, kind) + field(8, name) + field(9, values.tobytes())


def port(name: str, kind: int, *dims: int | str) -> bytes:
    shape = b"".join(field(1, field(1 if isinstance(d, int) else 2, d)) for d in dims)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


def network(
    nodes: Iterable[bytes],
    constants: Mapping[str, np.ndarray],
    inputs: Iterable[bytes],
    output: bytes,
    facts: Mapping[str, str],
) -> bytes:
    graph = (
        b"".join(field(1, one) for one in nodes)
        + field(2, "tone")
        + b"".join(field(5, tensor(name, values)) for name, values in constants.items())
        + b"".join(field(11, one) for one in inputs)
        + field(12, output)
    )
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13)) + metadata(facts)


def tones() -> np.ndarray:
    """One row a speaker: the sound of one character."""
    times = np.arange(int(TONE_S * TONE_RATE)) / TONE_RATE
    return np.array([np.sin(2 * np.pi * hz * times) for hz in TONES_HZ], np.float32) * 0.3


def vits(facts: Mapping[str, str] = VITS) -> bytes:
    """A tone for every token, by speaker."""
    return network(
        [
            node("Cast", ["x"], "ids", to=FLOAT),
            node("Reshape", ["ids", "column"], "loudness"),
            node("Gather", ["tones", "sid"], "tone"),
            node("MatMul", ["loudness", "tone"], "rows"),
            node("Reshape", ["rows", "flat"], "y"),
        ],
        {
            "column": np.array([-1, 1]), "flat": np.array([1, 1, -1]), "tones": tones(),
        },
        [
            port("x", INT64, 1, "L"), port("x_length", INT64, 1),
            *(port(f"{name}scale{w}", FLOAT, 1) for name, w in
              (("noise_", ""), ("length_", ""), ("noise_", "_w"))),
            port("sid", INT64, 1),
        ],
        port("y", FLOAT, 1, 1, "T"),
        facts,
    )  # fmt: skip


def matcha_acoustic(facts: Mapping[str, str] = MATCHA) -> bytes:
    """A frame for every token; all 80 bands hold its id."""
    return network(
        [
            node("Cast", ["x"], "ids", to=FLOAT),
            node("Reshape", ["ids", "row"], "frames"),
            node("MatMul", ["bands", "frames"], "mel"),
        ],
        {"row": np.array([1, 1, -1]), "bands": np.ones((80, 1), np.float32)},
        [
            port("x", INT64, 1, "L"), port("x_length", INT64, 1),
            port("noise_scale", FLOAT, 1), port("length_scale", FLOAT, 1),
        ],
        port("mel", FLOAT, 1, 80, "T"),
        facts,
    )  # fmt: skip


def vocoder() -> bytes:
    """Half a tone for every frame, as loud as its first band: sherpa-onnx puts an empty frame
    before and after each of Matcha's tokens."""
    return network(
        [
            node("Gather", ["mel", "first"], "band", axis=1),
            node("Reshape", ["band", "column"], "loudness"),
            node("MatMul", ["loudness", "tone"], "rows"),
            node("Reshape", ["rows", "flat"], "audio"),
        ],
        {
            "first": np.array([0]), "column": np.array([-1, 1]), "flat": np.array([1, 1, -1]),
            "tone": tones()[:1, : int(TONE_S * TONE_RATE / 2)],
        },
        [port("mel", FLOAT, 1, 80, "T")],
        port("audio", FLOAT, 1, 1, "N"),
        {"model_type": "hifigan", "sample_rate": str(TONE_RATE)},
    )  # fmt: skip


def put(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def words(tokens: str = "a") -> dict[str, str]:
    """A lexicon of the 3,755 everyday hanzi that all sound alike, and its tokens."""
    listed = "".join(f"{character} {tokens}\n" for character in HANZI)
    return {"lexicon.txt": listed, "tokens.txt": "_ 0\na 1\n， 2\n。 3\n"}


def humming_vits(folder: Path, facts: Mapping[str, str] = VITS) -> Path:
    return put(folder, {"hum.onnx": vits(facts), **words()})


def humming_characters(folder: Path) -> Path:
    """A VITS whose tokens are the hanzi themselves."""
    tokens = "".join(f"{token} {id}\n" for id, token in enumerate(["_", "，", "。", *HANZI]))
    return put(folder, {"hum.onnx": vits({**VITS, "frontend": "characters"}), "tokens.txt": tokens})


def humming_matcha(folder: Path) -> Path:
    files = {"model-steps-3.onnx": matcha_acoustic(), "hifigan_v2.onnx": vocoder()}
    return put(folder, {**files, **words()})


def kokoro(voices: Sequence[str] = ("zf_xiaobei", "zm_yunxi")) -> Path:
    """Kokoro's released model with what sherpa-onnx wants to be told written behind it."""
    folder = ROOT / "build" / "test-cache" / "sherpa-kokoro"
    if (folder / "voices.bin").is_file():  # written last
        return folder
    source = ROOT / "models" / "kokoro"
    model = (source / "kokoro-v1.0.int8.onnx").read_bytes()
    vocabulary = json.loads((source / "vocab.json").read_text(encoding="utf-8"))["vocab"]
    files = {
        "model.onnx": model + metadata(KOKORO),
        "tokens.txt": "".join(f"{phoneme} {id}\n" for phoneme, id in vocabulary.items()),
        "lexicon-zh.txt": "".join(f"{c} {_phonemes(c)}\n" for c in HANZI),
        "voices.bin": b"".join((source / "voices" / f"{v}.bin").read_bytes() for v in voices),
    }
    return put(folder, files)


def _phonemes(character: str) -> str:
    syllables = lazy_pinyin(character, style=Style.TONE3, neutral_tone_with_five=True)
    return " ".join(ZHG2P.py2ipa(syllables[0]).replace(chr(0x32F), ""))
