"""Build backend of `tasq-tui`: hatchling, told where `tasq-core` is found.

- A wheel built in a clone asks for `tasq-core[…] @ file:///…/tasq_core`, so that `pip install .`
  needs no index that has it.
- An editable install asks for the library's own dependencies: the clone is on Python's path with
  both packages, and both stay editable.
- An sdist, and a wheel built from one, ask for `tasq-core[…]==<version>`: what an index accepts,
  and what can be carried to a machine without the clone.

hatchling loads this file a second time for the metadata hook, hence the environment variable.
"""

import os
import tomllib
from pathlib import Path
from typing import Any

from hatchling import build as hatchling
from hatchling.build import (
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
)
from hatchling.metadata.plugin.interface import MetadataHookInterface

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]

_KIND = "TASQ_BUILD_KIND"
_EXTRAS = ("postgres", "mysql", "schedules")


class Dependencies(MetadataHookInterface):
    """Fills in `project.dependencies`: the library, and what the hook's configuration lists."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the dependencies."""
        kind = os.environ.get(_KIND, "wheel")
        metadata["dependencies"] = [
            *library(Path(self.root), metadata["version"], kind),
            *self.config["dependencies"],
        ]


def library(root: Path, version: str, kind: str) -> list[str]:
    """The requirements that bring `tasq_core`, for a "wheel", an "editable" or an "sdist"."""
    folder = root / "tasq_core"
    named = f"tasq-core[{','.join(_EXTRAS)}]"
    if kind == "sdist" or not (folder / "pyproject.toml").exists():
        return [f"{named}=={version}"]
    if kind == "wheel":
        return [f"{named} @ {folder.as_uri()}"]
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *(line for extra in _EXTRAS for line in extras[extra])]


def build_wheel(*arguments: Any, **options: Any) -> str:
    """PEP 517."""
    os.environ[_KIND] = "wheel"
    return hatchling.build_wheel(*arguments, **options)


def build_sdist(*arguments: Any, **options: Any) -> str:
    """PEP 517."""
    os.environ[_KIND] = "sdist"
    return hatchling.build_sdist(*arguments, **options)


def build_editable(*arguments: Any, **options: Any) -> str:
    """PEP 660."""
    os.environ[_KIND] = "editable"
    return hatchling.build_editable(*arguments, **options)


if hasattr(hatchling, "prepare_metadata_for_build_wheel"):  # not where pip builds
    __all__ += ["prepare_metadata_for_build_editable", "prepare_metadata_for_build_wheel"]

    def prepare_metadata_for_build_wheel(*arguments: Any, **options: Any) -> str:
        """PEP 517."""
        os.environ[_KIND] = "wheel"
        return hatchling.prepare_metadata_for_build_wheel(*arguments, **options)

    def prepare_metadata_for_build_editable(*arguments: Any, **options: Any) -> str:
        """PEP 660."""
        os.environ[_KIND] = "editable"
        return hatchling.prepare_metadata_for_build_editable(*arguments, **options)
