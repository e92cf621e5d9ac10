"""The master key: a file that wraps the key of every record, apart from the database.

master.key   one line: the format, the key's id, 32 random bytes in base64; for its owner only
master.next  a key that is about to follow it, see `Vault.change`
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from bot.errors import ConfigError
from bot.vault import private_file
from bot.vault.datakey import KEY_BYTES, DataKey

FILE = "master.key"
NEXT = "master.next"
_FORMAT = "huifang.master.1"


class MasterKey:
    """Wraps data keys. A wrapped key names the record it belongs to."""

    def __init__(self, key: bytes) -> None:
        self._cipher = DataKey(key)
        self.id = sha256(b"huifang.master.id.1\n" + key).hexdigest()[:16]
        """Tells keys apart; says nothing of the key."""

    @classmethod
    def new(cls) -> MasterKey:
        return cls(secrets.token_bytes(KEY_BYTES))

    def wrap(self, key: DataKey, name: str) -> bytes:
        """68 bytes: the master key's id (8), then the key, sealed."""
        return bytes.fromhex(self.id) + self._cipher.seal(key.raw(), _about(name))

    def unwrap(self, wrapped: bytes, name: str) -> DataKey:
        """Raises Unreadable."""
        return DataKey(self._cipher.open(wrapped[_ID:], _about(name)))

    def to_line(self) -> bytes:
        return f"{_FORMAT} {self.id} {base64.b64encode(self._cipher.raw()).decode()}\n".encode()

    @classmethod
    def from_line(cls, line: bytes) -> MasterKey:
        """Raises ValueError."""
        try:
            format_, id, text = line.decode("ascii").split()
            master = cls(base64.b64decode(text, validate=True))
        except (UnicodeDecodeError, binascii.Error) as error:
            raise ValueError("not a master key") from error
        if format_ != _FORMAT or id != master.id:
            raise ValueError("not a master key")
        return master


_ID = 8  # bytes


def master_of(wrapped: bytes) -> str:
    """The id of the master key that wrapped a key."""
    return wrapped[:_ID].hex()


class Vault:
    """The folder of the master key. Thread-safe: masters are only ever added."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, MasterKey] = {}

    def master(self, id: str) -> MasterKey:
        """The key with this id, from memory or from its file, which may have been changed since.

        Raises ConfigError when it is not there."""
        if id not in self._known:
            found = {key.id: key for name in (FILE, NEXT) if (key := self._load(name))}
            self._known |= found
            if id not in found:
                raise ConfigError(self._lacking(id, found.keys()))
        return self._known[id]

    def first(self) -> MasterKey:
        """For a store that has no master key yet: the one that is there, else a new one."""
        with self._locked():
            master = self._load(FILE)
            if master is None:
                master = MasterKey.new()
                self._write(FILE, master)
        self._known[master.id] = master
        return master

    def local(self, name: str) -> DataKey:
        """A key of this machine alone, in the file `name`, made when it is missing: for what can be
        made again, as rendered speech."""
        path = self._folder / name
        with self._locked():
            try:
                return DataKey(base64.b64decode(private_file.read(path), validate=True))
            except FileNotFoundError:
                key = DataKey.new()
            except (OSError, ValueError) as error:
                raise ConfigError(f"{path} is not a key; remove it, nothing is lost") from error
            try:
                private_file.write(path, base64.b64encode(key.raw()))
            except OSError as error:
                raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
            return key

    def unwrap(self, wrapped: bytes, name: str) -> DataKey:
        """Raises ConfigError, Unreadable."""
        return self.master(master_of(wrapped)).unwrap(wrapped, name)

    def change(self, commit: Callable[[MasterKey], None]) -> str:
        """A new master key: on disk first, then `commit` has the store name it, then in use.

        Killed on the way, `settle` tells which of the two it is. The key before is kept as
        `master.ID.old`: backups from before need it. Returns the new id."""
        with self._locked():
            master = MasterKey.new()
            self._write(NEXT, master)
            self._known[master.id] = master
            commit(master)
            self._adopt(master.id)
        return master.id

    def settle(self, id: str) -> None:
        """After a change of keys that was killed: the key that the store names is in use."""
        if (self._folder / NEXT).exists():
            with self._locked():
                self._adopt(id)

    def _adopt(self, id: str) -> None:
        following = self._load(NEXT)
        if following is None:
            return
        try:
            if following.id != id:
                (self._folder / NEXT).unlink()
            else:
                before = self._load(FILE)
                if before is not None:
                    (self._folder / FILE).rename(self._folder / f"master.{before.id}.old")
                (self._folder / NEXT).rename(self._folder / FILE)
            private_file.sync_folder(self._folder)
        except OSError as error:
            raise ConfigError(f"{self._folder} cannot be written: {error.strerror}") from error

    def _load(self, name: str) -> MasterKey | None:
        path = self._folder / name
        try:
            return MasterKey.from_line(private_file.read(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise ConfigError(f"{path} is not a master key; restore it from its copy") from error

    def _write(self, name: str, master: MasterKey) -> None:
        path = self._folder / name
        try:
            private_file.write(path, master.to_line())
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}") from error

    def _lacking(self, id: str, found: object) -> str:
        path = self._folder / FILE
        if not found:
            return (
                f"the master key {path} is missing; without it nobody can read the records: "
                "restore it from its copy"
            )
        return (
            f"{path} is not the master key of this store (it was sealed with key {id}); "
            "restore the right one from its copy"
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Two processes must not make two keys."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = (self._folder / ".lock").open("w")
        except OSError as error:
            raise ConfigError(f"{self._folder} cannot be used: {error.strerror}") from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _about(name: str) -> str:
    return f"huifang.key.1\n{name}"
