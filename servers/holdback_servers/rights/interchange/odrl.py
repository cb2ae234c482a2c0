"""ODRL 2.2 comes in: policies as JSON-LD or Turtle become contracts and rights, or mistakes that name the rule.

An Agreement is an active contract, an Offer a pending one, a Set a draft: only what is agreed clears. A permission to
show (use, play, display, present, stream, distribute) is a grant, which may be re-edited where the same permission
allows to derive or modify; a prohibition is a blackout; a duty is a condition. Training has a name of its own
(`tdm:mine`, or the purpose). What no right can hold is a mistake where leaving it out would give more, else a loss.
"""

from collections.abc import Sequence

from holdback_base.problem import Problem

from holdback_servers.rights.interchange.batch import Batch, Format, ImportedContract, ImportedRight, Remark
from holdback_servers.rights.interchange.odrl_contracts import SEPARATOR, contracts_of, key_of
from holdback_servers.rights.interchange.odrl_graph import is_json
from holdback_servers.rights.interchange.odrl_model import Policy, with_inherited
from holdback_servers.rights.interchange.odrl_parsing import read_policies
from holdback_servers.rights.interchange.odrl_rights import rights_of
from holdback_servers.rights.interchange.odrl_terms import PROFILES


def read(data: bytes, name: str) -> Batch:
    """All that the policies of a file say. Each policy is the full extract of its own rights.

    Raises Problem INVALID_ARGUMENT for a file that is no JSON-LD or Turtle, takes a context from elsewhere, is nested
    too deep or holds no policy; TOO_LARGE beyond the limits. Every other mistake is in the batch.
    """
    reading = read_policies(data, name)
    mistakes, losses = list(reading.mistakes), list(reading.losses)
    contracts: list[ImportedContract] = []
    rights: list[ImportedRight] = []
    if not mistakes:
        for policy in _inherited(reading.policies, mistakes):
            unknown = sorted(set(policy.profiles) - PROFILES)
            if unknown:
                hint = "Holdback knows ODRL, RightsML, TDMRep and its own profile; write the terms in those."
                message = f"The profile {unknown[0]} is not known, and its terms may limit the rules."
                mistakes.append(Remark(place=f"policy {policy.uid}", message=message, hint=hint))
                continue
            given = contracts_of(policy, mistakes)
            found = rights_of(policy, mistakes, losses) if given else []
            used = {each.contract for each in found}
            contracts += [each for each in given if each.key in used or each.key == key_of(policy)]
            rights += found
    form: Format = "odrl_jsonld" if is_json(data.decode("utf-8-sig", "replace"), name) else "odrl_turtle"
    return Batch(
        format=form,
        contracts=tuple(contracts),
        rights=tuple(rights),
        replaces=tuple(key_of(each) + SEPARATOR for each in reading.policies),
        mistakes=tuple(dict.fromkeys(mistakes)),
        losses=tuple(dict.fromkeys(losses)),
    )


def odrl_policies(data: bytes, name: str) -> tuple[Policy, ...]:
    """The policies of a file, written out, with what they inherit: for the evaluator.

    Raises Problem as `read` does, and INVALID_ARGUMENT naming the first mistake, with all of them in its details.
    """
    reading = read_policies(data, name)
    if reading.mistakes:
        first = reading.mistakes[0]
        told = [f"{each.place}: {each.message}" for each in reading.mistakes]
        raise Problem("INVALID_ARGUMENT", f"{first.place}: {first.message}", first.hint, mistakes=told)
    return with_inherited(reading.policies)


def _inherited(policies: Sequence[Policy], mistakes: list[Remark]) -> Sequence[Policy]:
    try:
        return with_inherited(policies)
    except Problem as problem:
        mistakes.append(Remark(place="inheritFrom", message=problem.message, hint=problem.hint))
        return ()
