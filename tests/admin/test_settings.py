import dataclasses
import re

import pytest

from tasq_core.errors import InvalidInputError
from tasq_tui.admin.session import check_writable
from tasq_tui.admin.settings import config_path, load_settings, read_config, redact, state_dir

CONFIG = """
default_profile = "dev"

[profiles.dev]
url = "sqlite:///dev.db"

[profiles.prod]
url = "postgresql://app:hunter2@db/prod"
prefix = "billing"
read_only = true
color = "red"
confirm = true

[keys]
requeue = "F5"
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    path.chmod(0o600)
    return path


@pytest.fixture
def env(config):
    return {"TASQ_CONFIG": str(config)}


def test_a_flag_beats_the_environment_and_that_beats_the_default_profile(env):
    assert load_settings(environment=env).url == "sqlite:///dev.db"

    env["TASQ_PROFILE"] = "prod"
    assert load_settings(environment=env).prefix == "billing"

    env = {"TASQ_CONFIG": env["TASQ_CONFIG"], "TASQ_URL": "sqlite:///env.db", "TASQ_PREFIX": "e"}
    settings = load_settings(environment=env)
    assert (settings.prefix, settings.url) == ("e", "sqlite:///env.db")

    settings = load_settings("sqlite:///flag.db", "flag", read_only=True, environment=env)
    assert (settings.prefix, settings.url) == ("flag", "sqlite:///flag.db")
    assert settings.read_only


def test_a_profile_by_flag_brings_its_own_database_whatever_the_environment_says(env):
    """`TASQ_URL=<prod> tasq --profile dev purge --all --yes` emptied prod."""
    env |= {"TASQ_URL": "postgresql://app@db/prod", "TASQ_PREFIX": "billing"}
    env |= {"TASQ_TIME_ZONE": "Asia/Tokyo", "TASQ_READ_ONLY": "no"}

    settings = load_settings(profile="dev", environment=env)

    assert (settings.url, settings.prefix, settings.time_zone) == ("sqlite:///dev.db", "", "")
    assert not settings.conflict

    assert load_settings(profile="prod", environment=env).read_only


def test_a_url_by_flag_takes_no_prefix_of_the_environments_database(env):
    env |= {"TASQ_URL": "sqlite:///env.db", "TASQ_PREFIX": "billing"}
    assert load_settings("sqlite:///flag.db", environment=env).prefix == ""

    del env["TASQ_URL"]
    assert load_settings("sqlite:///flag.db", environment=env).prefix == "billing"


@pytest.mark.parametrize(
    ("flags", "variables", "named"),
    [
        ({"url": "sqlite:///a.db", "profile": "prod"}, {}, "--url .*--profile 'prod'"),
        (
            {},
            {"TASQ_URL": "sqlite:///a.db", "TASQ_PROFILE": "prod"},
            "TASQ_URL .*TASQ_PROFILE 'prod'",
        ),
        ({}, {"TASQ_PREFIX": "other"}, "TASQ_PREFIX='other' contradicts the default profile 'dev'"),
    ],
)
def test_sources_that_name_different_databases_are_refused_for_changes(
    env, flags, variables, named
):
    """The wrong database would be changed, whichever of the two were taken."""
    settings = load_settings(**flags, environment=env | variables)

    assert settings.read_only
    assert any(re.search(named, warning) for warning in settings.warnings)
    with pytest.raises(InvalidInputError, match=f"purge is refused: {named}"):
        check_writable(settings, "purge")


def test_a_url_of_the_same_database_is_no_contradiction(env):
    settings = load_settings("postgres://me:pw@DB:5432/prod?x=1", profile="prod", environment=env)

    assert not settings.conflict
    assert (settings.url, settings.prefix) == ("postgres://me:pw@DB:5432/prod?x=1", "billing")


def test_a_profiles_database_stays_read_only_when_its_address_is_written_out(env):
    """The protection of a profile was passed by naming its URL."""
    settings = load_settings("postgresql://other@db/prod", environment=env)

    assert settings.read_only
    assert settings.confirm
    assert "profile 'prod'" in settings.warnings[0]
    assert not load_settings(
        "postgresql://other@db/prod", read_only=False, environment=env
    ).read_only


def test_read_only_in_the_environment_holds_for_a_profile_by_flag(env):
    env["TASQ_READ_ONLY"] = "1"

    assert load_settings(profile="dev", environment=env).read_only


def test_a_time_zone_comes_from_flag_environment_or_profile(env, config):
    config.write_text("[profiles.go]\nurl = 'mysql://db/go'\ntime_zone = 'America/New_York'\n")
    assert load_settings(profile="go", environment=env).time_zone == "America/New_York"
    assert load_settings(profile="go", time_zone="UTC", environment=env).time_zone == "UTC"

    env |= {"TASQ_URL": "mysql://db/go", "TASQ_TIME_ZONE": "Asia/Tokyo"}
    assert load_settings(environment=env).time_zone == "Asia/Tokyo"


def test_an_empty_prefix_flag_is_a_prefix(env):
    assert load_settings(prefix="", profile="prod", environment=env).prefix == ""


def test_the_default_profile_is_used_when_nothing_is_named(env):
    settings = load_settings(environment=env)

    assert (settings.profile, settings.url) == ("dev", "sqlite:///dev.db")


def test_the_default_profile_never_names_a_database_given_by_hand(env):
    settings = load_settings("sqlite:///other.db", environment=env)

    assert settings.profile == ""


def test_a_profile_gives_all_its_settings(env):
    settings = load_settings(profile="prod", environment=env)

    assert settings.url == "postgresql://app:hunter2@db/prod"
    assert (settings.prefix, settings.read_only) == ("billing", True)
    assert (settings.color, settings.confirm) == ("red", True)
    assert settings.keys == {"requeue": "F5"}
    assert settings.warnings == ()


def test_notifications_are_on_unless_the_config_file_turns_them_off(env, config):
    assert load_settings(environment=env).notifications
    config.write_text("notifications = false\n" + CONFIG)
    assert not load_settings(environment=env).notifications


def test_no_database_says_how_to_give_one(tmp_path):
    with pytest.raises(InvalidInputError, match=r"--url.*TASQ_URL.*none\.toml"):
        load_settings(environment={"TASQ_CONFIG": str(tmp_path / "none.toml")})


def test_a_profile_without_url_says_so(config, env):
    config.write_text("[profiles.bare]\nprefix = 'x'\n")

    with pytest.raises(InvalidInputError, match=r"'bare'.*has no url"):
        load_settings(profile="bare", environment=env)


def test_an_unknown_profile_names_the_file_and_those_there_are(env, config):
    with pytest.raises(InvalidInputError, match=r"no profile 'prd' in .*config\.toml.*dev, prod"):
        load_settings(profile="prd", environment=env)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[profiles.a]\nulr = 'x'",
            r"config\.toml: unknown key profiles\.a\.ulr; did you mean 'url'",
        ),
        ("zzz = 1", "unknown key zzz; known are default_profile"),
        ("[profiles.a]\nread_only = 'yes'", "profiles.a.read_only must be true or false, not str"),
        ("[profiles.a]\ncolor = '[bold]red'", "is not a colour"),
        ("[keys]\nrequeue = 5", "keys.requeue must be text"),
        ("[profiles]\na = 1", r"write \[profiles\.a\]"),
        ("profiles = 1", "profiles must be a table"),
        ("= 1", "not valid TOML"),
    ],
)
def test_a_wrong_config_file_names_file_key_and_fix(config, text, message):
    config.write_text(text)

    with pytest.raises(InvalidInputError, match=message):
        read_config(config)


def test_bytes_that_are_no_text_are_refused(config):
    config.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(InvalidInputError, match="not valid TOML"):
        read_config(config)


def test_a_folder_for_a_config_file_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="can't read"):
        read_config(tmp_path)


def test_a_config_with_a_password_that_everyone_can_read_is_warned_of(config):
    config.chmod(0o644)

    assert "chmod 600" in read_config(config).warnings[0]


def test_a_config_without_password_may_be_read_by_all(config):
    config.write_text("[profiles.a]\nurl = 'postgresql://app@db/prod'\n")
    config.chmod(0o644)

    assert read_config(config).warnings == ()


def test_a_url_that_says_read_only_makes_the_run_read_only(env):
    """A change was only refused by the database, halfway through."""
    assert load_settings("sqlite:///x.db?read_only=true", environment=env).read_only
    assert not load_settings("sqlite:///x.db", environment=env).read_only


def test_a_read_only_that_is_neither_yes_nor_no_is_refused(env):
    env["TASQ_READ_ONLY"] = "maybe"

    with pytest.raises(InvalidInputError, match="TASQ_READ_ONLY='maybe'"):
        load_settings(environment=env)


def test_folders_follow_the_environment(tmp_path):
    assert state_dir({"TASQ_STATE_DIR": str(tmp_path)}) == tmp_path
    assert config_path({"TASQ_CONFIG": "~/x.toml"}).name == "x.toml"
    assert config_path({}).parts[-2:] == ("tasq", "config.toml")
    assert "tasq" in state_dir({}).parts


def test_a_password_is_in_no_repr(env):
    settings = load_settings(profile="prod", environment=env)

    assert "hunter2" not in repr(settings)
    assert "hunter2" not in repr(read_config(config_path(env)))
    assert settings.redacted_url == "postgresql://app:***@db/prod"
    assert dataclasses.replace(settings, url="sqlite:///a").redacted_url == "sqlite:///a"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://app:hunter2@db:5432/prod", "postgresql://app:***@db:5432/prod"),
        ("postgresql://app@db/prod", "postgresql://app@db/prod"),
        ("postgresql://:hunter2@db/prod", "postgresql://:***@db/prod"),
        ("postgresql://app:hunt%40er2@[::1]:5/prod", "postgresql://app:***@[::1]:5/prod"),
        (
            "postgresql://app:hunter2@a,b:1/prod?target_session_attrs=any",
            "postgresql://app:***@a,b:1/prod?target_session_attrs=any",
        ),
        (
            "postgresql://db/prod?user=app&password=hunter2",
            "postgresql://db/prod?user=app&password=***",
        ),
        (
            "postgresql://db/prod?p%61ssword=hunter2&sslmode=require",
            "postgresql://db/prod?p%61ssword=***&sslmode=require",
        ),
        (
            "mysql://app:hunter2@db/prod?ssl_key_password=hunter2",
            "mysql://app:***@db/prod?ssl_key_password=***",
        ),
        ("mysql+pymysql://a:hunter2@db/prod", "mysql+pymysql://a:***@db/prod"),
        (
            "app:hunter2@tcp(db:3306)/prod?parseTime=true",
            "app:***@tcp(db:3306)/prod?parseTime=true",
        ),
        ("host=db password=hunter2 user=app", "host=db password=*** user=app"),
        ("host=db password = 'hunter2 \\' hunter2' user=app", "host=db password = *** user=app"),
        ("PASSWORD=hunter2\\ hunter2 host=db", "PASSWORD=*** host=db"),
        ("password='hunter2", "password=***"),
        ("sqlite:////home/a@b/tasks.db", "sqlite:////home/a@b/tasks.db"),
        ("postgresql://db/prod?application_name=a@b", "postgresql://db/prod?application_name=a@b"),
    ],
)
def test_redact_hides_the_password_and_nothing_else(url, shown):
    assert redact(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:hunter2@hunter2@db/prod",
        "postgresql://app:hunter2/hunter2@db/prod",
        "postgresql://app:x/hunter2@db/prod",
        "postgresql://app:x?hunter2@db/prod",
        "postgresql://app:x#hunter2@db/prod",
        "postgresql://app:x@y?hunter2@db/prod",
        "postgresql://app:x@y/hunter2@db/prod",
        "postgresql://app:x:hunter2@db/prod",
    ],
)
def test_redact_hides_passwords_that_were_not_escaped(url):
    assert "hunter2" not in redact(url)
    assert redact(url).startswith("postgresql://app:***@")


def test_redact_takes_linear_time():
    assert redact("postgresql://a:b@c/d?" + "a=b" * 50_000 + "&@").startswith("postgresql://a")
