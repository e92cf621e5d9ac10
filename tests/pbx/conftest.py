"""Asterisk for these tests, or the reason why there is none."""

from __future__ import annotations

import pytest

from scripts import pbx


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    why = pbx.missing()
    for item in items:
        if "tests/pbx/" in str(item.path):
            item.add_marker(pytest.mark.models)
            item.add_marker(pytest.mark.rasa)
            if why:
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session", autouse=True)
def _asterisk() -> None:
    pbx.build()
