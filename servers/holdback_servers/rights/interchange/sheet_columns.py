"""The columns of the plain rights sheet: what each is called, what it means, what a blank cell stands for. Pure.

One table feeds the reader, the template, the writer and the page `docs/rights-sheet.md`.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

Width = Literal[10, 14, 18, 24, 32, 44]


@dataclass(frozen=True)
class Column:
    """One column. `usual` ones are in the template; the others are read and, where needed, written.

    `blank` says what an empty cell stands for. `also` are other headers that are understood; case, spaces and
    punctuation never matter. `choices` are offered in a drop-down.
    """

    field: str
    header: str
    explains: str
    blank: str
    example: str
    also: tuple[str, ...] = ()
    usual: bool = True
    choices: tuple[str, ...] = ()
    width: Width = 14


ELEMENT_WORDS: Final = {
    "film": "programme",
    "music recording": "music_master",
    "music publishing": "music_publishing",
    "music performance": "music_performance",
    "voice or talent": "talent",
    "clip": "third_party_clip",
    "still": "still",
    "logo": "logo",
    "location": "location",
}
"""What an element is called on the sheet, and its kind."""
KIND_WORDS: Final = {
    "grant": "grant",
    "licence out": "licence_out",
    "holdback": "holdback",
    "blackout": "blackout",
    "embargo": "embargo",
}

RIGHTS: Final = (
    Column(
        "ref",
        "Reference",
        "The name of the work in Holdback, as kind:name in lower case: film:, music:, talent:, clip:, still:, logo:, "
        "place:. Lines and film elements with the same reference are about the same work.",
        "Made of Element and Title: a film called Night Train becomes film:night-train.",
        "film:night-train",
        ("ref", "what", "element reference", "work", "asset"),
        width=24,
    ),
    Column("title", "Title", "What people call it.", "No title.", "Night Train", ("name",), width=24),
    Column(
        "element",
        "Element",
        "Which part of it: film, music recording, music publishing, music performance, voice or talent, clip, still, "
        "logo, location. Several with commas.",
        "All of it: a music: line without it covers recording, publishing and performance.",
        "film",
        ("element kind", "kind of element", "type of element", "part"),
        choices=tuple(ELEMENT_WORDS),
        width=18,
    ),
    Column(
        "party",
        "From whom",
        "The company or person the contract is with; for a licence out, whom it is given to.",
        "As on another line of the same contract; one line of each contract must have it.",
        "Northern Film Ltd",
        ("licensor", "counterparty", "company", "rights holder", "to whom", "party", "licensee"),
        width=24,
    ),
    Column(
        "contract",
        "Contract",
        "The name or number of the contract. Lines with the same one belong together.",
        "The name in From whom, with the word in or out.",
        "NF-2026-014",
        ("contract number", "contract no", "agreement", "deal", "contract name"),
        width=18,
    ),
    Column(
        "status",
        "Contract status",
        "active, draft, pending, rejected or inactive. Only an active contract clears anything.",
        "As on another line of the same contract; one line of each contract must have it.",
        "active",
        ("status", "state"),
        choices=("active", "draft", "pending", "rejected", "inactive"),
    ),
    Column(
        "direction",
        "In or out",
        "in: rights we are given. out: rights we give to others.",
        "As on another line of the same contract; else out for a licence out, and in for everything else.",
        "in",
        ("direction", "in/out"),
        choices=("in", "out"),
        width=10,
    ),
    Column(
        "kind",
        "Kind",
        "grant: we may. licence out: we gave it to somebody. holdback, blackout, embargo: nobody may, meanwhile.",
        "grant",
        "grant",
        ("right", "type", "type of right", "kind of right"),
        choices=tuple(KIND_WORDS),
        width=14,
    ),
    Column(
        "territories",
        "Where",
        "Countries as ISO 3166 codes (GB, DE, US-CA), or groups: WORLD, EU, EEA, DACH, NORDICS, UKI, BENELUX, LATAM.",
        "Must be filled for a grant; for the other kinds WORLD.",
        "GB, IE",
        ("territory", "territories", "countries", "country"),
        width=18,
    ),
    Column(
        "excluded",
        "Except",
        "Countries or groups taken out of Where.",
        "No exception.",
        "CN",
        ("excluding", "excluded territories", "territory excluded", "except for", "not in"),
    ),
    Column(
        "media",
        "Platforms",
        "Platforms, with commas: social.youtube, vod.svod, linear, theatrical, web; or their names, such as YouTube. "
        "A branch (social, vod) means all below it; all means every one.",
        "Must be filled for a grant; for the other kinds all.",
        "social.youtube, web",
        ("platform", "media", "medium", "channels", "rights granted"),
        width=24,
    ),
    Column(
        "start",
        "From",
        "The first day, 2026-11-24, in the time zone of the contract. A moment: 2026-11-24 19:00, or with a Z for UTC. "
        "After something happens: 90 days after theatrical.",
        "Must be filled for a grant and a licence out; for the other kinds since ever.",
        "2026-11-24",
        ("start", "from date", "start date", "first day", "begins", "valid from"),
    ),
    Column(
        "end",
        "Until",
        "The last day, included. A moment, such as 2026-12-24 12:00, is the first that is no longer included.",
        "No end.",
        "2027-11-23",
        ("end", "to", "end date", "last day", "ends", "until date", "valid until", "expires"),
    ),
    Column(
        "time_zone",
        "Time zone",
        "Whose days they are, as an IANA name.",
        "As on another line of the same contract; else the zone named when the sheet is imported; else UTC.",
        "Europe/London",
        ("timezone", "zone", "tz"),
        width=18,
    ),
    Column(
        "languages",
        "Languages",
        "BCP 47 tags: de, en-GB, es-419; with a use where it matters: audio:de, subtitle:de, dub:de.",
        "Any language.",
        "en, subtitle:de",
        ("language", "allowed languages"),
    ),
    Column(
        "purposes",
        "Purposes",
        "editorial, news, promotion, advertising, training (of models). promotion alone means promotion only.",
        "Any but training, which must always be named.",
        "promotion",
        ("purpose", "use", "uses", "for"),
        width=18,
    ),
    Column(
        "exclusive",
        "Exclusive",
        "yes or no, of a grant or a licence out.",
        "no",
        "no",
        ("exclusivity",),
        choices=("yes", "no"),
        width=10,
    ),
    Column(
        "derivative",
        "May be cut",
        "no, when it may be shown only whole.",
        "yes",
        "yes",
        ("may be edited", "derivative", "derivative allowed", "edit", "cut"),
        choices=("yes", "no"),
        width=10,
    ),
    Column(
        "max_seconds",
        "Max seconds",
        "The longest it may last in a cut, in seconds or as 0:01:30.",
        "No limit.",
        "90",
        ("max duration", "max length", "maximum seconds", "max duration seconds"),
        width=10,
    ),
    Column(
        "max_percent",
        "Max percent",
        "The largest share of the work that a cut may show, 1 to 100, also as text: 10%. Needs Length of the work.",
        "No limit.",
        "10",
        ("max excerpt percent", "max share", "maximum percent"),
        width=10,
    ),
    Column(
        "work_seconds",
        "Length of the work",
        "How long the whole work lasts, in seconds or as 1:35:00.",
        "Not said.",
        "1:35:00",
        ("work seconds", "running time", "runtime", "length"),
    ),
    Column("max_runs", "Max runs", "How often it may be shown in all.", "No limit.", "3", ("runs",), width=10),
    Column(
        "reruns",
        "Reruns",
        "Repeats that are not counted as runs: 2 within 48 hours, or 1 within 7 days.",
        "Every showing is a run.",
        "2 within 48 hours",
        ("repeats",),
        width=18,
    ),
    Column(
        "window_days",
        "Max days up",
        "How long one use may stay up, in days of 24 hours.",
        "No limit.",
        "30",
        ("max days", "window days", "days up"),
        width=10,
    ),
    Column(
        "conditions",
        "Conditions",
        "What is asked in return, with semicolons: credit: WORDS; disclaimer: WORDS; blur of logo:acme; mute; "
        "replace music; age gate: 16; geo-block; approval. A credit may say for how long: credit for 3 s: WORDS.",
        "Nothing is asked.",
        "credit: (c) Northern Film",
        ("condition", "obligations", "duties"),
        width=32,
    ),
    Column(
        "clause",
        "Clause",
        "Where the contract says so, in its own words or by number.",
        "No clause is shown.",
        "4.2 Online excerpts",
        ("clauses", "wording"),
        width=32,
    ),
    Column(
        "note",
        "Note",
        "For people; it decides nothing.",
        "No note.",
        "Renewal in talks",
        ("notes", "comment", "comments", "remarks"),
        width=24,
    ),
    Column(
        "key",
        "Line",
        "Your own name for the line, unlike any other of the contract. With it a line that you change is changed in "
        "Holdback too.",
        "The line is known by what it is about and what it says.",
        "14-a",
        ("line number", "right number", "right id", "key", "id", "no"),
        usual=False,
        width=10,
    ),
    Column(
        "source",
        "Source",
        "Where the right is written down.",
        "Not said.",
        "Schedule B",
        ("document",),
        usual=False,
        width=24,
    ),
    Column(
        "groups_on",
        "Groups as of",
        "The day whose members a group such as EU means.",
        "The first day of the right.",
        "2019-01-01",
        ("groups on",),
        usual=False,
    ),
    Column(
        "licence_type",
        "Licence type",
        "The LicenseType of MovieLabs Avails it came with; it decides nothing.",
        "None.",
        "SVOD",
        ("license type",),
        usual=False,
    ),
    Column(
        "contract_title",
        "Contract title",
        "What the contract is called.",
        "No title.",
        "Online excerpts 2026",
        (),
        usual=False,
        width=24,
    ),
    Column(
        "contract_note",
        "Contract note",
        "For people; it decides nothing.",
        "No note.",
        "Signed copy in the safe",
        (),
        usual=False,
        width=24,
    ),
    Column(
        "carried",
        "Carried",
        "Fields of another format, kept for the way back, as JSON. They decide nothing.",
        "None.",
        '[["HDR", "Yes"]]',
        (),
        usual=False,
        width=24,
    ),
    Column(
        "contract_record",
        "Contract record",
        "Written by Holdback: how it finds the contract again. Leave it as it is.",
        "The contract is found by its name.",
        "ctr_01",
        (),
        usual=False,
    ),
    Column(
        "right_record",
        "Right record",
        "Written by Holdback: how it finds the right again. Leave it as it is.",
        "The right is found by Line, or by what it is about.",
        "rgt_01",
        (),
        usual=False,
    ),
)

ELEMENTS: Final = (
    Column(
        "kind",
        "Element",
        "film, music recording, music publishing, music performance, voice or talent, clip, still, logo or location.",
        "Must be filled.",
        "music recording",
        ("element kind", "kind", "type"),
        choices=tuple(ELEMENT_WORDS),
        width=18,
    ),
    Column(
        "ref",
        "Reference",
        "The same name as on the sheet Rights.",
        "Made of Element and Name.",
        "music:slow-waltz",
        ("ref", "what"),
        width=24,
    ),
    Column("name", "Name", "What people call it.", "The reference.", "Slow Waltz", ("title",), width=24),
    Column(
        "start",
        "From",
        "Where in the film it begins: seconds, or 0:01:30, or 0:01:30.5.",
        "The start of the film.",
        "0:01:30",
        ("start", "in"),
        width=10,
    ),
    Column("end", "To", "Where it ends.", "The end of the film.", "0:02:00", ("end", "until", "out"), width=10),
    Column(
        "box",
        "Box",
        "Where in the picture it is: left, top, width, height in thousandths of the picture; for "
        "what may have to be blurred.",
        "Not said.",
        "820, 60, 140, 90",
        ("area", "region"),
        width=18,
    ),
)


def plain_header(text: str) -> str:
    """A header without case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", text).casefold()


@cache
def known_headers(columns: tuple[Column, ...]) -> dict[str, Column]:
    """Every header that is understood, plain, with its column."""
    names = {plain_header(name): each for each in columns for name in (*each.also, each.field)}
    return names | {plain_header(each.header): each for each in columns}
