"""The files Kokoro speaks from, and the only contents of them that we accept.

Kokoro-82M v1.0 (Apache-2.0). The ONNX file is the upstream release's, byte for byte; each voice is
510 x 256 float32, one style row per number of phonemes. A file that differs is refused: a model is
code as far as its listeners are concerned.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from voice.errors import ModelError
from voice.model_files import sha256_of

MODEL: Final = "kokoro-v1.0.int8.onnx"
VOCAB: Final = "vocab.json"

VOICES: Final = {
    "zf_xiaobei": "5dde6e1c9c4f12c8b327bc29c0cee361a23b52b952c04636858ba637ec66e640",
    "zm_yunxi": "7243892fb4e560d47014090ddf010f8b8b790f3c6b029ff82b2ac06aa4e27c8b",
    "zf_xiaoxiao": "03adb5d5e3ddd88b047954e974e651cb0a4b524c985057e5d872e962c7be1169",
    "zf_xiaoyi": "bc1555c5c486099196ac254bae5e0bb543c121952a3092f50b7d8724f1bc36b3",
}

SHA256: Final = {
    MODEL: "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
    VOCAB: "ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41",
    **{f"voices/{name}.bin": digest for name, digest in VOICES.items()},
}


def faults(folder: Path, names: tuple[str, ...] = tuple(SHA256)) -> dict[str, str]:
    """What is wrong with the named files: name -> "missing" or "damaged"; empty if all is well."""
    found: dict[str, str] = {}
    for name in names:
        path = folder / name
        if not path.is_file():
            found[name] = "missing"
        elif sha256_of(path) != SHA256[name]:
            found[name] = "damaged"
    return found


def check(folder: Path, voice: str) -> None:
    """Accept the files that speaking with `voice` needs.

    Raises ModelError when the voice is unknown, or a file is missing or not the released one.
    """
    if voice not in VOICES:
        raise ModelError(f"there is no Kokoro voice {voice!r}; choose one of {', '.join(VOICES)}")
    for name, fault in faults(folder, (MODEL, VOCAB, f"voices/{voice}.bin")).items():
        raise ModelError(f"{folder / name} is {fault}; run: huifang models fetch")
