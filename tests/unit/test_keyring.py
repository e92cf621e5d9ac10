"""The signing key: made once, private, followed by its successors; nobody else's is trusted."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.errors import ConfigError
from bot.evidence import signing
from bot.evidence.keyring import KeyRing, load_public
from bot.vault import private_file

TIME = "2026-11-22T00:00:00.000000Z"
STATEMENT = {"format": signing.MANIFEST, "manifest": "a" * 64}


def test_a_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = KeyRing(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "signing.key").stat().st_mode) == 0o600
    assert KeyRing(folder).id == first.id
    assert signing.signed_by(first.sign(STATEMENT), KeyRing(folder).trusted())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601, 0o620])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    KeyRing(tmp_path / "keys")
    (tmp_path / "keys" / "signing.key").chmod(mode)
    with pytest.raises(ConfigError, match="read by others"):
        KeyRing(tmp_path / "keys")


def test_a_key_that_others_could_replace_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    KeyRing(folder)
    folder.chmod(0o770)
    with pytest.raises(ConfigError, match="others may write"):
        KeyRing(folder)
    folder.chmod(0o700)
    (folder / "signing.key").rename(folder / "elsewhere.key")
    (folder / "signing.key").symlink_to(folder / "elsewhere.key")
    with pytest.raises(ConfigError, match="cannot be used"):
        KeyRing(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    KeyRing(tmp_path / "keys")
    os.chown(tmp_path / "keys" / "signing.key", 65534, 65534)
    with pytest.raises(ConfigError, match="another user"):
        KeyRing(tmp_path / "keys")


def test_damage_is_said(tmp_path: Path) -> None:
    KeyRing(tmp_path / "keys")
    (tmp_path / "keys" / "signing.key").write_bytes(b"no key")
    with pytest.raises(ConfigError, match="not a private key"):
        KeyRing(tmp_path / "keys")
    for content in (b"", b"no key", b"-----END PUBLIC KEY-----"):
        (tmp_path / "x.pem").write_bytes(content)
        with pytest.raises(ConfigError):
            load_public(tmp_path / "x.pem")


def test_successors_are_trusted_through_their_predecessors(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys")
    old = ring.public
    before = ring.sign(STATEMENT)
    ids = [ring.id, ring.rotate(TIME), ring.rotate(TIME)]
    assert len(set(ids)) == 3
    again = KeyRing(tmp_path / "keys")
    assert again.id == ids[-1]
    assert again.trusted().keys() == set(ids)
    assert signing.signed_by(before, again.trusted())
    from_the_first = signing.trusted([old], again.rotations())
    assert from_the_first.keys() == set(ids)
    assert signing.signed_by(again.sign(STATEMENT), from_the_first)
    # The newest key alone says nothing about those before it.
    assert signing.trusted([again.public], again.rotations()).keys() == {ids[-1]}


def test_a_successor_that_nobody_named_is_not_trusted(tmp_path: Path) -> None:
    ring, stranger = KeyRing(tmp_path / "keys"), Ed25519PrivateKey.generate()
    ring.rotate(TIME)
    (honest,) = ring.rotations()
    old = load_public(tmp_path / "keys" / "public" / f"{honest['key']}.pem")
    forged = signing.rotation(stranger, stranger.public_key(), TIME)
    swapped = {**honest, "public": stranger.public_key().public_bytes_raw().hex()}
    for statements in ([forged], [swapped], [{**honest, "format": "x"}], [{}], []):
        assert signing.trusted(old, statements).keys() == {honest["key"]}
    assert len(signing.trusted(old, [honest])) == 2


def test_every_changed_byte_of_a_statement_is_found(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys")
    statement, tried = dict(ring.sign(STATEMENT)), 0
    for name, value in statement.items():
        for at in range(len(str(value))):
            text = str(value)
            forged = text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]
            assert not signing.signed_by({**statement, name: forged}, ring.trusted())
            tried += 1
        assert not signing.signed_by(
            {k: v for k, v in statement.items() if k != name}, ring.trusted()
        )
    print(f"changed bytes of a statement found: {tried} of {tried}")
    assert not signing.signed_by({**statement, "more": 1}, ring.trusted())


class Killed(Exception):
    pass


@pytest.mark.parametrize("at", range(1, 7))
def test_a_change_of_key_that_is_killed_leaves_one_good_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Killed before each renaming and each syncing of the folder."""
    ring, steps = KeyRing(tmp_path / "keys"), 0
    old = ring.public

    def step(work: object) -> object:
        def counted(*args: object) -> object:
            nonlocal steps
            steps += 1
            if steps == at:
                raise Killed
            return work(*args)  # type: ignore[operator]

        return counted

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", step(Path.replace))
        patched.setattr(private_file, "sync_folder", step(private_file.sync_folder))
        try:
            ring.rotate(TIME)
        except Killed:
            pass
        else:
            assert at > 5
    again = KeyRing(tmp_path / "keys")
    assert signing.signed_by(again.sign(STATEMENT), signing.trusted([old], again.rotations()))
    assert not (tmp_path / "keys" / "next.key").exists()
