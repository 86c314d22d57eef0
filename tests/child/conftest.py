import pytest

from tasq_tui.child.parent import Child
from tests.child.listening import Ear


@pytest.fixture
def ear():
    return Ear()


@pytest.fixture
def child(ear):
    child = Child(ear)
    yield child
    child.close(0)
