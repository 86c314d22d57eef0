"""What a consumer says of itself in the registry: what it can't do now."""

import logging

from tasq_core.consumer.consumer_log import ConsumerLog
from tasq_core.errors import RepositoryError


def test_an_error_of_its_own_stands_until_what_failed_works_again():
    """The fleet showed "could not claim tasks" for days after a restart of the server."""
    log = ConsumerLog(logging.getLogger("tests"))
    refused = RepositoryError("refused")
    log.database_failed("claim tasks", refused, 1.0)
    log.database_failed("release leases", refused, 1.0, "outcomes")
    log.job_failed("write the heartbeat", refused)
    assert log.last_error == "could not write the heartbeat: refused"

    log.database_back("write the heartbeat")
    assert log.last_error == "could not release leases: refused"
    log.database_back("record outcomes", "outcomes")
    assert log.last_error == "could not claim tasks: refused"
    log.database_back("claim tasks")
    assert log.last_error is None
