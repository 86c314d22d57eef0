import pytest

from tasq_tui.child.parent import Child
from tests.child.forking import ForkedChild
from tests.child.listening import Ear


@pytest.fixture
def ear():
    return Ear()


@pytest.fixture
def forked_children(monkeypatch):
    """Children are forks: for tests of what is asked of them, not of how one starts."""
    monkeypatch.setattr("tasq_tui.child.parent._spawn", ForkedChild)


@pytest.fixture
def child(ear):
    child = Child(ear)
    yield child
    child.close(0)
