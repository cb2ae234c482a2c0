"""Where a permission and a prohibition of one policy meet. Pure."""

from holdback_base.vocabulary import medium_within, territory_within

from holdback_servers.rights.model import Right


def meet(given: Right, stands: Right) -> bool:
    """Whether a grant and a restriction speak of some same use, as far as they name it."""
    if given.ref != stands.ref or not _purposes(given) & _purposes(stands):
        return False
    if given.start and stands.end and stands.end <= given.start and not given.unresolved:
        return False
    if given.end and stands.start and given.end <= stands.start and not stands.unresolved:
        return False
    if not any(medium_within(a, b) or medium_within(b, a) for a in given.media for b in stands.media):
        return False
    return bool(_places(given) & _places(stands)) or any(
        territory_within(a, _places(stands)) or territory_within(b, _places(given))
        for a in _places(given)
        for b in _places(stands)
        if a.split("-")[0] == b.split("-")[0]
    )


def _purposes(right: Right) -> set[str]:
    named = set[str](right.purposes)
    if named:
        return named
    shown = {"editorial", "news", "promotion", "advertising"}
    return shown if right.kind == "grant" else shown | {"training"}


def _places(right: Right) -> frozenset[str]:
    named, out = right.places()
    return named - out
