"""A password needn't stand in the URL, and wherever it comes from it is shown nowhere.

A user who keeps it in .pgpass or .my.cnf would otherwise have to write it into a URL, where
process lists and shell histories show it.
"""

from urllib.parse import urlsplit

import pytest

from tasq_core.repository.urls import parse_url


class Way:
    """One source of passwords: what it adds to the environment, the URL and the options."""

    def __init__(self, folder, database):
        self.folder = folder
        url = parse_url(database.url)
        self.user, self.host, self.port = url.user, url.host, url.port
        parts = urlsplit(database.url)
        self.url = parts._replace(netloc=f"{url.user}@{url.host}:{url.port}").geturl()

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return str(path)

    def pgpassword(self, password):
        return {"PGPASSWORD": password}, self.url

    def pgpassfile(self, password):
        return {"PGPASSFILE": self.file("pass", f"*:*:*:{self.user}:{password}\n")}, self.url

    def pgpass_at_home(self, password):
        self.file(".pgpass", f"*:*:*:{self.user}:{password}\n")
        return {"HOME": str(self.folder)}, self.url

    def service(self, password):
        lines = f"host={self.host}\nport={self.port}\nuser={self.user}\npassword={password}\n"
        name = urlsplit(self.url).path
        path = self.file("services", f"[prod]\n{lines}dbname={name[1:]}\n")
        return {"PGSERVICEFILE": path}, "postgresql:///?service=prod"

    def mysql_pwd(self, password):
        return {"MYSQL_PWD": password}, self.url

    def option_file(self, password):
        path = self.file("app.cnf", f"!includedir /none\n[prod]\npassword = '{password}'\n")
        return {}, f"{self.url}?read_default_file={path}&read_default_group=prod"

    def my_cnf_at_home(self, password):
        self.file(".my.cnf", f"[client]\nuser={self.user}\npassword={password}\n")
        return {"HOME": str(self.folder), "MYSQL_PWD": "another"}, self.url


WAYS = [
    *(("postgres", name) for name in ("pgpassword", "pgpassfile", "pgpass_at_home", "service")),
    *(("mysql", name) for name in ("mysql_pwd", "option_file", "my_cnf_at_home")),
]


@pytest.mark.parametrize(("backend", "way"), WAYS, indirect=["backend"], ids=lambda way: way)
def test_the_password_comes_from_where_the_drivers_user_keeps_it(tasq, database, way):
    database.open().migrate()
    right = parse_url(database.url).password
    way = getattr(Way(tasq.folder, database), way)

    env, url = way(right)
    done = tasq("count", "--all", **env | {"TASQ_URL": url})
    assert (done.code, done.out.strip()) == (0, "0"), done.err

    env, url = way("XqZwKvJ")
    refused = tasq("count", "--all", **env | {"TASQ_URL": url})
    assert refused.code == 5, refused.err
    assert not any("XqZwKvJ"[i : i + 3] in refused.out + refused.err for i in range(5))


@pytest.mark.parametrize("backend", ["mysql"], indirect=True)
def test_a_section_for_another_user_or_host_is_left_alone(tasq, database):
    """Its password would go to a server that has no business with it."""
    database.open().migrate()
    way = Way(tasq.folder, database)
    right = {"HOME": str(tasq.folder), "MYSQL_PWD": parse_url(database.url).password}
    for line in ("user=somebody", "host=elsewhere"):
        way.file(".my.cnf", f"[client]\n{line}\npassword=XqZwKvJ\n")
        assert tasq("count", "--all", TASQ_URL=way.url, **right).code == 0


@pytest.mark.parametrize("text", ["password XqZwKvJ", "[client\npassword=XqZwKvJ", "\udcff"])
def test_an_option_file_that_cant_be_read_is_named_and_not_quoted(tasq, text):
    path = tasq.folder / "app.cnf"
    path.write_text(text, errors="surrogateescape")
    url = f"mysql://app@127.0.0.1:1/x?read_default_file={path}"

    refused = tasq("count", "--all", TASQ_URL=url)

    assert refused.code == 2
    assert f"{path} can't be read" in refused.err
    assert "XqZ" not in refused.err

    path.unlink()
    assert "No such file" in tasq("count", "--all", TASQ_URL=url).err
