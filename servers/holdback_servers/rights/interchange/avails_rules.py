"""What an Avails transaction must have, and what tells one from another. Pure."""

from holdback_servers.rights.interchange.avails_terms import Dates, Told, Wording
from holdback_servers.rights.interchange.avails_windows import FROM_EVER
from holdback_servers.rights.interchange.avails_words import Fields, plain, text_of
from holdback_servers.rights.model import RightTerms


def belongings(fields: Fields, wording: Wording, dates: Dates) -> list[Told]:
    """What a transaction of its kind must have beside what every one has."""
    told: list[Told] = []
    if wording.grant is not None and wording.grant.licence_type == "POEST":
        lifts = sum(bool(part.strip()) for part in text_of(fields.get("SuppressionLiftDate")).split(","))
        if lifts != 1:
            message = f"A pre-order (POEST) has {lifts or 'no'} SuppressionLiftDate; it must have exactly one."
            told.append(Told("SuppressionLiftDate", message, "Give the day from which the pre-order may be announced."))
    if wording.grouped and dates.terms.get("first_day") == FROM_EVER:
        told.append(Told("Start", "A group of territories needs a start day, and Start names none.", "Give a day."))
    kind = fields.get("AvailType")
    if kind is not None:
        kind = plain(text_of(kind))
        if kind == "bundle" and not text_of(fields.get("BundledALIDs")):
            told.append(
                Told("BundledALIDs", "A bundle names nothing that it holds.", "Name the ALIDs that it bundles.")
            )
        if kind == "supplement" and not text_of(fields.get("RefALID")):
            told.append(Told("RefALID", "A supplement does not say of what.", "Name the ALID that it belongs to."))
    return told


def telling(ref: str, wording: Wording, dates: Dates) -> tuple[str, ...]:
    """What tells a right from others of its avail, however the file spells it."""
    if wording.grant is None:
        return (ref,)
    grant = wording.grant
    return (ref, grant.licence_type or "", *grant.territories, "-", *grant.excluded_territories, dates.began)


def clause(fields: Fields) -> str:
    """Where the licence stands, for people."""
    alid, given = text_of(fields.get("ALID")), text_of(fields.get("AvailID"))
    return f"Avail {alid}" + (f", transaction {given}" if given else "") if alid else f"transaction {given}"


def difference(first: RightTerms, second: RightTerms) -> str:
    """The names of what decides and differs."""
    names = set(RightTerms.model_fields) - {"carried", "clause", "source"}
    return ", ".join(sorted(name for name in names if getattr(first, name) != getattr(second, name)))
