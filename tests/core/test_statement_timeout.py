"""A statement that ran out of time isn't taken for a database that is away."""

import sqlite3

import pymysql
import pytest
from psycopg import errors

from tasq_core.errors import RepositoryUnavailableError, StatementTimeoutError
from tasq_core.repository import mysql_errors, open_repository
from tasq_core.repository.postgres_errors import translate


def test_postgresql_names_it():
    assert type(translate(errors.QueryCanceled("timeout"), "tasks", "db")) is StatementTimeoutError
    assert type(translate(errors.AdminShutdown("bye"), "tasks", "db")) is RepositoryUnavailableError


@pytest.mark.parametrize("code", [1317, 1969, 3024])
def test_mysql_and_mariadb_name_it(code):
    error = mysql_errors.translate(pymysql.err.OperationalError(code, "too long"), "tasks", "db")

    assert type(error) is StatementTimeoutError


def test_sqlite_names_it(tmp_path):
    repository = open_repository(f"sqlite:///{tmp_path}/x.db")
    repository.migrate()
    error = sqlite3.OperationalError("interrupted")
    error.sqlite_errorname = "SQLITE_INTERRUPT"

    assert type(repository._driver.translate(error, "tasks")) is StatementTimeoutError
    repository.close()
