"""The contract and dialect tests on another MySQL or MariaDB: `python -m tests.support.mysql_versions mysql`.

The programs are packages of newer Debian releases, whatever their version is today. Their apt
fetches and checks them; they and all they need are unpacked into a temporary folder, which is
removed at the end, and run with their own C library. What follows the name goes to pytest.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import ClassVar

from tests.support.processes import ROOT
from tests.support.servers import MariaDBServer

SOURCES = {"mysql": ("sid", "mysql-server-core"), "mariadb": ("trixie", "mariadb-server-core")}
"""The release that has it, and its package."""

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_BOOTSTRAP = ("system_tables", "performance_tables", "system_tables_data")


def main(name: str, *arguments: str) -> int:
    """Run the tests on the server of this name; pytest's exit code."""
    if name not in SOURCES:
        sys.exit(f"no server {name!r} here; SERVER is one of {', '.join(SOURCES)}")
    with tempfile.TemporaryDirectory(prefix=f"tasq-{name}-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # where root runs the tests, the server is another account's
        release, package = SOURCES[name]
        _Unpacked.root = _unpack(release, package, folder)
        server_class = _MySQL if name == "mysql" else _MariaDB
        with server_class() as server:
            sys.stdout.write(f"{server.version()}\n")
            sys.stdout.flush()
            return subprocess.run(
                [sys.executable, "-m", "pytest", "tests/contract", "tests/dialect", "-k", "mysql",
                 "-q", *arguments],
                env=os.environ | {"TASQ_TEST_MYSQL_URL": server.url},
                cwd=ROOT,
                check=False,
            ).returncode  # fmt: skip


class _Unpacked(MariaDBServer):
    """A server whose programs, libraries and messages stand under `root`."""

    root: ClassVar[Path]
    messages: ClassVar[str]
    options: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def version(cls) -> str:
        _, _, rest = _written(*cls._program(), "--version").partition(" Ver ")
        return f"{'MariaDB' if 'MariaDB' in rest else 'MySQL'} {rest.split('-')[0]}"

    @classmethod
    def _program(cls) -> list[str]:
        raise NotImplementedError

    @classmethod
    def _loaded(cls, program: str) -> list[str]:
        """What starts `program` with the C library that it was built for."""
        (loader,) = cls.root.glob("usr/lib*/ld-linux-*.so.?")
        libraries = [cls.root / "usr/lib/mysql/private", *cls.root.glob("usr/lib/*-linux-gnu")]
        return [
            str(loader), "--library-path", ":".join(map(str, libraries)), str(cls.root / program)
        ]  # fmt: skip

    @classmethod
    def _require(cls) -> None: ...

    def _command(self) -> list[str]:
        return [*self._base(), *super()._command()[2:]]

    def _base(self) -> list[str]:
        usr = self.root / "usr"
        return [
            *self._program(),
            "--no-defaults",
            f"--basedir={usr}",
            f"--lc-messages-dir={usr}/share/{self.messages}",
            f"--plugin-dir={usr}/lib/mysql/plugin",
            f"--character-sets-dir={usr}/share/{self.messages}/charsets",
            *self.options,
        ]


class _MySQL(_Unpacked):
    messages = "mysql"
    options = ("--mysqlx=0", "--skip-log-bin", "--secure-file-priv=NULL")

    @classmethod
    def _program(cls) -> list[str]:
        return cls._loaded("usr/sbin/mysqld")

    def _initialise(self) -> None:
        self._run(*self._base(), "--initialize-insecure", f"--datadir={self.folder}/data")
        self._write_accounts()


class _MariaDB(_Unpacked):
    messages = "mariadb"

    @classmethod
    def _program(cls) -> list[str]:
        return cls._loaded("usr/sbin/mariadbd")

    def _initialise(self) -> None:
        share = self.root / "usr/share/mariadb"
        tables = "\n".join((share / f"mariadb_{part}.sql").read_text() for part in _BOOTSTRAP)
        script = self._write("bootstrap.sql", f"USE mysql;\n{tables}")
        self._run("mkdir", "-p", f"{self.folder}/data/mysql")
        self._run(
            *("sh", "-c", 'script=$1; shift; exec "$@" <"$script"', "bootstrap", str(script)),
            *(*self._base(), f"--datadir={self.folder}/data", "--bootstrap"),
        )
        self._write_accounts()


def _unpack(release: str, package: str, folder: Path) -> Path:
    """Fetch and unpack it with all it needs; the folder that has them."""
    if shutil.which("apt-get") is None or not _KEYRING.exists():
        sys.exit("the servers come from Debian: run it there, or name a server of your own by"
                 " TASQ_TEST_MYSQL_URL")  # fmt: skip
    mirror = _written(
        "apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"
    ).split()[0]
    for name in ("state/lists/partial", "cache/archives/partial", "root"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    sources = folder / "sources.list"
    sources.write_text(f"deb [signed-by={_KEYRING}] {mirror} {release} main\n")
    options = {
        "Dir::State": folder / "state", "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache", "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-", "Dir::Etc::preferencesparts": "-",
        "APT::Sandbox::User": "root",
    }  # fmt: skip
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    _written(*apt, "update")
    _written(*apt, "--yes", "--no-install-recommends", "--download-only", "install", package)
    root = folder / "root"
    for archive in sorted((folder / "cache/archives").glob("*.deb")):
        _written("dpkg-deb", "--extract", str(archive), str(root))
    shutil.rmtree(folder / "cache")
    return root


def _written(*command: str) -> str:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        sys.exit(f"{' '.join(command[:1])} failed: {answer.stderr.strip()[-500:]}")
    return answer.stdout


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
