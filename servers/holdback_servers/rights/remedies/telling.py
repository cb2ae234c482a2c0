"""Changes in words and fields: of a cut, of a request, of what is on record. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import get_args

from holdback_base.elements import CutFacts
from holdback_base.vocabulary import instant_text

from holdback_servers.rights.book import Entry
from holdback_servers.rights.clearance import Decision
from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.matrix import places
from holdback_servers.rights.report import Asked, MissingRight, Remedy, RemedyKind, Undertaking
from holdback_servers.rights.ways import is_known

_NAMED = 4
"""Most rights named in a sentence."""
_EDITS: dict[str, RemedyKind] = {
    "credit": "add_credit",
    "disclaimer": "add_disclaimer",
    "blur": "obscure_element",
    "mute": "mute_element",
    "replace_music": "replace_element",
    "age_gate": "undertake",
    "geo_block": "undertake",
}


def asked_remedies(before: Asked, after: Asked, rights: Mapping[RemedyKind, tuple[str, ...]]) -> Iterator[Remedy]:
    """The changes that make a smaller question of one; `rights` are those that ask for each."""
    gone = tuple(each for each in before.languages if each not in after.languages)
    if gone:
        text = (
            f"Leave out {', '.join(gone)}: {'the languages are' if len(gone) > 1 else 'the language is'} not licensed."
        )
        yield Remedy(kind="drop_language", text=text, languages=gone, rights=rights.get("drop_language", ()))
    if after.runs != before.runs:
        text = f"Plan {after.runs} of the {before.runs} runs."
        yield Remedy(kind="fewer_runs", text=text, runs=after.runs, rights=rights.get("fewer_runs", ()))
    if after.window.end != before.window.end and after.window.end is not None:
        yield Remedy(
            kind="end_earlier",
            text=f"End by {instant_text(after.window.end)} everywhere.",
            end=after.window.end,
            territories=before.territories,
            platforms=before.platforms,
            rights=rights.get("end_earlier", ()),
        )


def duty_remedies(duties: Iterable[Duty], cuts: Sequence[CutFacts]) -> tuple[Remedy, ...]:
    """The edits and undertakings that meet these duties, one for each thing to do; what neither can meet becomes a
    question to a person."""
    merged: dict[tuple[RemedyKind, str, str], list[Duty]] = {}
    for duty in duties:
        kind = _EDITS.get(duty.condition.type, "ask_human")
        said = kind in ("add_credit", "add_disclaimer", "ask_human")
        words = duty.condition.type if kind == "undertake" else duty.condition.text if said else duty.ref
        per_cut = duty.media if kind in ("obscure_element", "mute_element") else ""
        merged.setdefault((kind, words, per_cut), []).append(duty)
    return tuple(_edit(key[0], found, cuts) for key, found in sorted(merged.items(), key=str))


def _edit(kind: RemedyKind, duties: Sequence[Duty], cuts: Sequence[CutFacts]) -> Remedy:
    first = duties[0]
    rights = tuple(sorted({each.right for each in duties}))
    media = tuple(sorted({each.media for each in duties}))
    seconds = max((each.condition.min_seconds or 0 for each in duties), default=0) or None
    words = first.condition.text
    if kind in ("add_credit", "add_disclaimer"):
        what = kind.removeprefix("add_")
        long = f" for at least {seconds} s" if seconds else ""
        text = f'Show the {what} "{words}"{long}.'
        return Remedy(kind=kind, text=text, credit=words, min_seconds=seconds, media=media, rights=rights)
    if kind == "undertake":
        return _undertake(duties, rights)
    if kind == "ask_human":
        what = first.condition.type.replace("_", " ")
        text = f"Ask a person for the {what} of this very cut that {first.ref} needs. {words}".strip()
        return Remedy(kind=kind, text=text, ref=first.ref, media=media, rights=rights)
    if kind == "replace_element":
        return replace_remedy(first.ref, cuts, rights)
    frames = sum(span.frames for span in first.spans)
    verb = "Make unrecognisable" if kind == "obscure_element" else "Mute"
    text = f"{verb} {first.ref} in the {frames} frames where it is not yet."
    return Remedy(
        kind=kind, text=text, elements=first.elements, ref=first.ref, spans=first.spans, media=media, rights=rights
    )


def _undertake(duties: Sequence[Duty], rights: tuple[str, ...]) -> Remedy:
    promised = tuple(sorted({each.condition.type for each in duties} & set(get_args(Undertaking))))
    said = sorted({each.condition.text for each in duties if each.condition.text})
    what = " and ".join(f"{each.replace('_', '-')}" for each in promised)
    words = f": {'; '.join(said)}" if said else "."
    text = f"Undertake to keep up the {what} where it is delivered{words}"
    return Remedy(kind="undertake", text=text, undertakings=promised, rights=rights)  # pyright: ignore[reportArgumentType] - of Undertaking


def acquire_remedy(missing: MissingRight, name: str, rights: tuple[str, ...]) -> Remedy:
    """Buy or agree a grant that closes a gap; a person has to."""
    kinds = " and ".join(each.replace("_", " ") for each in missing.element_kinds)
    what = f"{'exclusive ' if missing.exclusive else ''}{kinds} rights"
    tongues = f" in {', '.join(missing.languages)}" if missing.languages else ""
    where = f"{places(missing.territories, missing.window.start.date())} on {', '.join(missing.platforms)}"
    use = f"{missing.window.text()}, for {missing.purpose}{tongues}"
    return Remedy(
        kind="acquire_right",
        text=f"Buy {what} in {name} ({missing.ref}) for {where}, {use}; a person has to agree it.",
        ref=missing.ref,
        missing=missing,
        rights=rights,
    )


def event_remedy(ref: str, entries: Iterable[Entry]) -> Remedy:
    """Have somebody record the events that rights of a reference hang on."""
    known = sorted(entries, key=lambda each: each.id)
    events = sorted({event for each in known for event in each.unresolved})
    named = ", ".join(f"{each.id} {_hangs(each)}" for each in known[:_NAMED])
    more = f" and {len(known) - _NAMED} more rights" if len(known) > _NAMED else ""
    return Remedy(
        kind="ask_human",
        text=f"Ask a person to record when {' and '.join(events)} happens to {ref}: {named}{more}. Then decide again.",
        ref=ref,
        rights=tuple(each.id for each in known),
    )


def _hangs(known: Entry) -> str:
    right = known.right
    ends = (("starts at", right.start_event), ("ends at", right.end_event))
    return " and ".join(
        f"{verb} {lag.text()}" for verb, lag in ends if lag is not None and lag.event in known.unresolved
    )


def replace_remedy(ref: str, cuts: Sequence[CutFacts], rights: tuple[str, ...] = ()) -> Remedy:
    """Take all elements of a reference out of every cut, or put something cleared in their place."""
    found = [(cut, each) for cut in cuts for each in cut.element_list.elements if each.ref == ref]
    name = found[0][1].name if found else ref
    return Remedy(
        kind="replace_element",
        text=f"Take out {name} ({ref}), or replace it by something whose rights cover the request.",
        elements=tuple(sorted({each.id for _, each in found})),
        ref=ref,
        media=tuple(sorted({cut.media for cut, _ in found})),
        rights=rights,
    )


def shorten_remedy(ref: str, seconds: int, cuts: Sequence[CutFacts], rights: tuple[str, ...]) -> Remedy:
    """Let a reference last no longer, in all, than a licence allows."""
    plain = replace_remedy(ref, cuts, rights)
    text = f"Shorten {ref} to {seconds} s in all."
    return plain.model_copy(update={"kind": "shorten_element", "text": text, "max_seconds": seconds})


def ask_remedy(ref: str, decision: Decision, rights: tuple[str, ...]) -> Remedy:
    """Have a person find out about a reference, or agree or buy the rights in it."""
    judged = [each for each in decision.judged if each.element.ref == ref]
    what = "agree or buy the rights in" if is_known(ref, decision) else "find out who owns, and record, the rights in"
    return Remedy(
        kind="ask_human",
        text=f"Ask a person to {what} {judged[0].element.name} ({ref}).",
        elements=tuple(sorted({one.id for each in judged for one in each.elements})),
        ref=ref,
        rights=rights,
    )
