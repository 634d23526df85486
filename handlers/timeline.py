"""Reports by severity over time."""

from typing_extensions import override

from db.timeline import count_by_bucket
from generated.models import Timeline as TimelineBody
from generated.models import TimelineBucket
from generated.routes.timeline import GetTimeline200, TimelineHandlers
from handlers.context import Context
from handlers.errors import InvalidValue
from policies.timeline import Window, WindowError, resolve_window, zero_fill


class Timeline(TimelineHandlers[Context]):
    @override
    def get_timeline(
        self, context: Context, /, *, window_h: int = 24, bucket_m: int | None = None
    ) -> GetTimeline200:
        window = window_at(context, window_h, bucket_m)
        with context.transaction(read_only=True) as transaction:
            rows = count_by_bucket(transaction, window.start, window.end, window.bucket)
        buckets = [
            TimelineBucket.model_construct(
                start=bucket.start,
                info=bucket.info,
                warn=bucket.warn,
                block=bucket.block,
                total=bucket.total,
            )
            for bucket in zero_fill(window, rows)
        ]
        minutes = int(window.bucket.total_seconds()) // 60
        body = TimelineBody.model_construct(window_h=window_h, bucket_m=minutes, buckets=buckets)
        return GetTimeline200(body)


def window_at(context: Context, window_h: int, bucket_m: int | None) -> Window:
    """The window as of the request's time. Raises InvalidValue for a bucket that doesn't fit it."""
    try:
        return resolve_window(context.now, window_h, bucket_m)
    except WindowError as error:
        raise InvalidValue(
            "query", "/bucket_m", "window", str(error.limit), error.detail
        ) from error
