"""Metrics as text: what a scraper reads is what was counted, whatever a producer calls things."""

import http.client
import socket
import threading
import urllib.error
import urllib.request

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

from tasq_core.errors import TasqError
from tasq_core.metrics import ConsumerMetrics, MetricsServer
from tasq_core.metrics.catalogue import CONSUMER_METRICS, TABLE_METRICS, Metric
from tasq_core.metrics.exposition import Samples, flat, merge, put, render
from tasq_core.metrics.series import MOST_PAIRS, MOST_TYPES, Histogram, Pairs, folded
from tests.support.wait import wait_until

HOSTILE = ['a"b', "back\\slash", "two\nlines", "tab\t\r\x1b[2J", "\u2028", "\ud800", "ü€😀", ""]

COUNTER = Metric("x_total", "counter", 'One "\\ of\nthem.', ("name",))
GAUGE = Metric("x_now", "gauge", "Now.", ("name",), merge="max")
TIMES = Metric("x_seconds", "histogram", "Times.", ("name",), "seconds", (0.1, 1.0))
ALL = (COUNTER, GAUGE, TIMES)


def samples_of(text: str, reader) -> list[tuple[str, dict[str, str], float]]:
    return [(s.name, s.labels, s.value) for family in reader(text) for s in family.samples]


@pytest.fixture
def hostile() -> Samples:
    found: Samples = {}
    times = Histogram(TIMES.bounds)
    for value in (0.05, 0.1, 0.5, 7.0):
        times.add(value)
    for name in HOSTILE:
        put(found, "x_total", (name,), 2)
        put(found, "x_seconds", (name,), times.value)
    return found


@pytest.mark.parametrize(
    ("reader", "open_metrics"), [(read_prometheus, False), (read_openmetrics, True)]
)
def test_any_text_is_a_labels_value_and_reads_back(hostile, reader, open_metrics):
    """A quote in a queue's name would end the scrape of every other queue."""
    text = render(ALL, hostile, open_metrics=open_metrics)

    read = samples_of(text, reader)
    assert read == list(flat(ALL, hostile))
    names = {labels["name"] for name, labels, _ in read if name == "x_total"}
    assert {'a"b', "back\\slash", "two\nlines", "ü€😀", ""} < names
    assert "tab\\x09\\x0d\\x1b[2J" in names
    assert not set(text) & {"\x1b", "\r", "\u2028", "\ud800"}


def test_a_histograms_buckets_add_up(hostile):
    """Buckets that each hold their own values alone give quantiles that are nonsense."""
    read = [
        (labels.get("le"), value)
        for name, labels, value in flat(ALL, hostile)
        if labels["name"] == "" and name.startswith("x_seconds")
    ]

    assert read == [("0.1", 2.0), ("1.0", 3.0), ("+Inf", 4.0), (None, 4.0), (None, 7.65)]


def test_names_that_are_cut_or_escaped_alike_are_one_series():
    """Prometheus refuses a whole scrape for one series that stands in it twice."""
    found: Samples = {}
    for name in ("x" * 500 + "1", "x" * 500 + "2", "\x1b", "\\x1b"):
        put(found, "x_total", (name,), 1)

    assert sorted(found["x_total"].values()) == [2, 2]


def test_however_many_names_there_are_the_series_are_few():
    """A producer that writes an id into the queue's name would fill the scraper's memory."""
    pairs = Pairs()
    for number in range(5000):
        pairs.of(f"q{number}", f"t{number % 1000}").claimed += 1

    series = list(pairs)
    assert len(series) == MOST_PAIRS + MOST_TYPES + 1
    assert sum(one.claimed for one in series) == 5000
    assert pairs.of("q3", "t3").labels == ("q3", "t3")
    assert pairs.of("new", "t102").labels == ("other", "t102")
    assert pairs.of("new", "new").labels == ("other", "other")
    assert folded([("small", 1), ("large", 3), ("mid", 2)], 2) == {
        "large": "large", "mid": "mid", "small": "other"
    }  # fmt: skip


def test_processes_are_added_up_and_what_is_true_once_stays_so():
    one: Samples = {
        "x_total": {("a",): 2.0},
        "x_now": {("a",): 1.0},
        "x_seconds": {("a",): (1.5, 1, 0, 0)},
    }
    two: Samples = {
        "x_total": {("a",): 3.0, ("b",): 1.0},
        "x_now": {("a",): 1.0},
        "x_seconds": {("a",): (0.5, 0, 2, 0)},
    }

    assert merge(ALL, [one, two]) == {
        "x_total": {("a",): 5.0, ("b",): 1.0},
        "x_now": {("a",): 1.0},
        "x_seconds": {("a",): (2.0, 1, 2, 0)},
    }


def test_the_catalogue_keeps_prometheus_rules():
    """`promtool check metrics` complains of what differs, and dashboards guess wrong units."""
    every = [*CONSUMER_METRICS, *TABLE_METRICS]
    assert len({metric.name for metric in every}) == len(every)
    for metric in every:
        assert metric.name.startswith("tasq_")
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric
        assert bool(metric.bounds) == (metric.kind == "histogram"), metric
        assert metric.name.endswith("_seconds") == (metric.unit == "seconds"), metric
        assert metric.help.endswith("."), metric
        assert not {"le", "quantile", "job", "instance"} & set(metric.labels)


def test_a_registry_of_prometheus_client_serves_them_too():
    """A program with a /metrics of its own would need a second port."""
    from prometheus_client import CollectorRegistry, generate_latest

    from tasq_core.integrations.prometheus import Collector

    metrics, registry = ConsumerMetrics(), CollectorRegistry()
    metrics.claim_ended(0.0, 3)
    registry.register(Collector(metrics))

    theirs = samples_of(generate_latest(registry).decode(), read_prometheus)
    ours = samples_of(metrics.text(), read_prometheus)
    assert [s for s in theirs if s[0] != "tasq_consumer_claim_seconds_sum"] == [
        s for s in ours if s[0] != "tasq_consumer_claim_seconds_sum"
    ]
    assert ("tasq_consumer_claims_total", {"result": "found"}, 1.0) in theirs


# -- the server ------------------------------------------------------------------------------


@pytest.fixture
def server():
    server = MetricsServer("127.0.0.1", 0, lambda *, open_metrics: f"open {open_metrics}\n")
    yield server
    server.close()


def get(url: str, **headers: str) -> tuple[str, str]:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def test_a_scraper_gets_the_format_it_asks_for(server):
    plain = get(server.url)
    wanted = get(server.url, Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")

    assert plain == ("text/plain; version=0.0.4; charset=utf-8", "open False\n")
    assert wanted[0].startswith("application/openmetrics-text; version=1.0.0")
    assert wanted[1] == "open True\n"


def test_anything_but_a_scrape_is_refused_and_the_next_scrape_answered(server):
    with pytest.raises(urllib.error.HTTPError) as missing:
        get(server.url.replace("/metrics", "/etc/passwd"))
    missing.value.close()
    connection = http.client.HTTPConnection(server.host, server.port, timeout=5)
    connection.request("POST", "/metrics", b"x")
    refused = connection.getresponse().status
    connection.close()
    with socket.create_connection((server.host, server.port), 5) as raw:
        raw.sendall(b"\x16\x03\x01\x00 no HTTP\r\n\r\n")
        raw.recv(1000)

    assert (missing.value.code, refused) == (404, 501)
    assert get(server.url)[1] == "open False\n"


@pytest.mark.slow
def test_clients_that_say_nothing_hold_up_no_scrape_for_long(server):
    """Whoever can connect could otherwise blind the monitoring for as long as they like."""
    silent = [socket.create_connection((server.host, server.port), 5) for _ in range(40)]
    try:
        threads = [t for t in threading.enumerate() if t.name == "tasq-scrape"]
        assert len(threads) <= 8

        def scraped() -> bool:
            try:
                return get(server.url)[1] == "open False\n"
            except OSError:
                return False

        wait_until(scraped, 12, interval=0.2)
    finally:
        for connection in silent:
            connection.close()


def test_what_fails_while_collecting_is_told_to_the_scraper_and_forgotten():
    def fails(*, open_metrics: bool) -> str:
        raise ValueError("secret")

    server = MetricsServer("127.0.0.1", 0, fails)
    try:
        with pytest.raises(urllib.error.HTTPError) as error:
            get(server.url)
        with error.value:
            assert error.value.code == 500
            assert b"secret" not in error.value.read()
    finally:
        server.close()


@pytest.mark.parametrize("port", [None, 70_000])
def test_an_address_that_cant_be_listened_on_is_an_error_that_names_it(server, port):
    with pytest.raises(TasqError, match=rf"127\.0\.0\.1:{port or server.port}"):
        MetricsServer("127.0.0.1", port or server.port, lambda **_: "")
    with pytest.raises(TasqError, match="no-such-host"):
        MetricsServer("no-such-host.invalid", 0, lambda **_: "")
