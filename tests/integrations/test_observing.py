"""OpenTelemetry and Sentry, by their own in-memory exporter and transport."""

import pytest
import sentry_sdk
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_sdk.transport import Transport

import tasq_core as tasq
from tasq_core.args import gob
from tasq_core.integrations.opentelemetry import tracing, with_trace_context
from tasq_core.integrations.sentry import reporting


@pytest.fixture
def spans():
    """What was exported so far."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    exporter.provider = provider
    yield exporter
    provider.shutdown()


def plain(task):
    if task.type == "bad":
        raise ValueError("no address")
    if task.type == "snoozing":
        raise tasq.Snooze(60)


async def coroutine(task):
    plain(task)


@pytest.fixture(params=[plain, coroutine], ids=["plain", "coroutine"])
def consumer(request, tasq_client):
    consumer = tasq_client.new_consumer(queues=["mail"])
    for type in ("good", "bad", "snoozing"):
        consumer.learn(type, request.param)
    return consumer


def submit(client, type, args=None, **options):
    return client.new_producer().submit(type, args, queue="mail", **options)


def test_each_attempt_is_a_span_with_the_tasks_names(tasq_client, consumer, tasq_drain, spans):
    consumer.middleware(tracing(spans.provider))
    task = submit(tasq_client, "good")

    tasq_drain(consumer)
    [span] = spans.get_finished_spans()
    assert (span.name, span.kind, span.parent) == ("process good", trace.SpanKind.CONSUMER, None)
    assert span.attributes["messaging.message.id"] == str(task.id)
    assert span.attributes["messaging.destination.name"] == "mail"
    assert span.status.status_code is trace.StatusCode.UNSET


def test_a_failure_is_an_exception_and_a_decision_an_event(
    tasq_client, consumer, tasq_drain, spans
):
    consumer.middleware(tracing(spans.provider))
    submit(tasq_client, "bad")
    submit(tasq_client, "snoozing")

    tasq_drain(consumer)
    bad, snoozed = spans.get_finished_spans()
    assert bad.status.status_code is trace.StatusCode.ERROR
    assert [event.attributes["exception.message"] for event in bad.events] == ["no address"]
    assert snoozed.status.status_code is trace.StatusCode.UNSET
    assert [event.name for event in snoozed.events] == ["Snooze"]


@pytest.mark.parametrize("encode", [lambda args: args, lambda args: tasq.RawArgs(gob.encode(args))])
def test_the_trace_goes_on_where_the_arguments_carry_it(
    tasq_client, consumer, tasq_drain, spans, encode
):
    """A request whose tasks are other traces can't be followed to what it caused."""
    consumer.middleware(tracing(spans.provider))
    with spans.provider.get_tracer("web").start_as_current_span("request") as request:
        args = with_trace_context({"to": "a@b.c"})
        submit(tasq_client, "good", encode(args))

    tasq_drain(consumer)
    _, span = spans.get_finished_spans()
    assert span.parent.span_id == request.get_span_context().span_id
    assert span.context.trace_id == request.get_span_context().trace_id


@pytest.mark.parametrize("args", [{"_trace": 3}, {"_trace": {"traceparent": "x"}}, ["_trace"], None, tasq.RawArgs(b"_trace\xff")])  # fmt: skip
def test_arguments_without_a_readable_trace_begin_a_new_one(
    tasq_client, consumer, tasq_drain, spans, args
):
    consumer.middleware(tracing(spans.provider))
    submit(tasq_client, "good", args)

    assert [ran.status for ran in tasq_drain(consumer)] == ["SUCCESSFUL"]
    assert spans.get_finished_spans()[0].parent is None


def test_arguments_that_have_no_place_for_it_are_refused():
    assert with_trace_context({"a": 1}) == {"a": 1}
    with pytest.raises(tasq.InvalidInputError, match="needs a dict"):
        with_trace_context([1])


class Kept(Transport):
    """Keeps what would be sent."""

    def __init__(self, options=None):
        super().__init__(options)
        self.events = []

    def capture_envelope(self, envelope):
        self.events += [item.payload.json for item in envelope.items]

    def named(self, kind):
        return [e for e in self.events if ("exception" in e) == (kind == "error")]


@pytest.fixture
def reports():
    transport = Kept()
    sentry_sdk.init(
        dsn="http://key@localhost/1", transport=transport, traces_sample_rate=1.0,
        default_integrations=False, auto_enabling_integrations=False,
    )  # fmt: skip
    yield transport
    sentry_sdk.get_client().close()
    sentry_sdk.init()


def test_failures_are_reported_with_the_task_and_without_its_arguments(
    tasq_client, consumer, tasq_drain, reports
):
    consumer.middleware(reporting())
    task = submit(tasq_client, "bad", {"password": "hunter2"})
    submit(tasq_client, "snoozing")
    submit(tasq_client, "good")

    tasq_drain(consumer)
    [report] = reports.named("error")
    assert report["exception"]["values"][0]["value"] == "no address"
    assert report["tags"] == {"tasq.type": "bad", "tasq.queue": "mail"}
    assert report["contexts"]["tasq"]["id"] == str(task.id)
    named = [event["transaction"] for event in reports.named("transaction")]
    assert named == ["bad", "snoozing", "good"]


def test_only_the_last_attempt_is_reported_on_request(tasq_client, consumer, tasq_drain, reports):
    consumer.middleware(reporting(only_last=True))
    consumer.with_retry_backoff(0)
    submit(tasq_client, "bad", max_receives=3)

    assert len(tasq_drain(consumer)) == 3
    assert len(reports.named("error")) == 1
