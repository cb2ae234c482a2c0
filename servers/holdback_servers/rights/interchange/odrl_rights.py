"""The rules of a policy become rights. Pure."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from holdback_base.elements import is_ref
from holdback_base.problem import Problem
from pydantic import ValidationError

from holdback_servers.rights.interchange.batch import ImportedRight, Remark
from holdback_servers.rights.interchange.odrl_alternatives import conjunctions
from holdback_servers.rights.interchange.odrl_contracts import (
    SEPARATOR,
    key_of,
    refused,
    remark,
    reservation_key,
    shortened,
)
from holdback_servers.rights.interchange.odrl_duties import condition_of, is_exclusive, words
from holdback_servers.rights.interchange.odrl_meeting import meet
from holdback_servers.rights.interchange.odrl_model import Asset, Policy, Rule
from holdback_servers.rights.interchange.odrl_own import own_terms
from holdback_servers.rights.interchange.odrl_scope import Scope
from holdback_servers.rights.interchange.odrl_terms import action_within
from holdback_servers.rights.interchange.odrl_values import names_no_zone
from holdback_servers.rights.model import (
    ContractTerms,
    Right,
    RightTerms,
    contract_on_record,
    right_on_record,
)

EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The start of a grant whose policy names none: before any use that is asked about."""
SHOWS: Final = frozenset({"use", "play", "display", "present", "stream", "distribute", "cc:Distribution"})
ADAPTS: Final = frozenset({"use", "derive", "modify", "cc:DerivativeWorks"})
TRAINS: Final = frozenset({"tdm:mine", "holdback:train"})
_MOST_PAIRS: Final = 1_000_000
_BEYOND: Final = frozenset({"reproduce", "cc:Reproduction", "cc:Sharing", "cc:CommercialUse"})
_STOPS: Final = SHOWS | _BEYOND


def rights_of(policy: Policy, mistakes: list[Remark], losses: list[Remark]) -> list[ImportedRight]:
    """The rights of a policy whose inheritance is resolved; what is wrong and what is lost is added to the lists."""
    work = _Work(policy, mistakes, losses)
    for rules in _alike(each for each in policy.rules if each.kind == "permission"):
        work.permission(rules)
    for rule in policy.rules:
        if rule.kind == "prohibition":
            work.prohibition(rule)
        elif rule.kind == "obligation":
            work.lose(rule, "An obligation of the policy is not decided by.")
    work.contradictions()
    return work.rights


def _alike(rules: Iterable[Rule]) -> list[list[Rule]]:
    """Permissions that differ in their action only: together they say whether what is shown may be re-edited."""
    groups: dict[str, list[Rule]] = {}
    for rule in rules:
        refinements = rule.action.refinements if rule.action else ()
        same = rule.model_copy(update={"uid": None, "action": None, "constraints": (*rule.constraints, *refinements)})
        groups.setdefault(same.key(), []).append(rule)
    return list(groups.values())


class _Work:
    """One policy on its way to rights."""

    def __init__(self, policy: Policy, mistakes: list[Remark], losses: list[Remark]) -> None:
        self._policy, self._mistakes, self._losses = policy, mistakes, losses
        self._zone = policy.detail("timeZone") or "UTC"
        self.rights: list[ImportedRight] = []
        self._records: list[tuple[Right, frozenset[str]]] = []

    def permission(self, rules: Sequence[Rule]) -> None:
        """The grant that permissions alike give together."""
        rule = next((each for each in rules if _term(each) in SHOWS), rules[0])
        actions = {_term(each) for each in rules}
        if "" in actions:
            self._wrong(rule, "The permission has no action.", "Say what is permitted, such as distribute.")
            return
        if not actions & (SHOWS | TRAINS):
            self.lose(rule, f"Permits {', '.join(sorted(actions))} only, which gives nothing that is decided here.")
            return
        conditions = self._conditions(rule)
        for index, scope in enumerate(self._scopes(rule, gives=True)):
            fields: dict[str, Any] = scope | {"kind": "grant", "conditions": conditions, "exclusive": _exclusive(rule)}
            fields["derivative_allowed"] = bool(actions & ADAPTS)
            if not {"start", "first_day", "start_event"} & set(fields):
                fields["start"] = EVER
            shown = bool(actions & SHOWS)
            if shown:
                self._add(rule, fields, index, actions)
            if actions & TRAINS and (not fields.get("purposes") or "training" in fields["purposes"]):
                training = fields | {"purposes": ("training",)}
                self._add(rule, training, index, actions, "training" if shown else "")

    def prohibition(self, rule: Rule) -> None:
        """The blackout, holdback or embargo that a prohibition is."""
        term = _term(rule)
        if term in ADAPTS - SHOWS:
            self._unedited(rule)
            return
        if term and term not in _STOPS | TRAINS:
            self.lose(rule, f"Prohibits {term}, which is not decided here.")
            return
        if rule.duties:
            self.lose(rule, "A remedy is not kept: the prohibition stands in any case.")
        if self._policy.conflict == "perm":
            self.lose(rule, "The policy lets permissions win; the prohibition is kept, which is stricter.")
        if term in _BEYOND:
            self.lose(rule, f"Whether a use is {term} is not known here: the prohibition stands against every use.")
        reserves = term in TRAINS and self._policy.type != "Agreement" and self._policy.detail("status") is None
        if self._policy.type != "Agreement" and not reserves:
            self.lose(rule, f"A prohibition of {_article(self._policy.type)} binds once it is agreed.")
        for index, scope in enumerate(self._scopes(rule, gives=False)):
            purposes = {"purposes": ("training",)} if term in TRAINS else {}
            self._add(rule, {"kind": "blackout"} | scope | purposes, index, {term}, reserves=reserves)

    def contradictions(self) -> None:
        """Tell permissions and prohibitions that meet where the policy does not say which wins: it is void then."""
        if self._policy.conflict in ("perm", "prohibit"):
            return
        gives = [each for each in self._records if each[0].kind in ("grant", "licence_out")]
        against = [each for each in self._records if each[0].kind not in ("grant", "licence_out")]
        if len(gives) * len(against) > _MOST_PAIRS:
            message = f"It has {len(gives)} permissions and {len(against)} prohibitions and no conflict strategy."
            hint = 'Add "conflict": "prohibit" (or "perm"): so many are not compared one by one.'
            self._mistakes.append(remark(f"policy {self._policy.uid}", message, hint))
            return
        for given, permitted in gives:
            for stands, prohibited in against:
                if _overlap(permitted, prohibited) and meet(given, stands):
                    self._mistakes.append(
                        remark(
                            f"policy {self._policy.uid}",
                            f"It permits and prohibits {given.ref} at once and does not say which wins: it is void.",
                            'Add "conflict": "prohibit" (or "perm"), or keep the two apart.',
                        )
                    )
                    return

    def lose(self, rule: Rule, message: str) -> None:
        """Note what is not kept of a rule."""
        self._losses.append(remark(self._place(rule), message, ""))

    def _wrong(self, rule: Rule, message: str, hint: str) -> None:
        self._mistakes.append(remark(self._place(rule), message, hint))

    def _place(self, rule: Rule) -> str:
        return f"policy {self._policy.uid} / {rule.text()}"

    def _conditions(self, rule: Rule) -> tuple[dict[str, Any], ...]:
        found: list[dict[str, Any]] = []
        for duty in rule.duties:
            if is_exclusive(duty, rule):
                continue
            condition = condition_of(duty)
            if condition is None:
                self._wrong(rule, "The duty to attribute does not say to whom.", "Give it an attributedParty.")
                continue
            if duty.consequences:
                self.lose(rule, f"The consequence of {words(duty)} is not kept.")
            found.append(condition)
        return tuple(found)

    def _scopes(self, rule: Rule, *, gives: bool) -> list[dict[str, Any]]:
        """Each conjunction of the rule's constraints as fields of a right."""
        self._narrowed(rule, gives=gives)
        found: list[dict[str, Any]] = []
        refinements = rule.action.refinements if rule.action else ()
        for conjunction in conjunctions(
            (*rule.constraints, *refinements), lambda text: self._unsaid(rule, text, gives=gives)
        ):
            if any(each.left == "dateTime" and any(map(names_no_zone, each.right)) for each in conjunction) and (
                self._policy.detail("timeZone") is None
            ):
                self.lose(rule, "Its days name no zone and are read in UTC.")
            scope = Scope(conjunction, self._zone, gives=gives)
            for each in scope.unsaid:
                self._unsaid(rule, each.text(), gives=gives)
            fields = scope.terms()
            if scope.refused is not None:
                self._wrong(rule, *scope.refused)
                continue
            if scope.contradicted:
                self._wrong(rule, f"The rule can never apply: {scope.contradicted}.", "Correct its constraints.")
                continue
            found.append(fields)
        return found

    def _narrowed(self, rule: Rule, *, gives: bool) -> None:
        """What the rule's target and parties are narrowed by, which a right cannot say."""
        for thing in (rule.target, rule.assignee, rule.assigner):
            for each in thing.refinements if thing else ():
                self._unsaid(rule, each.text(), gives=gives)

    def _unsaid(self, rule: Rule, text: str, *, gives: bool) -> None:
        if gives:
            self._wrong(
                rule,
                f"No right can say {text!r}, and without it more would be permitted.",
                "Use dateTime, spatial, deliveryChannel, purpose, language, event, count, percentage or elapsedTime, "
                "with values that Holdback knows, or leave the permission out.",
            )
        else:
            self.lose(rule, f"{text} is not kept: the prohibition stands more widely.")

    def _unedited(self, rule: Rule) -> None:
        """A prohibition to modify: what this policy grants may not be re-edited."""
        ref = _ref(rule.target)
        for index, each in enumerate(self.rights):
            if ref in (None, each.terms.ref):
                self.rights[index] = each.model_copy(
                    update={"terms": each.terms.model_copy(update={"derivative_allowed": False})}
                )
        self.lose(rule, "Nothing granted by this policy may be re-edited; other contracts are not touched.")

    def _add(
        self,
        rule: Rule,
        fields: dict[str, Any],
        index: int,
        actions: Iterable[str],
        suffix: str = "",
        *,
        reserves: bool = False,
    ) -> None:
        for ref, asset in self._refs(rule):
            parts = [key_of(self._policy), shortened(rule.key(), 40)] + ([ref] if rule.uid else [])
            parts += ([str(index + 1)] if index else []) + ([suffix] if suffix else [])
            key = shortened(SEPARATOR.join(parts), 200)
            contract = reservation_key(self._policy) if reserves else key_of(self._policy)
            shares = {"work_seconds": asset.work_seconds} if "max_excerpt_percent" in fields else {}
            try:
                terms = RightTerms.model_validate({"ref": ref} | fields | shares | own_terms(rule))
                standing = ContractTerms(
                    counterparty="-",
                    direction="out" if self._policy.detail("direction") == "out" else "in",
                    status="active",
                    time_zone=self._zone,
                )
                record = right_on_record(key, terms, contract_on_record(contract, standing))
                self._records.append((record, frozenset(actions)))
            except (Problem, ValidationError) as error:
                self._mistakes.append(refused(self._place(rule), error))
                continue
            self.rights.append(ImportedRight(key=key, contract=contract, terms=terms, place=self._place(rule)))

    def _refs(self, rule: Rule) -> list[tuple[str, Asset]]:
        """The references that the target names: itself, or the members of the collection that the file lists."""
        target = rule.target
        if target is None:
            self._wrong(rule, "The rule has no target.", "Say what it is about.")
            return []
        ref = _ref(target)
        if ref is not None:
            return [(ref, target)]
        inside = [(found, each) for each in self._policy.assets if target.uid in each.part_of and (found := _ref(each))]
        if not inside:
            given = target.uid or "without uid"
            self._wrong(
                rule,
                f"The target {given} is not an element reference of Holdback.",
                'Name it as kind:name, or add "holdback:ref": "film:its-name" to the asset.',
            )
        return sorted(inside, key=lambda each: each[0])


def _overlap(permitted: frozenset[str], prohibited: frozenset[str]) -> bool:
    """Whether an action that is permitted is one that is prohibited, or one of both includes the other."""
    return any(
        not one or not other or action_within(one, other) or action_within(other, one)
        for one in permitted
        for other in prohibited
    )


def _exclusive(rule: Rule) -> bool:
    return rule.detail("exclusive") == "true" or any(is_exclusive(each, rule) for each in rule.duties)


def _ref(asset: Asset | None) -> str | None:
    if asset is None:
        return None
    return next((each for each in (asset.ref, asset.uid) if each and is_ref(each)), None)


def _term(rule: Rule) -> str:
    return rule.action.term if rule.action else ""


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "AO" else f"a {kind}"
