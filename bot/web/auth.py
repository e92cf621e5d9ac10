"""Who may use the console: one shared secret, one name per agent, sessions in memory.

Sessions end with the process; agents then log in again and find their cases where they were.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from bot.errors import HuifangError
from bot.web.limits import Throttle

SESSION_S = 12 * 3600.0  # one shift
MAX_SESSIONS = 500
MIN_SECRET = 8  # characters
MAX_SECRET = 200
FAILURES, WINDOW_S = 5, 60.0  # per name, and ten times that altogether

_NAME = re.compile(r"[\w·]{1,20}")


class LoginRefused(HuifangError):
    """The name or secret is wrong, or there were too many tries."""

    def __init__(self, message: str, *, throttled: bool = False) -> None:
        super().__init__(message)
        self.throttled = throttled
        self.retryable = throttled


@dataclass(frozen=True, slots=True)
class _Session:
    agent: str
    until: float


class Doorkeeper:
    """Pure but for its memory; `now` is monotonic seconds."""

    def __init__(self, secret: str) -> None:
        """Raises ValueError for a secret too short to be one."""
        if not MIN_SECRET <= len(secret) <= MAX_SECRET:
            raise ValueError(
                f"the console secret must have {MIN_SECRET} to {MAX_SECRET} characters"
            )
        self._secret = _digest(secret)
        self._by_name = Throttle(FAILURES, WINDOW_S)
        self._by_all = Throttle(FAILURES * 10, WINDOW_S)
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()

    def login(self, agent: str, secret: str, now: float) -> str:
        """A new session's opaque id. Raises LoginRefused."""
        agent = agent.strip()
        if not _NAME.fullmatch(agent):
            raise LoginRefused("请填写坐席姓名或工号（1到20个字，不含标点）。")
        wait_s = max(self._by_name.wait_s(agent, now), self._by_all.wait_s("", now))
        if wait_s > 0:
            raise LoginRefused(f"尝试次数过多，请{int(wait_s) + 1}秒后再试。", throttled=True)
        if not hmac.compare_digest(_digest(secret[: MAX_SECRET + 1]), self._secret):
            self._by_name.failed(agent, now)
            self._by_all.failed("", now)
            raise LoginRefused("口令不正确。")
        self._by_name.succeeded(agent)
        session = secrets.token_urlsafe(32)
        self._sessions[_digest(session)] = _Session(agent, now + SESSION_S)
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return session

    def agent(self, session: str | None, now: float) -> str | None:
        """Whose session this is, if it is a living one."""
        found = self._sessions.get(_digest(session)) if session else None
        return found.agent if found and now < found.until else None

    def logout(self, session: str | None) -> None:
        if session:
            self._sessions.pop(_digest(session), None)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
