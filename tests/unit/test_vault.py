"""Keys: what is sealed opens only where it belongs, and no change of keys loses anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from bot.vault import private_file
from bot.vault.datakey import DataKey, Unreadable
from bot.vault.master import FILE, NEXT, MasterKey, Vault, master_of


@given(st.binary(max_size=300), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_what_was_sealed_opens_under_its_key_at_its_place_only(plain: bytes, about: str) -> None:
    key = DataKey.new()
    sealed = key.seal(plain, about)
    assert key.open(sealed, about) == plain
    assert key.seal(plain, about) != sealed, "a nonce is never used twice"
    for wrong, place in ((DataKey.new(), about), (key, about + "x")):
        with pytest.raises(Unreadable):
            wrong.open(sealed, place)


def test_every_changed_or_missing_byte_is_found() -> None:
    key = DataKey.new()
    sealed = key.seal("王秀英".encode(), "x")
    for at in range(len(sealed)):
        forged = bytearray(sealed)
        forged[at] ^= 1
        for wrong in (bytes(forged), sealed[:at]):
            with pytest.raises(Unreadable):
                key.open(wrong, "x")


def test_a_key_says_nothing_of_itself(tmp_path: Path) -> None:
    key = DataKey.new()
    assert repr(key) == f"{key}" == "DataKey(***)"
    assert key.raw().hex() not in repr(vars(Vault(tmp_path)))


def test_a_wrapped_key_is_one_records_only() -> None:
    master, key = MasterKey.new(), DataKey.new()
    wrapped = master.wrap(key, "record")
    assert len(wrapped) == 68
    assert master_of(wrapped) == master.id
    assert master.unwrap(wrapped, "record") == key
    for other, name in ((master, "another"), (MasterKey.new(), "record")):
        with pytest.raises(Unreadable):
            other.unwrap(wrapped, name)


def test_the_first_start_makes_a_private_file(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    master = Vault(folder).first()
    path = folder / FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert Vault(folder).first().id == master.id
    assert Vault(folder).master(master.id).id == master.id


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    master = Vault(tmp_path / "keys").first()
    (tmp_path / "keys" / FILE).chmod(mode)
    with pytest.raises(ConfigError, match="may be read by others"):
        Vault(tmp_path / "keys").master(master.id)


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    master = Vault(tmp_path / "keys").first()
    (tmp_path / "keys").chmod(0o770)
    with pytest.raises(ConfigError, match="others may write"):
        Vault(tmp_path / "keys").master(master.id)


@pytest.mark.parametrize("change", [b"", b"huifang.master.1 00 AAAA\n", b"\xff", b"flip"])
def test_a_damaged_file_is_said_and_left_alone(tmp_path: Path, change: bytes) -> None:
    master = Vault(tmp_path / "keys").first()
    path = tmp_path / "keys" / FILE
    if change == b"flip":
        line = bytearray(path.read_bytes())
        line[20] ^= 1  # one digit of the id: the key is no longer the one it says
        change = bytes(line)
    path.write_bytes(change)
    with pytest.raises(ConfigError, match="not a master key"):
        Vault(tmp_path / "keys").master(master.id)
    assert path.read_bytes() == change


def test_a_missing_and_a_wrong_key_are_told_apart(tmp_path: Path) -> None:
    master = Vault(tmp_path / "a").first()
    with pytest.raises(ConfigError, match=r"master.key is missing"):
        Vault(tmp_path / "b").master(master.id)
    Vault(tmp_path / "b").first()
    with pytest.raises(ConfigError, match="not the master key of this store"):
        Vault(tmp_path / "b").master(master.id)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("at", range(1, 9))
def test_a_change_of_keys_that_is_killed_leaves_the_one_that_the_store_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Killed before each renaming, removing and syncing of files, and around the commit."""
    vault, steps = Vault(tmp_path / "keys"), 0
    named = [vault.first().id]

    def step(work: object) -> object:
        def counted(*args: object, **options: object) -> object:
            nonlocal steps
            steps += 1
            if steps == at:
                raise Killed
            return work(*args, **options)  # type: ignore[operator]

        return counted

    with monkeypatch.context() as patched:
        for name in ("replace", "rename"):
            patched.setattr(Path, name, step(getattr(Path, name)))
        patched.setattr(private_file, "sync_folder", step(private_file.sync_folder))
        try:
            vault.change(step(lambda master: named.append(master.id)))  # type: ignore[arg-type]
        except Killed:
            pass
        else:
            assert at > 6
    again = Vault(tmp_path / "keys")
    again.settle(named[-1])
    assert again.master(named[-1]).id == named[-1]
    assert Vault(tmp_path / "keys").first().id == named[-1], "its file is the one in use"
    assert not (tmp_path / "keys" / NEXT).exists()
    kept = {MasterKey.from_line(path.read_bytes()).id for path in again._folder.glob("master.*")}
    assert set(named) <= kept, "backups from before can still be read"
