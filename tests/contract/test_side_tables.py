"""The side tables stand beside the task table; without them everything else works."""

import pytest

from tasq_core.repository.side_tables import NAMES, SideTables
from tests.support.threads import in_threads


def _there(database):
    if database.backend == "sqlite":
        sql = "SELECT name FROM sqlite_master WHERE type = 'table'"
    elif database.backend == "postgres":
        sql = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    else:
        sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = database()"
    lead = f"{database.prefix}_tasq_"
    return {name.removeprefix(lead) for (name,) in database.execute(sql) if name.startswith(lead)}


def test_migrate_makes_them_once_and_again_changes_nothing(database):
    client = database.client()
    assert {name for name, _ in SideTables(client.repository).missing()} >= {"create_consumers"}

    client.migrate()
    client.migrate()

    assert _there(database) >= set(NAMES)
    assert SideTables(client.repository).exist()
    assert SideTables(client.repository).missing() == []


def test_migrate_leaves_them_out_when_told(database):
    client = database.client()
    client.migrate(side_tables=False)

    assert _there(database) == set()
    assert not SideTables(client.repository).exist()


def test_several_processes_may_make_them_at_once(database):
    clients = [database.client() for _ in range(4)]

    in_threads(*(client.migrate for client in clients))

    assert SideTables(clients[0].repository).exist()


@pytest.mark.parametrize("prefix", ["", "Billing"])
def test_their_names_follow_the_prefix(tmp_path, prefix):
    import tasq_core

    with tasq_core.connect(f"sqlite:///{tmp_path}/x.db", prefix=prefix) as client:
        assert SideTables(client.repository).lead == (f"{prefix}_tasq" if prefix else "tasq")
        client.migrate()
        assert SideTables(client.repository).exist()
