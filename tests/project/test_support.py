"""The tools of the tests: what a broken tool would make pass unnoticed."""

import socket
import subprocess
import threading
import uuid

import pytest

from benchmarks.stage import Stage
from tests.support.builders import make_task
from tests.support.databases import Database
from tests.support.processes import python
from tests.support.proxy import Proxy, proxied
from tests.support.recycled import Recycled
from tests.support.shared import SharedServers
from tests.support.terminal import Terminal
from tests.support.wait import wait_until


@pytest.fixture
def echo_server():
    """A server that sends back what it gets; its port."""

    def serve(connection):
        with connection:
            while data := connection.recv(1024):
                connection.sendall(data)

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _ask(connection):
    connection.sendall(b"ping")
    return connection.recv(1024)


def test_wait_until_fails_at_its_deadline_and_says_what_it_waited_for():
    with pytest.raises(AssertionError, match="the moon"):
        wait_until(lambda: False, timeout=0.01, message="the moon")


def test_proxy_passes_and_withholds_until_it_resumes(echo_server):
    with (
        Proxy("127.0.0.1", echo_server) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port)) as connection,
    ):
        connection.settimeout(0.1)
        assert _ask(connection) == b"ping"
        proxy.blackhole()
        with pytest.raises(TimeoutError):
            _ask(connection)
        proxy.resume()
        connection.settimeout(5)
        assert connection.recv(1024) == b"ping"


def test_proxy_cuts_what_is_open_and_refuses_what_comes_until_it_resumes(echo_server):
    with Proxy("127.0.0.1", echo_server) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as connection:
            assert _ask(connection) == b"ping"
            proxy.refuse()
            assert _ends(connection)
        assert _is_refused(proxy.port)
        proxy.resume()
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as connection:
            assert _ask(connection) == b"ping"


def _ends(connection):
    try:
        return connection.recv(1024) == b""
    except ConnectionError:
        return True


def _is_refused(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return _ends(connection)
    except ConnectionError:  # reset before connect() had returned
        return True


def test_a_killed_server_comes_back_with_what_was_committed(private_database):
    table = f"{private_database.prefix}_kept"
    private_database.execute(f"CREATE TABLE {table} (id int)")
    private_database.execute(f"INSERT INTO {table} VALUES (%s)", [7])
    private_database.close_connections()
    private_database.server.kill()
    with pytest.raises(Exception, match=r"(?i)refused|can't connect"):
        private_database.connect()

    private_database.server.start()

    assert private_database.execute(f"SELECT id FROM {table}") == [(7,)]


def test_a_database_drops_what_stands_under_its_prefix_and_nothing_else(database):
    mine, other = f"{database.prefix}_tasks", f"{database.prefix}x_tasks"
    for table in (mine, other):
        database.execute(f"CREATE TABLE {table} (id int)")
    database.close()

    if database.backend != "sqlite":
        with pytest.raises(Exception, match=r"(?i)exist"):
            database.execute(f"SELECT * FROM {mine}")
    assert database.execute(f"SELECT * FROM {other}") == []
    database.execute(f"DROP TABLE {other}")


@pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)
def test_migrated_tables_are_emptied_for_the_next_test(database, backend):
    """Making and dropping them for each takes longer than most tests."""
    recycled = Recycled(backend, database.url, ["repository"])
    mine = Database(backend, database.url)
    repository = mine.open()
    repository.migrate()
    repository.submit_task(make_task())
    mine.execute(f"CREATE TABLE {mine.prefix}_tasq_side (id int)")  # as a first use makes one

    recycled.close(mine)

    assert database.execute(f"SELECT count(*) FROM {mine.table}") == [(0,)]
    with pytest.raises(Exception, match=r"(?i)exist"):
        database.execute(f"SELECT * FROM {mine.prefix}_tasq_side")


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_a_kept_connection_brings_nothing_of_the_last_test_along(database):
    """Else what one test sets in its session decides about another."""
    pid = database.execute("SELECT pg_backend_pid()")
    zone = database.execute("SHOW timezone")
    database.execute("SET timezone = 'Asia/Tokyo'")
    database.execute("SELECT pg_advisory_lock(4711)")
    database.execute("LISTEN left_behind")
    database.close_connections()

    assert database.execute("SELECT pg_backend_pid()") == pid
    assert database.execute("SHOW timezone") == zone == [("UTC",)]
    assert database.execute("SELECT * FROM pg_listening_channels()") == []
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    assert database.execute(held) == [(0,)]


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_a_kept_connection_that_the_server_has_ended_is_replaced(database):
    """Else a test that ends sessions fails the one behind it."""
    pid = database.execute("SELECT pg_backend_pid()")[0][0]
    database.close_connections()
    with database.connect(autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
        gone = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
        wait_until(lambda: other.execute(gone, [pid]).fetchone() is None)

    assert database.execute("SELECT pg_backend_pid()")[0][0] != pid


def test_a_database_is_reached_through_a_proxy(private_postgres):
    import psycopg

    with proxied(private_postgres.url) as (proxy, url), psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        wait_until(lambda: proxy.connections == 1)
        proxy.cut()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_a_servers_folder_is_closed_to_other_users(private_postgres):
    assert private_postgres.folder.stat().st_mode & 0o077 == 0


def test_what_is_measured_waits_for_the_disk(private_postgres, private_mysql):
    """Otherwise RESULTS.md compares queues on servers that nobody runs."""
    with Stage() as stage, stage.table("postgres") as postgres, stage.table("mysql") as mysql:
        assert postgres.execute("SHOW fsync") == [("on",)]
        assert postgres.execute("SHOW synchronous_commit") == [("on",)]
        assert mysql.execute("SELECT @@innodb_flush_log_at_trx_commit") == [(1,)]
        assert mysql.execute("SELECT @@innodb_flush_method") != [("nosync",)]


def test_a_server_and_its_folder_are_gone_when_its_test_run_is_killed(private_postgres):
    code = (
        "from tests.support.servers import PostgresServer\nimport os, signal\n"
        "print(PostgresServer().folder, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    answer = subprocess.run(python("-c", code), capture_output=True, text=True, check=False)
    folder = answer.stdout.strip()
    assert folder

    wait_until(lambda: _does_not_exist(folder), message=folder)


@pytest.mark.usefixtures("private_postgres")
def test_workers_share_a_server_that_lives_as_long_as_their_controller():
    """Otherwise a parallel run starts a server per worker, or leaves one behind."""
    import psycopg

    shared = SharedServers()
    ask = (
        "import sys, pathlib\nfrom tests.support.shared import PostgresServer, shared_address\n"
        "print(shared_address(pathlib.Path(sys.argv[1]), PostgresServer).url)"
    )
    workers = [
        subprocess.Popen(python("-c", ask, str(shared.folder)), stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    urls = {worker.communicate()[0].strip() for worker in workers}
    assert len(urls) == 1
    (url,) = urls

    psycopg.connect(url).close()
    shared.close()
    wait_until(lambda: not _accepts(url), message=url)


def _accepts(url):
    import psycopg

    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def _does_not_exist(folder):
    return subprocess.run(["test", "!", "-e", folder], check=False).returncode == 0


def test_a_process_is_read_signalled_and_outlived(start_process):
    import signal

    word = uuid.uuid4().hex
    process = start_process(*python("-c", f"print('{word}'); import signal; signal.pause()"))
    process.wait_for_output(word)
    process.signal(signal.SIGTERM)

    assert process.wait(30) == -signal.SIGTERM


@pytest.mark.pty
def test_a_terminal_shows_the_screen_takes_keys_and_resizes():
    script = (
        "import os\nprint('\\x1b[2J\\x1b[5;3Hname?', end=' ')\nname = input()\n"
        "print(name, os.get_terminal_size().columns)\nraise SystemExit(3)"
    )
    with Terminal(python("-c", script), columns=60, rows=10) as terminal:
        screen = terminal.wait_for("name?")
        assert screen.splitlines()[4] == "  name?"
        terminal.resize(70, 12)
        terminal.type("Ada; Lovelace")
        terminal.send("Enter")
        terminal.wait_for("Ada; Lovelace 70")

        assert terminal.wait() == 3


def test_a_version_of_postgresql_that_cant_be_had_is_refused_with_those_that_can():
    answer = subprocess.run(
        python("-m", "tests.support.postgres_versions", "12"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stderr == "no PostgreSQL '12' here; VERSION is one of 13, 14, 15, 16, 17, 18\n"


def test_a_server_like_mysql_that_cant_be_had_is_refused_with_those_that_can():
    answer = subprocess.run(
        python("-m", "tests.support.mysql_versions", "percona"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stderr == "no server 'percona' here; SERVER is one of mysql, mariadb\n"
