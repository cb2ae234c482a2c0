"""The scheduler: finds, holds and commits the slots in which a cleared and approved cut is published."""

from holdback_agents.contracts import CommitRequest, PublicationRequest
from holdback_agents.runtime.agent import Agent, Skill, packed_card
from holdback_agents.scheduler.request import chosen_skill, parse_commit_request, parse_publication_request
from holdback_agents.scheduler.workflow import commit_publication, plan_publication


def scheduler() -> Agent:
    """The agent, with the card that travels with the program."""
    return Agent(
        name="scheduler",
        card=packed_card("scheduler"),
        skills=(
            Skill(
                id="plan-publication",
                request=PublicationRequest,
                workflow=plan_publication,
                words=parse_publication_request,
            ),
            Skill(
                id="commit-publication",
                request=CommitRequest,
                workflow=commit_publication,
                words=parse_commit_request,
            ),
        ),
        choose=chosen_skill,
    )
