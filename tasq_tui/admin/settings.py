"""Which database, under which profile: flag > environment > profile, never a password shown."""

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from tasq_core.errors import InvalidInputError
from tasq_core.repository.redaction import redact
from tasq_core.repository.urls import take_options

T = TypeVar("T")

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_COLOR: Final = re.compile(r"#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?|[a-z][a-z_]*[0-9]*")


@dataclass(frozen=True, slots=True)
class Profile:
    """One `[profiles.NAME]` of the config file."""

    name: str
    url: str = field(default="", repr=False)
    prefix: str = ""
    read_only: bool = False
    color: str = ""
    """Of the header: a colour's name or #rrggbb."""
    confirm: bool = False
    """Ask before every change, be it of one row."""


@dataclass(frozen=True, slots=True)
class Config:
    """The config file as it stands."""

    path: Path
    default_profile: str = ""
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    """`[keys]`: action to key, unchecked; the app knows its actions."""
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
    read_only: bool = False
    color: str = ""
    confirm: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)
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
    *,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of this run; the arguments are the flags given, None where not given.

    `default_profile` counts only where no profile and no URL was named, so that a database
    given by hand never runs under another's name.

    Raises:
        InvalidInputError: no URL anywhere, an unknown profile, or a config file in error.
    """
    env = os.environ if environment is None else environment
    config = read_config(config_path(env))
    given_url = url or env.get("TASQ_URL", "")
    name = profile or env.get("TASQ_PROFILE", "") or ("" if given_url else config.default_profile)
    chosen = config.profile(name) if name else Profile("")
    found_url = given_url or chosen.url
    if not found_url:
        raise InvalidInputError(_no_url(chosen, config.path))
    warnings = list(config.warnings)
    if profile and chosen.url and not url and given_url not in ("", chosen.url):
        warnings.append(
            f"TASQ_URL overrides the url of profile {name!r}; unset it to use the profile's"
        )
    return Settings(
        url=found_url,
        prefix=_first(prefix, env.get("TASQ_PREFIX"), chosen.prefix),
        profile=name,
        # What a URL says holds whatever else is said, as in `tasq_core.connect`.
        read_only=bool(take_options(found_url)[1].get("read_only"))
        or _first(read_only, _flag(env, "TASQ_READ_ONLY"), chosen.read_only),
        color=chosen.color,
        confirm=chosen.confirm,
        keys=config.keys,
        warnings=tuple(warnings),
    )


def _first(*values: T | None) -> T:
    return next(value for value in values if value is not None)


def _no_url(profile: Profile, path: Path) -> str:
    if profile.name:
        return f'profile {profile.name!r} in {path} has no url; add url = "postgresql://…" to it'
    return (
        "no database given: pass --url, set TASQ_URL, or add a profile with a url to"
        f" {path}; say sqlite:///tasks.db or postgresql://user@host/db"
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
    except FileNotFoundError:
        return Config(path)
    except OSError as error:
        raise InvalidInputError(
            f"can't read {path}: {error.strerror}; fix its permissions"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} is not valid TOML: {error}") from error
    top = _table(path, "", data, {"default_profile": str, "profiles": dict, "keys": dict})
    profiles = {
        name: _profile(path, name, values) for name, values in top.get("profiles", {}).items()
    }
    keys = top.get("keys", {})
    _table(path, "keys.", keys, dict.fromkeys(keys, str))
    return Config(
        path=path,
        default_profile=top.get("default_profile", ""),
        profiles=MappingProxyType(profiles),
        keys=MappingProxyType(keys),
        warnings=_exposure(path, mode, profiles),
    )


def _profile(path: Path, name: str, values: Any) -> Profile:
    where = f"profiles.{name}"
    if not isinstance(values, dict):
        raise InvalidInputError(f"{path}: {where} must be a table; write [{where}]")
    kinds = {"url": str, "prefix": str, "read_only": bool, "color": str, "confirm": bool}
    profile = Profile(name, **_table(path, f"{where}.", values, kinds))
    if profile.color and not _COLOR.fullmatch(profile.color):
        raise InvalidInputError(
            f"{path}: {where}.color {profile.color!r} is no colour; use a name as red, or #rrggbb"
        )
    return profile


def _table(
    path: Path, where: str, values: dict[str, Any], kinds: dict[str, type]
) -> dict[str, Any]:
    for key, value in values.items():
        kind = kinds.get(key)
        if kind is None:
            close = get_close_matches(key, kinds, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(kinds)}"
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
