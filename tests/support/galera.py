"""A Galera cluster of private MariaDB servers: nodes are killed, come back, and lose each other."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.programs import ServerUnavailableError, mariadb_program
from tests.support.servers import MariaDBServer, _free_port
from tests.support.wait import wait_until

_PROVIDERS = (
    "/usr/lib/galera/libgalera_smm.so",
    "/usr/lib/*/galera/libgalera_smm.so",
    "/usr/lib*/galera-4/libgalera_smm.so",
    "/opt/homebrew/lib/libgalera_smm.so",
)


class GaleraNode(MariaDBServer):
    """One node. The first makes the cluster; a later one, and one that returns, copies from it."""

    name = "galera"

    def __init__(self, cluster: list["GaleraNode"]) -> None:
        """Start it and add it to `cluster`.

        Raises:
            ServerUnavailableError: a program is missing, or it won't start; says why.
        """
        self._cluster = cluster
        self._group, self._incremental, self._transfer = _free_port(), _free_port(), _free_port()
        super().__init__()
        cluster.append(self)

    @classmethod
    def _require(cls) -> None:
        super()._require()
        _provider()
        mariadb_program("rsync")

    def _initialise(self) -> None:
        if not self._cluster:
            super()._initialise()
            return
        self.password = self._cluster[0].password
        self._run("mkdir", "data")
        self._write("init.sql", "")

    def _command(self) -> list[str]:
        peers = [f"127.0.0.1:{node._group}" for node in self._cluster if node is not self]
        provider = {
            "gmcast.listen_addr": f"tcp://127.0.0.1:{self._group}",
            "base_port": self._group,
            "ist.recv_addr": f"127.0.0.1:{self._incremental}",
            "gcache.size": "32M",
        }
        return [
            *super()._command(),
            "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            "--innodb-buffer-pool-size=32M",
            "--innodb-log-file-size=16M",
            "--wsrep-on=ON",
            f"--wsrep-provider={_provider()}",
            f"--wsrep-provider-options={';'.join(f'{k}={v}' for k, v in provider.items())}",
            "--wsrep-cluster-name=tasq",
            f"--wsrep-cluster-address=gcomm://{','.join(peers)}",
            f"--wsrep-node-address=127.0.0.1:{self._group}",
            "--wsrep-sst-method=rsync",
            f"--wsrep-sst-receive-address=127.0.0.1:{self._transfer}",
        ]

    def _connect(self) -> None:
        super()._connect()
        if not self.ready:
            raise RuntimeError("not yet in step with its cluster")

    @property
    def ready(self) -> bool:
        """Whether it serves: it is in step with a majority."""
        return self.status("wsrep_ready") == "ON"

    def status(self, name: str) -> str:
        """A status variable; a node without its cluster answers too."""
        return str(self.execute(f"SHOW STATUS LIKE '{name}'")[0][1])

    def isolate(self, on: bool) -> None:
        """Cut it off from the other nodes, or let it find them again."""
        self.execute(f"SET GLOBAL wsrep_provider_options = 'gmcast.isolate={int(on)}'")
        wait_until(lambda: self.ready is not on, 30, "the node to notice")

    def execute(self, sql: str) -> list[tuple[object, ...]]:
        """Run one statement; its rows."""
        import pymysql

        with pymysql.connect(
            host="127.0.0.1", port=self.port, user="tasq", password=self.password, connect_timeout=5
        ) as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return list(cursor.fetchall())


class GaleraCluster:
    """Three nodes, each a primary."""

    def __init__(self, nodes: list[GaleraNode]) -> None:
        self.nodes = nodes

    def url(self, first: int = 0) -> str:
        """The URL with all hosts, that of the node numbered `first` in front."""
        nodes = [*self.nodes[first:], *self.nodes[:first]]
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        return f"mysql://tasq:{nodes[0].password}@{hosts}/tasq"

    def total(self, name: str) -> int:
        """The sum of a status variable over the nodes that run."""
        return sum(int(node.status(name)) for node in self.nodes if node.running)

    def repair(self) -> None:
        """Start what doesn't run, and wait until all are one cluster."""
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            if not node.ready:
                node.isolate(False)
        whole = {str(len(self.nodes))}
        wait_until(lambda: {node.status("wsrep_cluster_size") for node in self.nodes} == whole, 30)


@contextmanager
def galera_cluster() -> Iterator[GaleraCluster]:
    """A running cluster.

    Raises:
        ServerUnavailableError: a program is missing, or a node won't start.
    """
    nodes: list[GaleraNode] = []
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(GaleraNode(nodes))
        yield GaleraCluster(nodes)


def _provider() -> str:
    for pattern in _PROVIDERS:
        for found in sorted(Path("/").glob(pattern.lstrip("/"))):
            return str(found)
    raise ServerUnavailableError("no libgalera_smm.so found; install galera-4")
