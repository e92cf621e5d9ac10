"""The files of a model for sherpa-onnx: which kind it is, whether all are there, what they are.

Three kinds of Mandarin models: VITS, Matcha with its vocoder, and Kokoro with its voices.
sherpa-onnx ends the whole process when a file is not as it wants it, so what can be told beforehand
is told here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from voice.errors import ModelError
from voice.model_files import sha256_of
from voice.speaking.onnx_facts import facts

Kind = Literal["vits", "matcha", "kokoro"]
KINDS: Final[tuple[Kind, ...]] = ("vits", "matcha", "kokoro")
TOKENS: Final = "tokens.txt"
VOICES: Final = "voices.bin"
LEXICONS: Final = ("lexicon-zh.txt", "lexicon.txt")
LEAST_HANZI: Final = 3000
"""The everyday ones; a Mandarin model's lexicon has them, another's has none."""
_VOCODER: Final = re.compile(r"(vocos|hifigan)[^/]*\.onnx")


@dataclass(frozen=True, slots=True)
class SherpaFiles:
    """A complete model."""

    kind: Kind
    name: str  # the folder's
    model: Path  # of Matcha the acoustic model
    tokens: Path
    lexicon: Path | None  # None: the tokens are characters themselves
    partner: Path | None  # Kokoro: the voices; Matcha: the vocoder
    speakers: int  # at least 1
    rate: int  # Hz

    def __str__(self) -> str:
        return f"{self.name} ({self.kind}, {self.speakers} speakers, {self.rate} Hz)"


def find(place: Path, speaker: int) -> SherpaFiles:
    """The model at `place`: its folder or, where that holds several models, the model's file.

    Raises ModelError when files are missing or do not fit together, when the kind is another one,
    and when there is no such speaker.
    """
    folder = place.parent if place.suffix == ".onnx" else place
    if not folder.is_dir():
        raise ModelError(f"there is no folder {folder}; name the folder of a sherpa-onnx model")
    parts = sorted(folder.glob("*.onnx"))
    vocoders = [part for part in parts if _VOCODER.fullmatch(part.name)]
    model = place if place != folder else _only(folder, [p for p in parts if p not in vocoders])
    said = facts(model)
    kind = _kind(model, said, bool(vocoders))
    characters = said.get("frontend") == "characters"
    lexicon = next((folder / name for name in LEXICONS if (folder / name).is_file()), None)
    missing = [] if (folder / TOKENS).is_file() else [TOKENS]
    if lexicon is None and not characters:
        missing.append(" or ".join(LEXICONS) if kind == "kokoro" else LEXICONS[-1])
    if kind == "kokoro" and not (folder / VOICES).is_file():
        missing.append(VOICES)
    if kind == "matcha" and not vocoders:
        missing.append("its vocoder (vocos-….onnx or hifigan_….onnx)")
    if missing:
        raise ModelError(f"{folder} is a {kind} model without {' and '.join(missing)}")
    partner = {"kokoro": folder / VOICES, "matcha": _vocoder(folder, vocoders), "vits": None}[kind]
    files = SherpaFiles(
        kind=kind,
        name=folder.resolve().name[:60],
        model=model,
        tokens=folder / TOKENS,
        lexicon=None if characters else lexicon,
        partner=partner,
        speakers=max(1, _number(model, said, "n_speakers")),
        rate=_number(model, said, "sample_rate"),
    )
    if kind == "kokoro":
        _check_voices(files, said)
    if not 0 <= speaker < files.speakers:
        raise ModelError(f"{files} has no speaker {speaker}; the last one is {files.speakers - 1}")
    return files


def fingerprint(files: SherpaFiles) -> str:
    """First 12 digits of the model's SHA-256, and 6 of the SHA-256s of all that goes with it."""
    rest = (files.tokens, files.lexicon, files.partner)
    together = "".join(sha256_of(path) for path in rest if path is not None)
    return f"{sha256_of(files.model)[:12]}+{hashlib.sha256(together.encode()).hexdigest()[:6]}"


def known_hanzi(files: SherpaFiles) -> frozenset[str]:
    """The characters this model can say. Raises ModelError when it is no Mandarin model."""
    path = files.lexicon or files.tokens
    try:
        with path.open(encoding="utf-8") as lines:
            words = {line.split(maxsplit=1)[0] for line in lines if line.strip()}
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is not UTF-8 text") from error
    hanzi = frozenset(word for word in words if len(word) == 1 and "一" <= word <= "鿿")
    if len(hanzi) < LEAST_HANZI:
        raise ModelError(f"{path} knows {len(hanzi)} hanzi: this is no Mandarin model")
    return hanzi


def _only(folder: Path, models: list[Path]) -> Path:
    if not models:
        raise ModelError(f"{folder} holds no model (*.onnx)")
    if len(models) > 1:
        names = ", ".join(model.name for model in models)
        raise ModelError(f"{folder} holds several models; name one of them with its path: {names}")
    return models[0]


def _vocoder(folder: Path, vocoders: list[Path]) -> Path | None:
    if len(vocoders) > 1:
        names = ", ".join(vocoder.name for vocoder in vocoders)
        raise ModelError(f"{folder} holds several vocoders, of which one may stay: {names}")
    return vocoders[0] if vocoders else None


def _kind(model: Path, said: Mapping[str, str], has_vocoder: bool) -> Kind:
    """As the model says (melo-vits is a VITS), or else by what lies beside it."""
    stated = said.get("model_type", "")
    for kind in KINDS:
        if kind in stated:
            return kind
    if stated:
        raise ModelError(f"{model} is a {stated} model; only {', '.join(KINDS)} can speak")
    if (model.parent / VOICES).is_file():
        return "kokoro"
    return "matcha" if has_vocoder or model.name.startswith("model-steps") else "vits"


def _number(model: Path, said: Mapping[str, str], name: str) -> int:
    if not re.fullmatch(r"\d{1,6}", said.get(name, "")):
        raise ModelError(f"{model} does not say its {name}: it was not made for sherpa-onnx")
    return int(said[name])


def _check_voices(files: SherpaFiles, said: Mapping[str, str]) -> None:
    """A style row of float32 for every number of phonemes and speaker."""
    shape = re.fullmatch(r"(\d{1,6}),1,(\d{1,6})", said.get("style_dim", ""))
    if shape is None:
        raise ModelError(f"{files.model} does not say its style_dim: not made for sherpa-onnx")
    wanted = 4 * int(shape[1]) * int(shape[2]) * files.speakers
    if files.partner is not None and files.partner.stat().st_size != wanted:
        raise ModelError(f"{files.partner} has not the {wanted} bytes its model wants")
