"""Rate limits by API key and by tenant, of reads and of writes, and the headers that tell of them.

The fields are those of draft-ietf-httpapi-ratelimit-headers-11.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from typing_extensions import override

from generated.runtime.problems import Problem, too_many_requests
from generated.runtime.quota import Arrival, Quota
from handlers.context import Principal
from policies.rates import (
    Rate,
    Window,
    available,
    cost_of_body,
    effective_seconds,
    parse_rate,
    seconds_until,
)
from service.auth import principal_of
from service.rate_counts import Charge, Counted, Counts, OwnCounts, SharedCounts
from service.settings import Settings

_READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Rates:
    """Of one key and of one tenant; None where nothing is limited."""

    key: Rate | None
    tenant: Rate | None


class RateLimits(Quota):
    """Counts requests that have a principal: anyone else has been refused by then.

    A key's charge comes first, so that what a key is refused costs its tenant nothing.
    """

    def __init__(self, reads: Rates, writes: Rates, counts: Counts) -> None:
        self._reads = _Policies.of("reads", reads)
        self._writes = _Policies.of("writes", writes)
        self._counts = counts

    @override
    async def admit(self, arrival: Arrival) -> Mapping[str, str]:
        policies = self._policies(arrival)
        principal = principal_of(arrival.identities)
        if principal is None or not policies.rates:
            return {}
        units = 1 + cost_of_body(arrival.announced, is_encoded=arrival.is_encoded)
        return await self._take(policies, principal, units)

    @override
    async def grown(self, arrival: Arrival, before: int, now: int) -> None:
        policies = self._policies(arrival)
        principal = principal_of(arrival.identities)
        more = cost_of_body(now, is_encoded=arrival.is_encoded)
        more -= cost_of_body(before, is_encoded=arrival.is_encoded)
        if more > 0 and principal is not None and policies.rates:
            await self._take(policies, principal, more)

    def _policies(self, arrival: Arrival) -> "_Policies":
        return self._reads if arrival.operation.method in _READING else self._writes

    async def _take(
        self, policies: "_Policies", principal: Principal, units: int
    ) -> Mapping[str, str]:
        charges = policies.charges(principal, units)
        counted = await self._counts.take(charges)
        if counted.refused is not None:
            raise policies.problem(charges, counted, counted.refused)
        return policies.headers(counted.windows)

    async def close(self) -> None:
        await self._counts.close()


def configured_limits(settings: Settings) -> RateLimits:
    """Limits whose counts are this process's own, or those in the Redis of `settings`."""
    url = settings.redis_url
    return RateLimits(
        Rates(
            parse_rate(settings.rate_limit_key_reads),
            parse_rate(settings.rate_limit_tenant_reads),
        ),
        Rates(
            parse_rate(settings.rate_limit_key_writes),
            parse_rate(settings.rate_limit_tenant_writes),
        ),
        SharedCounts(url.get_secret_value()) if url else OwnCounts(),
    )


@dataclass(frozen=True, slots=True)
class _Policies:
    """The limits of one kind of request, by name: `key-writes`, `tenant-writes`."""

    kind: str
    rates: tuple[tuple[str, Rate], ...]
    announcement: str

    @classmethod
    def of(cls, kind: str, rates: Rates) -> "_Policies":
        found = tuple(
            (scope, rate)
            for scope, rate in (("key", rates.key), ("tenant", rates.tenant))
            if rate is not None
        )
        announced = [f'"{scope}-{kind}";q={rate.amount};w={rate.seconds}' for scope, rate in found]
        return cls(kind, found, ", ".join(announced))

    def charges(self, principal: Principal, units: int) -> list[Charge]:
        """None is dearer than all that its rate gives, or it could never be had."""
        owners = {"key": principal.key_id, "tenant": principal.tenant_id}
        return [
            # Another length is another account: the figures of one mean nothing to the other.
            Charge(
                f"{scope}-{self.kind}/{rate.seconds}/{owners[scope]}", rate, min(units, rate.amount)
            )
            for scope, rate in self.rates
        ]

    def headers(
        self, windows: Sequence[Window], waits: Mapping[int, int] | None = None
    ) -> dict[str, str]:
        """`waits` are seconds to put in place of how long the rest should last."""
        limits = [
            f'"{scope}-{self.kind}";r={available(rate, window)}'
            f";t={(waits or {}).get(place) or effective_seconds(rate, window)}"
            for place, ((scope, rate), window) in enumerate(zip(self.rates, windows, strict=True))
        ]
        return {"RateLimit-Policy": self.announcement, "RateLimit": ", ".join(limits)}

    def problem(self, charges: Sequence[Charge], counted: Counted, refused: int) -> Problem:
        scope, rate = self.rates[refused]
        cost, window = charges[refused].cost, counted.windows[refused]
        # At least a second, though the moment may have passed while the windows were read.
        wait = max(1, seconds_until(rate, window, cost))
        headers = self.headers(counted.windows, {refused: wait})
        detail = (
            f"The {self.kind} of one {scope} may cost {rate.amount} units in {rate.seconds} s; "
            f"{available(rate, window)} left, and this request costs {cost}. "
            f"Try again in {wait} s."
        )
        return too_many_requests(detail, {"Retry-After": str(wait), **headers})
