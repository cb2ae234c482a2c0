"""An evaluator for ODRL 2.2: may this party do that to this asset, in this world? Default no. Pure.

A permission of a Set or an Agreement gives where its action, target and assignee fit, all its constraints hold and its
duties are fulfilled. A prohibition stands where it fits and no constraint of it is known to fail: what is not known
never permits. Where both meet in one policy its conflict strategy decides; between policies a prohibition stands.
Sources: ODRL Information Model 2.2, sections 2.5 to 2.9 (rules, duties, inheritance, conflict), and the cases of the
ODRL Test Suite of SolidLab (MIT licence).
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from holdback_base.vocabulary import Noun

from holdback_servers.rights.interchange.odrl_comparing import State, all_of, holds
from holdback_servers.rights.interchange.odrl_model import Asset, Duty, Party, Policy, Rule, with_inherited
from holdback_servers.rights.interchange.odrl_terms import PROFILES, action_within, usual

Verdict = Literal["permitted", "prohibited", "not_permitted"]


class Request(Noun):
    """Who wants to do what to which asset; action in short form, asset and party by IRI."""

    action: str
    target: str
    assignee: str | None = None


class Finding(Noun):
    """What one rule says to a request. `active`: a permission gives, a prohibition stands, an obligation binds.

    `to_do` are the duties that are left, each by its key and its words.
    """

    policy: str
    rule: str
    kind: str
    active: bool
    reason: str
    to_do: tuple[str, ...] = ()


class Evaluation(Noun):
    """The answer, why, and what each rule says. `to_do` is what would still have to be done for a yes."""

    verdict: Verdict
    reason: str
    findings: tuple[Finding, ...]
    to_do: tuple[str, ...] = ()


def evaluate(policies: Sequence[Policy], request: Request, state: State) -> Evaluation:
    """Decide a request over all policies.

    Raises Problem INVALID_ARGUMENT for inheritance in a circle or from a policy that is not there.
    """
    findings: list[Finding] = []
    verdicts: list[tuple[Verdict, str]] = []
    for policy in with_inherited(policies):
        found = [_finding(policy, rule, request, state) for rule in policy.rules]
        findings += found
        verdicts.append(_verdict(policy, found))
    to_do = tuple(sorted({each for found in findings for each in found.to_do if found.kind == "permission"}))
    for wanted in ("prohibited", "permitted"):
        for verdict, reason in verdicts:
            if verdict == wanted:
                return Evaluation(verdict=verdict, reason=reason, findings=tuple(findings))
    voided = [reason for _, reason in verdicts if "void" in reason]
    reason = voided[0] if voided else "No permission gives it."
    return Evaluation(verdict="not_permitted", reason=reason, findings=tuple(findings), to_do=to_do)


def _verdict(policy: Policy, found: Sequence[Finding]) -> tuple[Verdict, str]:
    given = [each for each in found if each.kind == "permission" and each.active]
    against = [each for each in found if each.kind == "prohibition" and each.active]
    unknown = sorted(set(policy.profiles) - PROFILES)
    if unknown and not against:
        return "not_permitted", f"Policy {policy.uid} follows the profile {unknown[0]}, which is not understood."
    if given and against:
        if policy.conflict == "perm":
            return "permitted", f"{given[0].reason} Policy {policy.uid} lets permissions win."
        if policy.conflict != "prohibit":
            return "not_permitted", f"Policy {policy.uid} permits and prohibits it at once, which makes it void."
    if against:
        return "prohibited", against[0].reason
    return ("permitted", given[0].reason) if given else ("not_permitted", "No permission gives it.")


def _finding(policy: Policy, rule: Rule, request: Request, state: State) -> Finding:
    zone = policy.detail("timeZone") or "UTC"
    fits = _fits(policy, rule, request, state, zone)
    named = f"{rule.text()} of policy {policy.uid}"
    if rule.kind == "obligation":
        left = () if fits is False or _fulfilled(rule, state) else (_words(rule),)
        why = "is about something else" if fits is False else "binds"
        return _found(policy, rule, fits is not False, f"{named} {why}.", left)
    failing = _failing(rule, state, zone)
    if rule.kind == "prohibition":
        stands = fits is not False and all_of([known for _, known in failing]) is not False
        why = "stands against it" if stands else _why_not(fits, failing)
        return _found(policy, rule, stands, f"{named} {why}.")
    if fits is not True or failing:
        return _found(policy, rule, False, f"{named} {_why_not(fits, failing)}.")
    if policy.type == "Offer":
        return _found(policy, rule, False, f"{named} is offered, not agreed.")
    left = tuple(f"{each.key()}: {_words(each)}" for each in rule.duties if not _done(each, state))
    broken = [each for each in rule.duties if each.key() in state.violated and not _done(each, state)]
    if left and not (state.duties_may_follow and not broken):
        return _found(policy, rule, False, f"{named} waits for its duties.", left)
    return _found(policy, rule, True, f"{named} gives it.", left)


def _found(policy: Policy, rule: Rule, active: bool, reason: str, to_do: Iterable[str] = ()) -> Finding:
    return Finding(policy=policy.uid, rule=rule.key(), kind=rule.kind, active=active, reason=reason, to_do=tuple(to_do))


def _fits(policy: Policy, rule: Rule, request: Request, state: State, zone: str) -> bool | None:
    return all_of(
        [
            _fits_action(rule, request),
            _fits_thing(rule.target, request.target, policy, state, zone),
            _fits_thing(rule.assignee, request.assignee, policy, state, zone),
        ]
    )


def _fits_action(rule: Rule, request: Request) -> bool:
    """A permission to play permits to display; a prohibition to display stands against whoever would play as well."""
    if rule.action is None:
        return True
    asked, named = usual(request.action), rule.action.term
    return action_within(asked, named) or (rule.kind == "prohibition" and action_within(named, asked))


def _fits_thing(thing: Asset | Party | None, asked: str | None, policy: Policy, state: State, zone: str) -> bool | None:
    if thing is None or (thing.uid is None and not thing.refinements):
        return True
    if asked is None or thing.uid is None:
        return None
    around = {asked} | state.part_of.get(asked, frozenset())
    around |= {above for each in policy.assets if each.uid == asked for above in each.part_of}
    return all_of([thing.uid in around, *(holds(each, state, zone) for each in thing.refinements)])


def _failing(rule: Rule, state: State, zone: str) -> list[tuple[str, bool | None]]:
    """Constraints that are not known to hold, each with whether it is known to fail."""
    refinements = rule.action.refinements if rule.action else ()
    judged = ((each.text(), holds(each, state, zone)) for each in (*rule.constraints, *refinements))
    return [(text, known) for text, known in judged if known is not True]


def _why_not(fits: bool | None, failing: Sequence[tuple[str, bool | None]]) -> str:
    if fits is False:
        return "is about something else"
    failed = [text for text, known in failing if known is False]
    if failed:
        return f"does not apply: {failed[0]} does not hold"
    unknown = failing[0][0] if failing else "who or what is asked about"
    return f"is not known to apply: the world does not say {unknown}"


def _done(duty: Duty, state: State) -> bool:
    """Fulfilled; after a violation only with all its consequences fulfilled as well."""
    if duty.key() not in state.fulfilled:
        return False
    return duty.key() not in state.violated or all(_done(each, state) for each in duty.consequences)


def _fulfilled(rule: Rule, state: State) -> bool:
    return rule.key() in state.fulfilled


def _words(duty: Duty | Rule) -> str:
    action = duty.action.term if duty.action else "something"
    limits = ", ".join(each.text() for each in (*duty.constraints, *(duty.action.refinements if duty.action else ())))
    return f"{action} ({limits})" if limits else action
