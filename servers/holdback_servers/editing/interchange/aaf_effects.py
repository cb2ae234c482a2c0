"""What the effects of an AAF file mean for a cut: which transition, which speed."""

from fractions import Fraction
from typing import Any

from holdback_servers.editing.interchange import aaf_terms as terms
from holdback_servers.editing.interchange.sheet import Remark, Unreadable, whole_speed
from holdback_servers.editing.parts import TransitionKind

_PLAIN = (terms.DISSOLVE, terms.SOUND_DISSOLVE, terms.STEREO_DISSOLVE)
_ON_TRACKS = ("pan", "mixdown", "submaster")
_CURVE = "PARAM_SPEED_OFFSET_MAP_U"
_WIPES: dict[tuple[int, bool], TransitionKind] = {
    (1, False): "wipe_right",
    (1, True): "wipe_left",
    (2, False): "wipe_down",
    (2, True): "wipe_up",
}


def identity(group: Any) -> str:
    """The effect's identifier."""
    return str(group.operation.auid) if group is not None and group.operation is not None else ""


def name_of(group: Any) -> str:
    """The effect's name, for people."""
    return str(group.operation.name or "")[:40] if group is not None and group.operation is not None else ""


def is_plain(group: Any) -> bool:
    """Whether leaving the effect out needs no word: what Avid puts on every track, or around a group."""
    return any(each in name_of(group).lower() for each in _ON_TRACKS)


def is_speed(group: Any) -> bool:
    """Whether an effect changes time."""
    operation = group.operation
    warps = operation is not None and operation.get("IsTimeWarp") is not None and bool(operation["IsTimeWarp"].value)
    return warps or identity(group) in (terms.SPEED, terms.REPEAT)


def change_of(group: Any, where: str, remarks: list[Remark]) -> TransitionKind:
    """The transition that an effect stands for; a dissolve for those that this room does not have."""
    if identity(group) == terms.WIPE:
        values = _constants(group)
        try:
            key = (int(values.get(terms.WIPE_NUMBER, 0)), bool(values.get(terms.WIPE_REVERSE, False)))
        except (TypeError, ValueError):
            key = (0, False)
        if kind := _WIPES.get(key):
            return kind
    name = name_of(group).lower()
    if "dip" in name:
        message = f"The transition {name_of(group)!r} becomes a dip to black."
        remarks.append(Remark(severity="warning", where=where, message=message))
        return "dip_to_black"
    if identity(group) not in _PLAIN and not any(each in name for each in ("dissolve", "fade")):
        message = f"The transition {name_of(group)!r} becomes a dissolve."
        remarks.append(Remark(severity="warning", where=where, message=message))
    return "dissolve"


def speed_of(group: Any, frames: int, slow: bool, where: str, remarks: list[Remark]) -> tuple[int, bool]:
    """The speed in whole percent, and whether one frame is held.

    AAF's SpeedRatio is how long it lasts over how much media it uses. Avid keeps the speed as a curve too, and means
    the curve where the two differ.

    Args:
        frames: how long the effect lasts.
        slow: the file says that one frame for so long is a slow clip, and not a held frame.

    Raises:
        Unreadable: for a speed that changes within the clip, runs backwards, or is out of range.
    """
    if identity(group) == terms.REPEAT:
        return 100, True
    curve = next((each for each in _parameters(group) if each.name == _CURVE and hasattr(each, "pointlist")), None)
    points = [(_exact(each.time), _exact(each.value)) for each in curve.pointlist] if curve is not None else []
    ratio = _constants(group).get(terms.SPEED_RATIO)
    if len(points) > 2:
        raise Unreadable(where, "its speed changes within the clip.", "Render that shot and use the render.")
    if len(points) == 2 and points[0][0] != points[1][0]:
        speed = (points[1][1] - points[0][1]) / (points[1][0] - points[0][0])
    elif ratio is not None and _exact(ratio):
        speed = 1 / _exact(ratio)
    else:
        speed = Fraction(0)
    if speed == 0 or (speed * frames == 1 and not slow and not points and frames > 1):
        return 100, True
    return whole_speed(speed * 100, Fraction(1, 50), where, remarks), False


def _exact(value: Any) -> Fraction:
    return Fraction(str(value))


def _parameters(group: Any) -> list[Any]:
    return list(group.parameters.value or ()) if group is not None else []


def _constants(group: Any) -> dict[str, Any]:
    """Parameters that do not change over time, by identifier."""
    fixed = terms.library().misc.ConstantValue
    return {str(each.auid): each.value for each in _parameters(group) if isinstance(each, fixed)}
