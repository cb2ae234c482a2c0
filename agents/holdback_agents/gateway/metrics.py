"""Requests by route and status, as Prometheus text."""

from collections import Counter


class Requests:
    """Counts requests; routes are names of the house, never what a client made up."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int]] = Counter()

    def count(self, route: str, status: int) -> None:
        """One request that ended with the status."""
        self._counts[route, status] += 1

    def text(self) -> str:
        """The Prometheus exposition format, version 0.0.4."""
        lines = [
            "# HELP holdback_gateway_requests_total Requests by route and status.",
            "# TYPE holdback_gateway_requests_total counter",
        ]
        lines += [
            f'holdback_gateway_requests_total{{route="{route}",status="{status}"}} {count}'
            for (route, status), count in sorted(self._counts.items())
        ]
        return "\n".join(lines) + "\n"
