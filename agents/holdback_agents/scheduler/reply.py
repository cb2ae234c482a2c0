"""Turns what the schedule answered into the scheduler's parts. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from holdback_agents.contracts import Publication, PublicationPlan, Slot
from holdback_agents.publishing_parts import RuleKept, SlotExplanation


def slot_of(channel: Mapping[str, Any], best: Mapping[str, Any], hold: Mapping[str, Any]) -> Slot:
    """A held slot, from a channel's proposal, its best slot, and the hold on it."""
    refused: Sequence[Mapping[str, Any]] = channel.get("refused", ())
    left_out: Sequence[Mapping[str, Any]] = channel.get("left_out", ())
    return Slot(
        hold=hold["id"],
        channel=channel["channel"],
        platform=channel["platform"],
        start=best["start"],
        local_start=best["local_start"],
        availability=best["availability"],
        expires=hold["expires"],
        score=best["score"],
        reasons=tuple(best["reasons"]),
        refused=_better_one(refused[0]) if refused else "",
        left_out=tuple(f"{', '.join(each['territories'])}: {each['reason']}" for each in left_out),
    )


def free_slots(channel: Mapping[str, Any]) -> dict[str, Any]:
    """A channel's proposal with only those slots that displace nothing; a better one that would is told as refused."""
    free = [each for each in channel["slots"] if not each.get("displaces")]
    first: Mapping[str, Any] = channel["slots"][0] if channel["slots"] else {}
    refused = list(channel.get("refused", ()))
    if first.get("displaces"):
        names = ", ".join(f"{each['title']!r}" for each in first["displaces"])
        reason = f"it would take the place of {names}"
        refused.insert(0, {"local_start": first["local_start"], "score": first["score"], "reason": reason})
    return {**channel, "slots": free, "refused": refused}


def _better_one(refused: Mapping[str, Any]) -> str:
    return f"{refused['local_start']} would have scored {refused['score']}, but {refused['reason']}"


def plan_of(slots: Sequence[Slot]) -> PublicationPlan:
    """The plan, and how it reads."""
    lines: list[str] = []
    for slot in slots:
        lines.append(f"{slot.channel} ({slot.platform}): {slot.local_start}, score {slot.score}")
        lines += [f"  {reason}" for reason in slot.reasons]
        if slot.refused:
            lines.append(f"  {slot.refused}")
    return PublicationPlan(slots=tuple(slots), text="\n".join(lines))


def committed(answer: Mapping[str, Any]) -> Publication:
    """A committed publication, as the schedule answered it."""
    return Publication(
        id=answer["id"],
        channel=answer["channel"],
        platform=answer.get("platform", ""),
        start=answer["start"],
        availability=answer["availability"],
        state=answer["state"],
    )


def explanation_of(answer: Mapping[str, Any]) -> SlotExplanation:
    """The schedule's explanation as a part, and how it reads."""
    nearest: Mapping[str, Any] = answer.get("nearest") or {}
    blockers = tuple(
        f"{each['title']!r} at {each['start']} ({each['state']}, priority {each['priority']}) {each['publication']}"
        for each in answer.get("in_the_way", ())
    )
    found = SlotExplanation(
        channel=answer["channel"],
        title=answer["title"],
        publication=answer.get("publication"),
        start=answer["start"],
        local_start=answer["local_start"],
        free=answer["free"],
        score=answer["score"],
        parts=tuple(f"{each['points']:+d} {each['text']}" for each in answer["parts"]),
        rules=tuple(RuleKept.model_validate(each) for each in answer["rules"]),
        in_the_way=blockers,
        nearest=nearest.get("start"),
        nearest_text=f"{nearest['local_start']}, score {nearest['score']}" if nearest else "",
        availability=answer.get("availability", ()),
        said_then=tuple(answer.get("said_then", ())),
    )
    return found.model_copy(update={"text": _explained(found)})


def _explained(found: SlotExplanation) -> str:
    """The broken rules first, for they answer the question; then those that are kept."""
    verdict = "every rule allows it" if found.free else "it is refused"
    lines = [f"{found.title!r} on {found.channel}, {found.local_start}: {verdict}, score {found.score}."]
    for each in sorted(found.rules, key=lambda rule: rule.kept):
        lines.append(f"  {'kept' if each.kept else 'broken'}  {each.rule}: {each.text}")
    lines += [f"  in the way: {each}" for each in found.in_the_way]
    lines += [f"  {each}" for each in found.parts]
    if found.said_then:
        lines.append(f"  said when it was held: {'; '.join(found.said_then)}")
    if found.nearest_text:
        lines.append(f"  nearest free start: {found.nearest_text}")
    return "\n".join(lines)
