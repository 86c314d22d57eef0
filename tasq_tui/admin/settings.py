"""Which database this run works on, and under which profile; no password is shown.

Sources win as a whole: flags, then the environment, then the config file's default profile.
A profile named by a flag brings its own url, prefix and protections, whatever the environment
says. What contradicts (`Settings.conflict`) opens the database read-only.
"""

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from tasq_core.errors import InvalidInputError
from tasq_core.repository.redaction import redact
from tasq_core.repository.urls import parse_url, take_options

T = TypeVar("T")

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_PORTS: Final = {"postgresql": 5432, "mysql": 3306}
_COLOR: Final = re.compile(r"#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?|[a-z][a-z_]*[0-9]*")


@dataclass(frozen=True, slots=True)
class Profile:
    """One `[profiles.NAME]` of the config file."""

    name: str
    url: str = field(default="", repr=False)
    """The database: `postgresql://…`, `mysql://…` or `sqlite:///file.db`."""
    prefix: str = ""
    """The table is `<prefix>_tasks`."""
    time_zone: str = ""
    """Of the table's times (MySQL, MariaDB): "UTC", "local" or a name as Europe/Berlin."""
    read_only: bool = False
    """Let the database refuse every change; `--read-write` overrides it."""
    color: str = ""
    """Of the header: a colour's name or #rrggbb."""
    confirm: bool = False
    """Ask before every change, be it of one row."""
    password_command: str = field(default="", repr=False)
    """A command line whose first line of output is the password; run without a shell."""


@dataclass(frozen=True, slots=True)
class Config:
    """The config file as it stands."""

    path: Path
    default_profile: str = ""
    """The profile where neither a flag nor the environment names a database."""
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    """`[profiles.NAME]`: the profiles by name."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """`[keys]`: action to key; the app checks both."""
    filters: Mapping[str, str] = field(default_factory=dict)
    """`[filters]`: saved filters by name; checked where one is used."""
    notifications: bool = True
    """Whether the app reports findings of health that appear or go."""
    warnings: tuple[str, ...] = ()

    def profile(self, name: str) -> Profile:
        """The profile called `name`.

        Raises:
            InvalidInputError: there is none.
        """
        try:
            return self.profiles[name]
        except KeyError:
            known = ", ".join(sorted(self.profiles)) or "none"
            raise InvalidInputError(
                f"no profile {name!r} in {self.path} (there: {known});"
                f" add a [profiles.{name}] table with a url"
            ) from None


@dataclass(frozen=True, slots=True)
class Settings:
    """What one run of tasq works with."""

    url: str = field(repr=False)
    prefix: str = ""
    profile: str = ""
    """The profile's name; empty without one."""
    time_zone: str = ""
    """Of the table's times; empty: the URL's, or UTC."""
    read_only: bool = False
    color: str = ""
    confirm: bool = False
    conflict: str = ""
    """Why changes are refused: two sources name different databases."""
    password_command: str = field(default="", repr=False)
    keys: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, str] = field(default_factory=dict)
    notifications: bool = True
    warnings: tuple[str, ...] = ()
    """For standard error, a line each."""

    @property
    def redacted_url(self) -> str:
        """The URL without its password, for people to read."""
        return redact(self.url)


def load_settings(
    url: str | None = None,
    prefix: str | None = None,
    profile: str | None = None,
    read_only: bool | None = None,
    time_zone: str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of this run; the arguments are the flags given, None where not given.

    A URL that is a profile's database keeps that profile's `read_only` and `confirm`, unless
    the flag says otherwise, so that no protection is passed by writing the address out.

    Raises:
        InvalidInputError: no URL anywhere, an unknown profile, or a config file in error.
    """
    env = os.environ if environment is None else environment
    config = read_config(config_path(env))
    source = _source(url, profile, env, config)
    if not source.url:
        raise InvalidInputError(_no_url(source.profile, config.path))
    protecting = source.profile if source.profile.name else _profile_of(source.url, config)
    warnings = [*config.warnings, *([source.conflict] if source.conflict else [])]
    if protecting.name and not source.profile.name and protecting.read_only and read_only is None:
        warnings.append(
            f"this is the database of profile {protecting.name!r}, which is read-only;"
            " --read-write overrides it"
        )
    if read_only is None:
        asked = _flag(env, "TASQ_READ_ONLY")
        of_environment = asked if source.from_environment else asked or None
        read_only = _first(of_environment, protecting.read_only)
    return Settings(
        url=source.url,
        prefix=_first(prefix, source.prefix),
        profile=source.profile.name,
        time_zone=_first(time_zone, source.time_zone),
        # What a URL says holds whatever else is said, as in `tasq_core.connect`.
        read_only=read_only
        or bool(source.conflict)
        or bool(take_options(source.url)[1].get("read_only")),
        color=protecting.color,
        confirm=protecting.confirm,
        conflict=source.conflict,
        password_command=source.profile.password_command,
        keys=config.keys,
        filters=config.filters,
        notifications=config.notifications,
        warnings=tuple(warnings),
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the database's address comes from; whole, so that nothing of two is mixed."""

    url: str = field(repr=False)
    profile: Profile
    prefix: str
    time_zone: str
    from_environment: bool = False
    conflict: str = ""


def _source(
    url: str | None, profile: str | None, env: Mapping[str, str], config: Config
) -> _Source:
    env_url, env_profile = env.get("TASQ_URL", ""), env.get("TASQ_PROFILE", "")
    names_database = bool(env_url or env_profile)
    if url or profile:
        chosen = config.profile(profile) if profile else Profile("")
        # TASQ_PREFIX beside TASQ_URL belongs to that database; alone it fits any --url.
        fits = not names_database or bool(url and env_url and is_same_database(url, env_url))
        beside = env if fits and not profile else {}
        return _chosen(url or "", chosen, beside, ("--url", "--profile"))
    if names_database:
        chosen = config.profile(env_profile) if env_profile else Profile("")
        source = _chosen(env_url, chosen, env, ("TASQ_URL", "TASQ_PROFILE"))
        return replace(source, from_environment=True)
    name = config.default_profile
    chosen = config.profile(name) if name else Profile("")
    source = _chosen("", chosen, env, ("", ""))
    if name and source.prefix != chosen.prefix:
        conflict = (
            f"TASQ_PREFIX={source.prefix!r} contradicts the default profile {name!r}, whose prefix"
            f" is {chosen.prefix!r}; pass --profile {name}, or --url and --prefix"
        )
        return replace(source, conflict=conflict)
    return source


def _chosen(url: str, profile: Profile, env: Mapping[str, str], names: tuple[str, str]) -> _Source:
    conflict = ""
    if url and profile.url and not is_same_database(url, profile.url):
        conflict = (
            f"{names[0]} ({redact(url)}) and {names[1]} {profile.name!r} ({redact(profile.url)})"
            f" name different databases; leave one out"
        )
    return _Source(
        url=url or profile.url,
        profile=profile,
        prefix=env.get("TASQ_PREFIX", profile.prefix),
        time_zone=env.get("TASQ_TIME_ZONE", profile.time_zone),
        conflict=conflict,
    )


def _profile_of(url: str, config: Config) -> Profile:
    """The profile of the database at `url`; a read-only one first."""
    of_url = (p for p in config.profiles.values() if p.url and is_same_database(url, p.url))
    return max(of_url, key=lambda profile: profile.read_only, default=Profile(""))


def is_same_database(one: str, other: str) -> bool:
    """Whether two URLs name one database, whoever connects and with which options."""
    return place_of(one) == place_of(other)


def place_of(url: str) -> tuple[object, ...]:
    """Which database a URL names: equal for equal hosts, ports and names."""
    try:
        parsed = parse_url(url)
    except InvalidInputError:
        return ("", url)
    if parsed.kind == "sqlite":
        return (parsed.kind, os.path.realpath(parsed.database) if parsed.database else url)
    port = _PORTS[parsed.kind]
    hosts = {((host or "localhost").lower(), at or port) for host, at in parsed.hosts}
    return (parsed.kind, tuple(sorted(hosts)), parsed.database)


def _first(*values: T | None) -> T:
    return next(value for value in values if value is not None)


def _no_url(profile: Profile, path: Path) -> str:
    if profile.name:
        return f'profile {profile.name!r} in {path} has no url; add url = "postgresql://…" to it'
    return (
        "no database given: pass --url, set TASQ_URL, or add a profile with a url to"
        f" {path}; say sqlite:///tasks.db or postgresql://user@host/db."
        " To look around first: tasq demo"
    )


def _flag(env: Mapping[str, str], name: str) -> bool | None:
    text = env.get(name, "").strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if not text:
        return None
    raise InvalidInputError(f"{name}={text!r} is neither yes nor no; set it to 1 or 0")


def named_filter(filters: Mapping[str, str], text: str) -> str | None:
    """The saved filter that `text` is the whole name of, in any case; None where it isn't one."""
    wanted = text.strip().casefold()
    return next((where for name, where in filters.items() if name.casefold() == wanted), None)


# -- folders and files -----------------------------------------------------------------------


def config_path(environment: Mapping[str, str] | None = None) -> Path:
    """The config file: TASQ_CONFIG, or config.toml in the platform's folder for tasq."""
    env = os.environ if environment is None else environment
    if given := env.get("TASQ_CONFIG"):
        return Path(given).expanduser()
    import platformdirs  # noqa: PLC0415 - 20 ms that a run with TASQ_CONFIG doesn't need

    return platformdirs.user_config_path("tasq", appauthor=False) / "config.toml"


def state_dir(environment: Mapping[str, str] | None = None) -> Path:
    """Where trash, journal and history live: TASQ_STATE_DIR, or the platform's folder.

    It may not exist yet.
    """
    env = os.environ if environment is None else environment
    if given := env.get("TASQ_STATE_DIR"):
        return Path(given).expanduser()
    import platformdirs  # noqa: PLC0415 - as above

    return platformdirs.user_state_path("tasq", appauthor=False)


def read_config(path: Path) -> Config:
    """The config file at `path`; an empty Config where there is none.

    Raises:
        InvalidInputError: unreadable, no TOML, or a key or value that tasq doesn't know.
    """
    try:
        data = tomllib.loads(path.read_bytes().decode())
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):  # HOME may be /dev/null
        return Config(path)
    except OSError as error:
        raise InvalidInputError(
            f"can't read {path}: {error.strerror}; fix its permissions"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} is not valid TOML: {error}") from error
    known: dict[str, type] = {
        "default_profile": str,
        "profiles": dict,
        "keys": dict,
        "filters": dict,
        "notifications": bool,
    }
    top = _table(path, "", data, known)
    profiles = {
        name: _profile(path, name, values) for name, values in top.get("profiles", {}).items()
    }
    keys = top.get("keys", {})
    _table(path, "keys.", keys, dict.fromkeys(keys, str))
    filters = top.get("filters", {})
    _table(path, "filters.", filters, dict.fromkeys(filters, str))
    return Config(
        path=path,
        default_profile=top.get("default_profile", ""),
        profiles=MappingProxyType(profiles),
        keys=MappingProxyType(keys),
        filters=MappingProxyType(filters),
        notifications=top.get("notifications", True),
        warnings=_exposure(path, mode, profiles),
    )


def _profile(path: Path, name: str, values: Any) -> Profile:
    where = f"profiles.{name}"
    if not isinstance(values, dict):
        raise InvalidInputError(f"{path}: {where} must be a table; write [{where}]")
    known: dict[str, type] = {
        "url": str,
        "prefix": str,
        "time_zone": str,
        "read_only": bool,
        "color": str,
        "confirm": bool,
        "password_command": str,
    }
    profile = Profile(name, **_table(path, f"{where}.", values, known))
    if profile.color and not _COLOR.fullmatch(profile.color):
        raise InvalidInputError(
            f"{path}: {where}.color {profile.color!r} is not a colour; use a name as red,"
            " or #rrggbb"
        )
    return profile


def _table(
    path: Path, where: str, values: dict[str, Any], known: dict[str, type]
) -> dict[str, Any]:
    for key, value in values.items():
        kind = known.get(key)
        if kind is None:
            close = get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
            raise InvalidInputError(f"{path}: unknown key {where}{key}; {hint}")
        if type(value) is not kind:
            kind_name = {str: "text", bool: "true or false", dict: "a table"}[kind]
            raise InvalidInputError(
                f"{path}: {where}{key} must be {kind_name}, not {type(value).__name__}"
            )
    return values


def _exposure(path: Path, mode: int, profiles: Mapping[str, Profile]) -> tuple[str, ...]:
    holds_password = any(redact(profile.url) != profile.url for profile in profiles.values())
    if holds_password and mode & stat.S_IROTH:
        return (f"{path} holds a password and everyone can read it; run: chmod 600 {path}",)
    return ()
