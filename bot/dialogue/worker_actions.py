"""Rasa's custom actions without an action server: they run in the worker itself."""

from __future__ import annotations

from typing import Any

from rasa.core.actions.action import RemoteAction
from rasa.utils.endpoints import ClientResponseError, EndpointConfig
from rasa_sdk.executor import ActionExecutor


class LocalActions(EndpointConfig):  # type: ignore[misc]
    """Looks like the endpoint of an action server to Rasa, and calls the functions directly."""

    def __init__(self, package: str) -> None:
        # Selective domain: no action of ours reads it, and serialising it costs more than the rest.
        super().__init__(url="", enable_selective_domain=True)
        self._executor = ActionExecutor()
        self._executor.register_package(package)
        self.failure: Exception | None = None
        """What an action raised since it was last cleared: Rasa itself would swallow it."""

    async def request(
        self,
        method: str = "post",  # noqa: ARG002
        subpath: str | None = None,  # noqa: ARG002
        content_type: str | None = "application/json",  # noqa: ARG002
        compress: bool = False,  # noqa: ARG002
        **kwargs: Any,
    ) -> Any:
        """Run the action that `json` names. Raises ClientResponseError as a server's 400 would."""
        try:
            return await self._executor.run(kwargs["json"])
        except Exception as error:
            self.failure = error
            raise ClientResponseError(500, type(error).__name__, b"{}") from error


def trust_own_actions() -> None:
    """Results of our own typed functions need no schema: checking it on every action (and, in
    Rasa, the schema itself against its meta-schema) is 80 % of a stock turn. That an action did
    answer is checked by `Brain` after the turn."""

    def accept(_: RemoteAction, result: dict[str, Any]) -> bool:  # noqa: ARG001
        return True

    RemoteAction._validate_action_result = accept
