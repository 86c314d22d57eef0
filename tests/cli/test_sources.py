"""Which database a command works on, where several are named. A mistake here empties the wrong
one."""

import pytest

CONFIG = """
[profiles.dev]
url = "sqlite:///{folder}/dev.db"

[profiles.prod]
url = "sqlite:///{folder}/prod.db"
read_only = true
"""


@pytest.fixture
def two(tasq):
    """`tasq` with two profiles and no other source; each database holds one finished task."""
    (tasq.folder / "config.toml").write_text(CONFIG.format(folder=tasq.folder))
    tasq.env |= {"TASQ_URL": None, "TASQ_PREFIX": None}
    for name in ("dev", "prod"):
        url = f"sqlite:///{tasq.folder}/{name}.db"
        tasq("migrate", "--url", url, "--read-write")
        tasq("submit", "old", "--url", url, "--read-write")
    return tasq


def _count(tasq, name):
    return len(tasq("list", "-o", "ids", "--profile", name).lines)


def test_a_profile_by_flag_is_the_database_even_where_the_environment_names_prod(two):
    """`TASQ_URL=<prod> tasq --profile dev purge --all --yes` emptied prod, past its read_only."""
    done = two(
        "--profile", "dev", "purge", "--all", "--yes", TASQ_URL=f"sqlite:///{two.folder}/prod.db"
    )

    assert (done.code, _count(two, "prod"), _count(two, "dev")) == (0, 1, 0)


def test_a_url_and_a_profile_that_differ_change_nothing(two):
    url = f"sqlite:///{two.folder}/prod.db"
    done = two("--profile", "dev", "--url", url, "purge", "--all", "--yes")

    assert (done.code, _count(two, "prod"), _count(two, "dev")) == (2, 1, 1)
    assert "name different databases" in done.err

    looked = two("--profile", "dev", "--url", url, "list", "-o", "ids")
    assert looked.code == 0
    assert "name different databases" in looked.err


def test_a_read_only_profile_protects_its_database_by_any_name(two):
    done = two("--url", f"sqlite:///{two.folder}/prod.db", "purge", "--all", "--yes")

    assert (done.code, _count(two, "prod")) == (7, 1)


@pytest.mark.parametrize("home", ["/dev/null", "/nonexistent"])
def test_a_home_that_cannot_hold_files_stops_no_verb(tasq, home):
    """`HOME=/dev/null` stopped every verb; containers run so."""
    places = {"TASQ_STATE_DIR": None, "TASQ_CONFIG": None, "HOME": home}
    tasq.env |= {"XDG_CONFIG_HOME": None, "XDG_STATE_HOME": None}

    assert tasq("migrate", **places).code == 0
    assert tasq("submit", "mail", **places).code == 0
    assert tasq("stats", "--json", **places).code == 0
    done = tasq("requeue", "--all", "--yes", **places)
    assert (done.code, "requeued 1" in done.err) == (0, True)
