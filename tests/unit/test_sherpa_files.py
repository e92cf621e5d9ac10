"""Which kind of model lies in a folder, and what is missing in it: nothing is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from bot import parts
from bot.cli import doctor
from bot.errors import ConfigError
from bot.settings import Settings
from tests.unit import sherpa_models as models
from voice.errors import ModelError
from voice.speaking import open_sherpa, sherpa_files
from voice.speaking.onnx_facts import facts

SOME = {"sample_rate": "22050", "n_speakers": "1"}
SMALL_VOICES = {**models.KOKORO, "style_dim": "3,1,2"}
VOICES = b"\0" * (4 * 3 * 2 * 2)


def onnx(said: Mapping[str, str]) -> bytes:
    return models.field(1, 8) + models.field(7, b"graph") + models.metadata(said)


def folder(tmp_path: Path, *names: str, **contents: bytes) -> Path:
    """A folder of empty files, and of *.onnx ones that say a rate and one speaker."""
    files = {name: onnx(SOME) if name.endswith(".onnx") else b"" for name in names}
    return models.put(tmp_path / "some-model-zh", {**files, **contents})


@pytest.mark.parametrize(
    ("names", "kind", "model", "partner"),
    [
        (("model.onnx", "lexicon.txt", "tokens.txt", "dict.fst"), "vits", "model.onnx", None),
        (
            ("model-steps-3.onnx", "vocos-22khz-univ.onnx", "lexicon.txt", "tokens.txt"),
            *("matcha", "model-steps-3.onnx", "vocos-22khz-univ.onnx"),
        ),
        (
            ("acoustic.onnx", "hifigan_v2.onnx", "lexicon.txt", "tokens.txt"),
            *("matcha", "acoustic.onnx", "hifigan_v2.onnx"),
        ),
    ],
)
def test_the_kind_is_found_by_the_files(
    tmp_path: Path, names: tuple[str, ...], kind: str, model: str, partner: str | None
) -> None:
    found = sherpa_files.find(folder(tmp_path, *names), 0)
    assert (found.kind, found.model.name) == (kind, model)
    assert (found.partner.name if found.partner else None) == partner
    assert str(found) == f"some-model-zh ({kind}, 1 speakers, 22050 Hz)"


@pytest.mark.parametrize(
    ("said", "kind"),
    [("melo-vits", "vits"), ("matcha-tts", "matcha"), ("kokoro", "kokoro")],
)
def test_what_the_model_says_of_itself_goes_before(tmp_path: Path, said: str, kind: str) -> None:
    names = ("lexicon-zh.txt", "lexicon.txt", "tokens.txt", "vocos.onnx")
    place = folder(tmp_path, *names)
    model = onnx({**SMALL_VOICES, "model_type": said})
    models.put(place, {"model.onnx": model, "voices.bin": VOICES})
    found = sherpa_files.find(place, 1)
    assert (found.kind, found.speakers) == (kind, 2)
    assert found.lexicon == place / "lexicon-zh.txt"


@pytest.mark.parametrize(
    ("names", "said", "missing"),
    [
        (("tokens.txt",), r"holds no model \(\*\.onnx\)", ""),
        (("model.onnx",), "is a vits model without", "tokens.txt and lexicon.txt"),
        (("model.onnx", "lexicon.txt"), "is a vits model without", "tokens.txt"),
        (("model-steps-3.onnx", "tokens.txt"), "is a matcha model", "lexicon.txt and its vocoder"),
        (("model.onnx", "voices.bin", "tokens.txt"), "a kokoro model", "lexicon-zh.txt or lexicon"),
    ],
)
def test_missing_files_are_named(
    tmp_path: Path, names: tuple[str, ...], said: str, missing: str
) -> None:
    with pytest.raises(ModelError, match=said) as failed:
        sherpa_files.find(folder(tmp_path, *names), 0)
    assert missing in str(failed.value)
    assert str(tmp_path) in str(failed.value)


def test_voices_of_another_model_are_refused(tmp_path: Path) -> None:
    place = folder(tmp_path, "lexicon-zh.txt", "tokens.txt")
    models.put(place, {"model.onnx": onnx(SMALL_VOICES), "voices.bin": VOICES[:-4]})
    with pytest.raises(ModelError, match=r"voices\.bin has not the 48 bytes"):
        sherpa_files.find(place, 0)
    models.put(place, {"model.onnx": onnx({**SMALL_VOICES, "model_type": "kokoro"})})
    (place / "voices.bin").unlink()
    with pytest.raises(ModelError, match=r"kokoro model without voices\.bin"):
        sherpa_files.find(place, 0)


def test_several_models_are_told_apart_by_naming_one(tmp_path: Path) -> None:
    place = folder(tmp_path, "model.onnx", "model.int8.onnx", "lexicon.txt", "tokens.txt")
    with pytest.raises(ModelError, match=r"several models; .*: model\.int8\.onnx, model\.onnx"):
        sherpa_files.find(place, 0)
    found = sherpa_files.find(place / "model.int8.onnx", 0)
    assert (found.kind, found.model) == ("vits", place / "model.int8.onnx")
    assert found.name == "some-model-zh"


def test_two_vocoders_are_one_too_many(tmp_path: Path) -> None:
    names = ("model-steps-3.onnx", "hifigan_v1.onnx", "vocos-22khz-univ.onnx")
    with pytest.raises(ModelError, match="several vocoders"):
        sherpa_files.find(folder(tmp_path, *names, "lexicon.txt", "tokens.txt"), 0)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"model_type": "zipvoice", **SOME}, "is a zipvoice model; only vits, matcha, kokoro"),
        ({"n_speakers": "1"}, "does not say its sample_rate: it was not made for sherpa-onnx"),
        ({"sample_rate": "22050", "n_speakers": "-1"}, "does not say its n_speakers"),
        ({"model_type": "kokoro", **SOME}, "does not say its style_dim"),
    ],
)
def test_models_of_other_kinds_and_makers_are_refused(
    tmp_path: Path, said: dict[str, str], error: str
) -> None:
    place = folder(tmp_path, "lexicon.txt", "tokens.txt", "voices.bin")
    models.put(place, {"model.onnx": onnx(said)})
    with pytest.raises(ModelError, match=error):
        sherpa_files.find(place, 0)


def test_only_the_models_own_speakers(tmp_path: Path) -> None:
    place = models.humming_vits(tmp_path / "hum")
    assert sherpa_files.find(place, 1).speakers == 2
    with pytest.raises(ModelError, match="has no speaker 2; the last one is 1"):
        sherpa_files.find(place, 2)


def test_what_is_no_onnx_file_is_said(tmp_path: Path) -> None:
    place = folder(tmp_path, "lexicon.txt", "tokens.txt")
    for content in (b"<html>404 Not Found</html>", onnx(SOME)[:-3], b"\xff" * 40):
        (place / "model.onnx").write_bytes(content)
        with pytest.raises(ModelError, match=r"model\.onnx is no ONNX file, or was cut off"):
            sherpa_files.find(place, 0)
    with pytest.raises(ModelError, match=r"cannot read .*other\.onnx: No such file"):
        sherpa_files.find(place / "other.onnx", 0)
    with pytest.raises(ModelError, match="there is no folder"):
        sherpa_files.find(tmp_path / "nothing", 0)


@pytest.mark.models
def test_facts_of_a_large_model_are_read_without_loading_it() -> None:
    model = models.ROOT / "models" / "kokoro" / "kokoro-v1.0.int8.onnx"
    assert "sample_rate" not in facts(model)  # the released one does not say


def test_a_lexicon_without_hanzi_is_no_mandarin_model(tmp_path: Path) -> None:
    place = models.humming_vits(tmp_path / "hum")
    found = sherpa_files.find(place, 0)
    assert sherpa_files.known_hanzi(found) == frozenset(models.HANZI)
    (place / "lexicon.txt").write_text("hello h e l o\n保险 b x\n您 n\n")
    with pytest.raises(ModelError, match=r"knows 1 hanzi: this is no Mandarin model"):
        sherpa_files.known_hanzi(found)
    (place / "lexicon.txt").write_bytes("您好".encode("gb2312"))
    with pytest.raises(ModelError, match="not UTF-8"):
        sherpa_files.known_hanzi(found)


def test_characters_as_tokens_need_no_lexicon(tmp_path: Path) -> None:
    place = folder(tmp_path)
    tokens = "".join(f"{character} {id}\n" for id, character in enumerate(models.HANZI))
    model = onnx({**SOME, "frontend": "characters"})
    models.put(place, {"model.onnx": model, "tokens.txt": tokens})
    found = sherpa_files.find(place, 0)
    assert found.lexicon is None
    assert len(sherpa_files.known_hanzi(found)) == 3755


def test_the_record_tells_models_and_their_parts_apart(tmp_path: Path) -> None:
    place = models.humming_vits(tmp_path / "hum")
    found = sherpa_files.find(place, 0)
    seen = [sherpa_files.fingerprint(found)]
    for name in ("hum.onnx", "lexicon.txt", "tokens.txt"):
        with (place / name).open("ab") as file:
            file.write(b"\n")
        seen.append(sherpa_files.fingerprint(found))
    assert len(set(seen)) == 4
    assert [one.split("+")[0] for one in seen[1:]] == [seen[1].split("+")[0]] * 3


def test_settings_without_a_model_say_what_to_set(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, voice="sherpa")
    with pytest.raises(ConfigError, match="set HUIFANG_SHERPA_MODEL to its folder"):
        parts.open_voice(settings)
    finding = doctor._check("sherpa model", lambda: doctor._sherpa_model(settings))
    assert not finding.ok


@pytest.mark.skipif(find_spec("sherpa_onnx") is not None, reason="sherpa-onnx is installed")
async def test_without_sherpa_onnx_the_error_says_what_to_install(tmp_path: Path) -> None:
    speaker = open_sherpa(models.humming_vits(tmp_path / "hum"), tmp_path / "speech")
    with pytest.raises(ModelError, match=r"run: make sherpa, or: .*'sherpa-onnx>=2\.0\.1,<2\.1'"):
        await speaker.start()
