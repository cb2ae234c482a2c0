"""Who may hold which scope, and what each task may use. Tables, and look-ups over them.

Roles of people, what each agent may be given where, and the plan of each skill.

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

GUARD = "guardian:act"
"""To suspend, restore and stop agents; a person only."""


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
        GATEWAY: _scopes(f"registry:read approval:ask approval:decide {GUARD}"),
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
        "security": _READING | _scopes(GUARD),
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
    be delegated as well, which never includes deciding an approval, acting as guardian or declaring what media is
    made of. Empty: the person has nothing to do there.
    """
    held = role_scopes(roles)
    here = held & AUDIENCE_SCOPES.get(audience, frozenset())
    if audience in AGENTS and here:
        return held - {"approval:decide", DECLARE, GUARD}
    return here


def agent_scopes(agent: str, audience: str) -> frozenset[str]:
    """What an agent may be given at an audience: the `allowed` of a token exchange. Empty for what is not listed."""
    return AGENT_ALLOWED.get(agent, {}).get(audience, frozenset())


_EVERY = _scopes("registry.read")

_CLEARING = _scopes("rights.check_clearance rights.issue_clearance assets.get_asset")
_PROVING = _scopes("editing.prove_conditions editing.get_job editing.cancel_job")
_CHECKING = _scopes("rights.get_clearance rights.check_clearance schedule.get_schedule assets.get_asset")

AGENT_PLANS: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "agent:editing-assistant": MappingProxyType(
            {
                "make-highlight": _EVERY
                | _scopes("assets.search_assets assets.get_asset assets.list_segments assets.get_curves")
                | _scopes("assets.register_version editing.create_timeline editing.revise_timeline")
                | _scopes("editing.suggest_reframe editing.render_timeline editing.export_timeline")
                | _scopes("editing.get_job editing.cancel_job approval.ask")
                | _scopes("clear-rights plan-publication commit-publication"),
            }
        ),
        "agent:compliance": MappingProxyType(
            {
                "clear-rights": _EVERY | _CLEARING | _PROVING,
                "check-publication": _EVERY | _CHECKING,
                "watch-expiry": _EVERY | _CHECKING | _scopes("rights.report_expiring reschedule"),
            }
        ),
        "agent:scheduler": MappingProxyType(
            {
                "plan-publication": _EVERY
                | _scopes("schedule.propose_slots schedule.hold_slot schedule.cancel_publication rights.get_clearance"),
                "commit-publication": _EVERY
                | _scopes("schedule.commit_publication schedule.cancel_publication schedule.export_schedule")
                | _scopes("rights.get_clearance check-publication"),
                "plan-week": _EVERY
                | _scopes("schedule.plan_publications schedule.hold_plan schedule.get_job schedule.cancel_job")
                | _scopes("rights.get_clearance"),
                "reschedule": _EVERY
                | _scopes("schedule.plan_changes schedule.apply_changes schedule.get_schedule rights.get_clearance")
                | _scopes("approval.ask clear-rights"),
                "explain": _EVERY | _scopes("schedule.explain_slot rights.get_clearance"),
            }
        ),
    }
)
"""Agent -> skill -> the capabilities and skills that the work takes: all that a task of it may use. A scope opens a
kind of thing, a plan says which tools of it; what a fooled agent is talked into is in neither."""


def plan(agent: str, skill: str) -> frozenset[str]:
    """What an agent may use for a skill: the `tools` of its task. Empty for what is not listed, and so of no use."""
    return AGENT_PLANS.get(agent, {}).get(skill, frozenset())
