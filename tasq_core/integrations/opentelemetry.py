"""OpenTelemetry: a span around each handler, and trace context that travels in arguments.

    from tasq_core.integrations.opentelemetry import tracing, with_trace_context

    consumer.middleware(tracing())
    producer.submit("email", with_trace_context({"to": "a@b.c"}))

The table has no column for trace context, so it travels in the arguments, and only where these are
an object: `with_trace_context` adds the key `_trace`. Handlers, Go's included, may ignore it. Needs
the extra `tasq-core[otel]`.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Any, Final

from opentelemetry import propagate, trace
from opentelemetry.context import Context

from tasq_core.consumer.decisions import Decision
from tasq_core.errors import ArgsDecodeError, InvalidTypeError
from tasq_core.task import Task

KEY: Final = "_trace"
"""The key of the arguments that holds the trace context."""

_MARK: Final = KEY.encode()


def with_trace_context(args: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `args` that carries the trace context of where it is called.

    Without a span that records, the copy has no more than `args`.

    Raises:
        InvalidTypeError: `args` is not a mapping, so there is no place for it.
    """
    if not isinstance(args, Mapping):
        raise InvalidTypeError(
            f"trace context needs a dict of arguments to travel in, not {type(args).__name__}"
        )
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return {**args, KEY: carrier} if carrier else dict(args)


def tracing(
    tracer_provider: trace.TracerProvider | None = None,
) -> Callable[[Task], Generator[None, None, None]]:
    """Middleware for handlers of both kinds: a CONSUMER span, a child of the carried context.

    A failure is recorded on the span as an exception; a `Snooze`, `Retry` or `Discard` is an
    event, for the handler decided so.

    Args:
        tracer_provider: whose tracer makes the spans; None is the global one.
    """
    tracer = trace.get_tracer("tasq_core", tracer_provider=tracer_provider)

    def around(task: Task) -> Generator[None, None, None]:
        with tracer.start_as_current_span(
            f"process {task.type}",
            context=_carried(task),
            kind=trace.SpanKind.CONSUMER,
            attributes={
                "messaging.system": "tasq",
                "messaging.operation.type": "process",
                "messaging.destination.name": task.queue,
                "messaging.message.id": str(task.id),
                "tasq.type": task.type,
                "tasq.receive_count": task.receive_count,
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except Decision as decision:
                span.add_event(type(decision).__name__, {"reason": str(decision)})
                raise
            except BaseException as error:
                span.record_exception(error)
                span.set_status(trace.StatusCode.ERROR, f"{type(error).__name__}: {error}")
                raise

    return around


def _carried(task: Task) -> Context | None:
    """The context in the task's arguments; None where they carry none that can be read."""
    if _MARK not in task.args:
        return None
    try:
        args = task.unmarshal_args()
    except ArgsDecodeError:
        return None
    carrier = args.get(KEY) if isinstance(args, dict) else None
    if not isinstance(carrier, dict):
        return None
    texts = {str(key): text for key, text in carrier.items() if isinstance(text, str)}
    return propagate.extract(texts)
