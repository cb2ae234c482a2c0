"""The words of ODRL 2.2 that Holdback knows, in their short form, and the JSON-LD context that spells them out. Pure.

Short form: a term of ODRL stands bare (`display`), one of Creative Commons as `cc:Distribution`, one of the TDM
reservation profile as `tdm:mine`, one of Holdback's own profile as `holdback:ref`; everything else is its whole IRI.
Sources: W3C ODRL Vocabulary & Expression 2.2 (terms and `includedIn`), IPTC RightsML 2.0 (profile and terms), W3C
TDMRep (`mine`).
"""

from typing import Any, Final

ODRL: Final = "http://www.w3.org/ns/odrl/2/"
CC: Final = "http://creativecommons.org/ns#"
TDM: Final = "http://www.w3.org/ns/tdmrep#"
OWN: Final = "urn:holdback:odrl:"
"""Holdback's profile: its IRI is this namespace, its terms are listed in `OWN_TERMS`."""
UNKNOWN: Final = "urn:holdback:unknown-term:"
"""Where a JSON-LD term lands that no context explains, so that a slip of the pen is told instead of dropped."""
RIGHTSML: Final = "https://iptc.org/std/RightsML/odrl-profile/"
ODRL_CONTEXT: Final = "http://www.w3.org/ns/odrl.jsonld"
CONTEXTS: Final = frozenset(
    {ODRL_CONTEXT, "https://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/odrl/2/ODRL22.jsonld"}
)
PROFILES: Final = frozenset(
    {
        OWN,
        RIGHTSML,
        RIGHTSML.replace("https", "http"),
        "http://iptc.org/std/RightsML/2/",
        "https://iptc.org/std/RightsML/2.0/",
        ODRL + "core",
        TDM.rstrip("#"),
        TDM,
        "http://www.w3.org/ns/odrl/2",
        ODRL,
    }
)
"""Profiles whose terms are understood. ODRL: who does not know a policy's profile must not process the policy."""
_PREFIXES: Final = {"cc": CC, "tdm": TDM, "holdback": OWN}
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_DESCRIBING: Final = (
    "http://purl.org/dc/terms/",
    "http://purl.org/dc/elements/1.1/",
    "http://www.w3.org/2000/01/rdf-schema#",
    "http://www.w3.org/2004/02/skos/core#",
    "http://xmlns.com/foaf/0.1/",
    "http://www.w3.org/2006/vcard/ns#",
    "http://schema.org/",
    "https://schema.org/",
)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_USE: Final = _words(
    "acceptTracking aggregate annotate anonymize archive attribute compensate concurrentUse delete derive "
    "digitize distribute ensureExclusivity execute grantUse include index inform install modify move nextPolicy "
    "obtainConsent play present print read reproduce reviewPolicy stream synchronize textToSpeech transform "
    "translate uninstall watermark cc:Attribution cc:CommercialUse cc:DerivativeWorks cc:Distribution cc:Notice "
    "cc:Reproduction cc:ShareAlike cc:Sharing cc:SourceCode tdm:mine "
    "holdback:train holdback:blur holdback:mute holdback:replaceMusic holdback:ageGate holdback:geoBlock"
)
INCLUDED_IN: Final[dict[str, str]] = {
    **dict.fromkeys(_USE, "use"),
    "display": "play",
    "extract": "reproduce",
    "give": "transfer",
    "sell": "transfer",
}
"""Each action and the wider one it is included in (`odrl:includedIn`). `use` and `transfer` are the roots."""
SAME_ACTION: Final[dict[str, str]] = {
    "copy": "reproduce",
    "write": "modify",
    "writeTo": "modify",
    "append": "modify",
    "appendTo": "modify",
    "pay": "compensate",
    "commercialize": "cc:CommercialUse",
    "share": "cc:Sharing",
    "shareAlike": "cc:ShareAlike",
    "attachPolicy": "cc:Notice",
    "attachSource": "cc:SourceCode",
    "license": "grantUse",
    "lend": "transfer",
    "lease": "transfer",
    "export": "transform",
    "extractChar": "extract",
    "extractPage": "extract",
    "extractWord": "extract",
    "preview": "display",
    "secondaryUse": "use",
    "adHocShare": "cc:Sharing",
}
"""Deprecated actions and the one that took their place."""
ACTIONS: Final = frozenset(INCLUDED_IN) | {"use", "transfer"} | frozenset(SAME_ACTION)
OPERATORS: Final = frozenset(_words("eq gt gteq hasPart isA isAllOf isAnyOf isNoneOf isPartOf lt lteq neq"))
LOGICAL: Final = ("and", "or", "xone", "andSequence")
OWN_OPERANDS: Final = frozenset(
    {"holdback:durationSeconds", "holdback:startEvent", "holdback:endEvent", "holdback:elementKind"}
)
OPERANDS: Final = OWN_OPERANDS | frozenset(
    _words(
        "absolutePosition absoluteSize absoluteSpatialPosition absoluteTemporalPosition count dateTime "
        "delayPeriod deliveryChannel device elapsedTime event fileFormat industry language media meteredTime "
        "payAmount percentage product purpose recipient relativePosition relativeSize relativeSpatialPosition "
        "relativeTemporalPosition resolution spatial spatialCoordinates system systemDevice timeInterval "
        "unitOfCount version virtualLocation"
    )
)
CONFLICTS: Final = ("perm", "prohibit", "invalid")
FUNCTIONS: Final = _words(
    "attributedParty attributingParty compensatedParty compensatingParty consentedParty consentingParty "
    "contractedParty contractingParty informedParty informingParty trackedParty trackingParty"
)
POLICY_TYPES: Final = ("Set", "Offer", "Agreement")
OTHER_POLICY_TYPES: Final = ("Assertion", "Privacy", "Request", "Ticket")
_CLASSES: Final = _words(
    "Policy Rule Permission Prohibition Duty Asset AssetCollection Party PartyCollection Action Constraint "
    "LogicalConstraint"
)
OWN_TERMS: Final = _words(
    "ref kind direction status title note exclusive licenceType carried clause source reruns workSeconds timeZone "
    "groupsOn text minSeconds approved counterparty"
)
"""Properties of Holdback's profile: what a right says and ODRL has no word for."""
_LINKS: Final = _words(
    "profile inheritFrom target output relation partOf source assignee assigner assigneeOf assignerOf permission "
    "prohibition obligation duty consequence remedy constraint refinement includedIn implies hasPolicy unit"
)
_CHOICES: Final = ("conflict", "action", "operator", "leftOperand", "function")
_PLAIN: Final = ("rightOperand", "status")


def short(iri: str) -> str:
    """The short form of an IRI."""
    if iri.startswith(ODRL):
        return iri[len(ODRL) :]
    for prefix, namespace in _PREFIXES.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri[len(namespace) :]}"
    return iri


def full(term: str) -> str:
    """The IRI of a short form."""
    prefix, colon, rest = term.partition(":")
    if not colon:
        return ODRL + term
    return _PREFIXES[prefix] + rest if prefix in _PREFIXES else term


def describes(iri: str) -> bool:
    """Whether the property is of a vocabulary that only describes (titles, names, dates) and never restricts."""
    return iri.startswith(_DESCRIBING)


def usual(action: str) -> str:
    """The action, or the one that replaced it."""
    return SAME_ACTION.get(action, action)


def action_within(action: str, around: str) -> bool:
    """Whether an action is the other one or included in it: display in play in use."""
    current: str | None = usual(action)
    while current is not None:
        if current == usual(around):
            return True
        current = INCLUDED_IN.get(current)
    return False


def context() -> dict[str, Any]:
    """The JSON-LD context of ODRL 2.2, as the vocabulary defines its terms.

    A term that it does not hold lands in `UNKNOWN`. The published file has slips (`neq` as `neg`, `industry` with a
    colon at its end), which are not copied.
    """
    words: dict[str, Any] = {
        "odrl": ODRL,
        "cc": CC,
        "tdm": TDM,
        "holdback": OWN,
        "xsd": _XSD,
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "owl": "http://www.w3.org/2002/07/owl#",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "dct": "http://purl.org/dc/terms/",
        "dc": "http://purl.org/dc/terms/",
        "vcard": "http://www.w3.org/2006/vcard/ns#",
        "foaf": "http://xmlns.com/foaf/0.1/",
        "schema": "http://schema.org/",
        "uid": "@id",
        "type": "@type",
        "@vocab": UNKNOWN,
        "rightOperandReference": {"@id": "odrl:rightOperandReference", "@type": "@id"},
        "dataType": {"@id": "odrl:dataType", "@type": "@id"},
    }
    bare = (*ACTIONS, *OPERATORS, *OPERANDS, *CONFLICTS, *POLICY_TYPES, *OTHER_POLICY_TYPES, *_CLASSES)
    words |= {term: ODRL + term for term in sorted(bare) if ":" not in term}
    words |= {term: {"@id": ODRL + term, "@type": "@id"} for term in (*_LINKS, *FUNCTIONS)}
    words |= {term: {"@id": ODRL + term, "@type": "@vocab"} for term in _CHOICES}
    words |= {term: ODRL + term for term in _PLAIN}
    words |= {term: {"@id": ODRL + term, "@type": "@id"} for term in LOGICAL}
    return words
