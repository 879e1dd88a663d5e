"""Zones as feeds and vendors write them behind a time: known ones have one meaning, others none."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

_NAMES = {
    0: "UTC UT GMT Z WET",
    60: "CET MET MEZ WEST WAT",
    120: "CEST MEST MESZ EET SAST CAT",
    180: "EEST MSK TRT EAT",
    240: "MSD SAMT",
    300: "PKT UZT YEKT",
    330: "SLST",
    345: "NPT",
    360: "OMST BDT",
    390: "MMT",
    420: "ICT WIB NOVT KRAT",
    480: "HKT SGT MYT PHT WITA AWST IRKT",
    540: "JST KST WIT YAKT",
    570: "ACST",
    600: "AEST CHST VLAT",
    630: "ACDT",
    660: "AEDT MAGT",
    720: "NZST PETT",
    780: "NZDT",
    -150: "NDT",
    -180: "ADT ART BRT CLST UYT",
    -210: "NST",
    -240: "EDT HAE CLT VET",
    -300: "EST HNE CDT COT PET",
    -360: "CST MDT",
    -420: "MST PDT",
    -480: "PST AKDT",
    -540: "AKST HDT",
    -600: "HST",
}
"""Minutes east of Greenwich. The American names are RFC 822's. Left out is what means several zones
and which no standard decides, such as IST, AST, GST and the military letters."""
_OFFSETS = {name: minutes for minutes, names in _NAMES.items() for name in names.split()}
_PLACES = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
}
_SUMMER = {"BST": "Europe/London"}  # anywhere else it would mean Bangladesh's
_TIME = r"(?P<rest>.*\d:\d\d(?::\d\d(?:[.,]\d+)?)?)"
_NUMBER = re.compile(
    _TIME + r"\s*(?:UTC|GMT|UT)?\s*(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?"
    r"(?P<year>\s+\d{4})?",
    re.IGNORECASE,
)
_NAME = re.compile(_TIME + r"\s*\(?(?P<name>[A-Za-z]+(?:/[A-Za-z_/+-]+\d*)?)\)?(?P<year>\s+\d{4})?")
_COMMENT = re.compile(r"\s*\([^()]*\)$")
_MOST_MINUTES = 14 * 60


def split_zone(text: str) -> tuple[str, str | None]:
    """Return a time as it is written without its zone, and the zone; None where it names none."""
    text = text.replace("\u2212", "-")
    for said in (_COMMENT.sub("", text), text):
        match = _NUMBER.fullmatch(said)
        if match is not None:
            zone = f"{match['sign']}{match['hours']}:{match['minutes'] or '00'}"
            return match["rest"] + (match["year"] or ""), zone
        match = _NAME.fullmatch(said)
        if match is not None:
            return match["rest"] + (match["year"] or ""), match["name"]
    return text, None


def zone_at(zone: str, at: datetime) -> tzinfo | None:
    """Return what a zone means at a time without one, or None.

    None for an unknown zone, and in the hour that a place's clocks go through twice.
    """
    if zone[0] in "+-":
        hours, minutes = (int(part) for part in zone[1:].split(":"))
        east = (hours * 60 + minutes) * (1 if zone[0] == "+" else -1)
        return _fixed(east) if minutes < 60 and abs(east) <= _MOST_MINUTES else None
    name = zone.upper()
    if name in _OFFSETS:
        return _fixed(_OFFSETS[name])
    place = _PLACES.get(name) or _SUMMER.get(name) or (zone if "/" in zone else None)
    found = None if place is None else _of_place(place, at)
    if found is not None and name in _SUMMER and not at.replace(tzinfo=found).dst():
        return None
    return found


def _fixed(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes))


def _of_place(place: str, at: datetime) -> tzinfo | None:
    try:
        zone = ZoneInfo(place)
    except (ValueError, LookupError, OSError):
        return None
    first = at.replace(tzinfo=zone)
    return zone if first.utcoffset() == first.replace(fold=1).utcoffset() else None
