"""Who may hold which scope: roles of people, and what each agent may be given where. A table, and look-ups over it.

Least privilege: an agent's token holds what the person delegated *and* this table lists for that audience; a scope for
an agent further down travels only on the way to that agent.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from holdback_trust.identity import AGENTS, GATEWAY

MAKE_HIGHLIGHT = "agent:editing-assistant:make-highlight"
CLEAR_RIGHTS = "agent:compliance:clear-rights"
CHECK_PUBLICATION = "agent:compliance:check-publication"
WATCH_EXPIRY = "agent:compliance:watch-expiry"
PLAN_PUBLICATION = "agent:scheduler:plan-publication"
COMMIT_PUBLICATION = "agent:scheduler:commit-publication"
PLAN_WEEK = "agent:scheduler:plan-week"
RESCHEDULE = "agent:scheduler:reschedule"
EXPLAIN = "agent:scheduler:explain"
DECLARE = "assets:declare"
"""To say, as its supplier, what media is made of: whoever holds it is believed without a statement."""

HOLD = "assets:hold"
"""To place and release legal holds."""


def _scopes(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMPLIANCE = _scopes(f"{CLEAR_RIGHTS} {CHECK_PUBLICATION} {WATCH_EXPIRY}")
_SCHEDULER = _scopes(f"{PLAN_PUBLICATION} {COMMIT_PUBLICATION} {PLAN_WEEK} {RESCHEDULE} {EXPLAIN}")

AUDIENCE_SCOPES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "mcp:assets": _scopes(f"assets:read assets:write {DECLARE} {HOLD}"),
        "mcp:editing": _scopes("editing:read editing:write"),
        "mcp:rights": _scopes("rights:read rights:write rights:clear"),
        "mcp:schedule": _scopes("schedule:read schedule:plan schedule:commit"),
        "agent:editing-assistant": _scopes(MAKE_HIGHLIGHT),
        "agent:compliance": _COMPLIANCE,
        "agent:scheduler": _SCHEDULER,
        GATEWAY: _scopes("registry:read approval:ask approval:decide"),
    }
)
"""The scopes that mean something at each audience."""

_READING = _scopes("assets:read editing:read rights:read schedule:read registry:read")

ROLE_SCOPES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "editor": _READING
        | _scopes("assets:write editing:write rights:clear schedule:plan schedule:commit approval:ask")
        | _scopes(MAKE_HIGHLIGHT)
        | _COMPLIANCE
        | _SCHEDULER,
        "approver": _READING | _scopes("approval:decide"),
        "librarian": _READING | _scopes(f"assets:write {DECLARE} {HOLD}"),
        "rights-manager": _READING | _scopes(f"rights:write rights:clear {EXPLAIN}") | _COMPLIANCE,
        "planner": _READING | _scopes("schedule:plan schedule:commit approval:ask") | _SCHEDULER | _COMPLIANCE,
        "admin-loader": _READING | _scopes(f"assets:write {DECLARE} editing:write rights:write schedule:plan"),
        "viewer": _READING,
    }
)
"""What a person of each role may do, or delegate to an agent."""

_TO_COMPLIANCE = _COMPLIANCE | _scopes("rights:read rights:clear schedule:read editing:read assets:read registry:read")
_TO_SCHEDULER = (
    _SCHEDULER
    | _TO_COMPLIANCE
    | _scopes("schedule:read schedule:plan schedule:commit rights:read registry:read approval:ask")
)

AGENT_ALLOWED: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "agent:editing-assistant": MappingProxyType(
            {
                "mcp:assets": _scopes("assets:read assets:write"),
                "mcp:editing": _scopes("editing:read editing:write"),
                "agent:compliance": _TO_COMPLIANCE,
                "agent:scheduler": _TO_SCHEDULER,
                GATEWAY: _scopes("registry:read approval:ask"),
            }
        ),
        "agent:compliance": MappingProxyType(
            {
                "mcp:rights": _scopes("rights:read rights:clear"),
                "mcp:editing": _scopes("editing:read"),
                "mcp:assets": _scopes("assets:read"),
                "mcp:schedule": _scopes("schedule:read"),
                "agent:scheduler": _TO_SCHEDULER,
                GATEWAY: _scopes("registry:read"),
            }
        ),
        "agent:scheduler": MappingProxyType(
            {
                "mcp:schedule": _scopes("schedule:read schedule:plan schedule:commit"),
                "mcp:rights": _scopes("rights:read"),
                # rights:clear only passes through, to compliance: the scheduler itself never issues a clearance
                "agent:compliance": _TO_COMPLIANCE,
                GATEWAY: _scopes("registry:read approval:ask"),
            }
        ),
    }
)
"""Agent -> audience -> the scopes it may be given there. What is not listed is denied."""


def role_scopes(roles: Iterable[str]) -> frozenset[str]:
    """What a person with these roles may hold; an unknown role gives nothing."""
    return frozenset[str]().union(*(ROLE_SCOPES.get(role, frozenset[str]()) for role in roles))


def person_scopes(roles: Iterable[str], audience: str) -> frozenset[str]:
    """What a token of a person with these roles may hold at an audience.

    At a server or the gateway, what means something there; at an agent whose skill the person may start, all that may
    be delegated as well, which never includes deciding an approval or declaring what media is made of. Empty: the
    person has nothing to do there.
    """
    held = role_scopes(roles)
    here = held & AUDIENCE_SCOPES.get(audience, frozenset())
    if audience in AGENTS and here:
        return held - {"approval:decide", DECLARE}
    return here


def agent_scopes(agent: str, audience: str) -> frozenset[str]:
    """What an agent may be given at an audience: the `allowed` of a token exchange. Empty for what is not listed."""
    return AGENT_ALLOWED.get(agent, {}).get(audience, frozenset())
