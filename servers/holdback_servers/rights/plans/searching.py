"""The search: candidates ranked by what they cost, the best of them decided again. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from holdback_servers.rights.book import Book
from holdback_servers.rights.clearance import Decision, decide
from holdback_servers.rights.plans.candidates import Candidate, candidates
from holdback_servers.rights.plans.costs import ASK, cost_of
from holdback_servers.rights.remedies import Decide, clears
from holdback_servers.rights.remedies.telling import ask_remedy, asked_remedies
from holdback_servers.rights.report import Plan, ReasonCode, RemedyKind
from holdback_servers.rights.ways import findings, in_the_way, questions, rights_in_the_way

OFFERED = 3
"""Plans in an answer; one that buys a right and one for which a person has to do something may come on top."""
_TRIED, _BOUGHT = 8, 3
"""Candidates decided again, and more of them that buy a right."""
_LOOKS, _FEWEST = 12_000, 8
"""Cells looked at in all while searching, and candidates looked at however many cells there are."""
_LIMITED: dict[ReasonCode, RemedyKind] = {
    "RUNS_EXHAUSTED": "fewer_runs",
    "LANGUAGE_NOT_LICENSED": "drop_language",
    "WINDOW_LIMIT": "end_earlier",
}


def plans(
    decision: Decision, books: Mapping[str, Book], offered: int = OFFERED, decide_again: Decide = decide
) -> tuple[Plan, ...]:
    """Up to `offered` plans, the cheapest first, then one that buys a right where that would help and none of them
    does, then one for which a person has to do something: record an event, give an approval. None when all is clear.
    When nothing else clears, one plan says whom to ask about what.

    Args:
        decide_again: how the decision was made; without a cut its conditions are told, not judged.
    """
    if decision.clear or not (in_the_way(decision) or decision.cuts):
        return ()
    ranked = sorted(_candidates(decision, books, decide_again), key=_rank)
    distinct = list({each.remedies: each for each in reversed(ranked) if each.remedies}.values())[::-1]
    free = [each for each in distinct if not each.asks]
    made: list[Candidate] = []

    def verified(found: Iterable[Candidate], most: int) -> None:
        for each in found:
            if len(made) >= most:
                return
            if not any(map(each.is_beaten, made)) and clears(decision, each.remedies, books, decide_again):
                made.append(each)

    verified(free[:_TRIED], offered)
    if not any(each.buys for each in made):
        verified([each for each in free if each.buys][:_BOUGHT], len(made) + 1)
    doing = [each for each in distinct if each.asks == "do" and not any(map(each.is_beaten, made))]
    asking = [] if made or doing else [each for each in distinct if each.asks == "ask"]
    told = tuple(each.plan() for each in [*made, *doing[:1], *asking[:1]])
    return told or (_ask_about_everything(decision),)


def _rank(candidate: Candidate) -> tuple[int, int, list[str]]:
    return candidate.cost, candidate.question, [each.text for each in candidate.remedies]


def _candidates(decision: Decision, books: Mapping[str, Book], decide_again: Decide) -> Iterator[Candidate]:
    asked = questions(decision)
    blame: dict[RemedyKind, tuple[str, ...]] = {}
    for _, finding in findings(decision) if len(asked) > 1 else ():
        if finding.entry and (kind := _LIMITED.get(finding.code)):
            blame[kind] = tuple(sorted({*blame.get(kind, ()), finding.entry.id}))
    looks = max(_FEWEST, _LOOKS // (len(decision.rows) * len(decision.columns) * len(asked)))
    for number, question in enumerate(asked):
        turned = tuple(asked_remedies(decision.asked, question, blame))
        smaller = decide_again(question, decision.cuts, books) if turned else decision
        cost = sum(cost_of(each, decision) for each in turned)
        for each in candidates(smaller, looks):
            yield replace(each, remedies=turned + each.remedies, cost=cost + each.cost, question=number)


def _ask_about_everything(decision: Decision) -> Plan:
    blame = rights_in_the_way(decision)
    remedies = tuple(ask_remedy(ref, decision, blame.get(ref, ())) for ref in in_the_way(decision))
    return Plan(
        remedies=remedies,
        verified=False,
        cost=ASK * len(remedies),
        territories=decision.asked.territories,
        platforms=decision.asked.platforms,
    )
