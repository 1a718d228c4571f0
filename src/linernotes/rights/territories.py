"""Territories: ISO 3166-1 countries and CISAC TIS groups, what lies in what, and the signs that CWR and ERN write.

Conventions
-----------
A territory is text: codes to include joined by ``+``, then codes to leave out after ``-``: ``2136`` is the world,
``DE+AT`` two countries, ``2120-GB`` Europe without the United Kingdom. A code is an ISO 3166-1 alpha-2 country (``US``)
or a TIS number, which for a country is ISO's own (``0840``) and from 2100 a group. Two texts are the same territory if
they name the same countries.

Source: ISO 3166-1; CISAC TIS09-1540c (groups and what belongs to them), with those who have since joined and left the
European Union (2123) and Economic Area (2121). A TIS number of a state that is no more stands for its successors. TIS
knows no dependent territories of its own: those of ISO 3166-1 lie in the world and in no other group.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from linernotes.errors import FormatError

__all__ = ["WORLD", "as_ddex", "as_tis", "combined", "countries", "covers", "name", "overlaps", "size", "territory"]

WORLD = "2136"

_COUNTRIES = """
AD020 AE784 AF004 AG028 AI660 AL008 AM051 AO024 AQ010 AR032 AS016 AT040 AU036 AW533 AX248 AZ031 BA070 BB052 BD050
BE056 BF854 BG100 BH048 BI108 BJ204 BL652 BM060 BN096 BO068 BQ535 BR076 BS044 BT064 BV074 BW072 BY112 BZ084 CA124
CC166 CD180 CF140 CG178 CH756 CI384 CK184 CL152 CM120 CN156 CO170 CR188 CU192 CV132 CW531 CX162 CY196 CZ203 DE276
DJ262 DK208 DM212 DO214 DZ012 EC218 EE233 EG818 EH732 ER232 ES724 ET231 FI246 FJ242 FK238 FM583 FO234 FR250 GA266
GB826 GD308 GE268 GF254 GG831 GH288 GI292 GL304 GM270 GN324 GP312 GQ226 GR300 GS239 GT320 GU316 GW624 GY328 HK344
HM334 HN340 HR191 HT332 HU348 ID360 IE372 IL376 IM833 IN356 IO086 IQ368 IR364 IS352 IT380 JE832 JM388 JO400 JP392
KE404 KG417 KH116 KI296 KM174 KN659 KP408 KR410 KW414 KY136 KZ398 LA418 LB422 LC662 LI438 LK144 LR430 LS426 LT440
LU442 LV428 LY434 MA504 MC492 MD498 ME499 MF663 MG450 MH584 MK807 ML466 MM104 MN496 MO446 MP580 MQ474 MR478 MS500
MT470 MU480 MV462 MW454 MX484 MY458 MZ508 NA516 NC540 NE562 NF574 NG566 NI558 NL528 NO578 NP524 NR520 NU570 NZ554
OM512 PA591 PE604 PF258 PG598 PH608 PK586 PL616 PM666 PN612 PR630 PS275 PT620 PW585 PY600 QA634 RE638 RO642 RS688
RU643 RW646 SA682 SB090 SC690 SD729 SE752 SG702 SH654 SI705 SJ744 SK703 SL694 SM674 SN686 SO706 SR740 SS728 ST678
SV222 SX534 SY760 SZ748 TC796 TD148 TF260 TG768 TH764 TJ762 TK772 TL626 TM795 TN788 TO776 TR792 TT780 TV798 TW158
TZ834 UA804 UG800 UM581 US840 UY858 UZ860 VA336 VC670 VE862 VG092 VI850 VN704 VU548 WF876 WS882 YE887 YT175 ZA710
ZM894 ZW716
"""
_GROUPS = """
2100 AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW MZ NA NE
    NG RW SC SD SL SN SO SS ST SZ TD TG TN TZ UG ZA ZM ZW
2101 AG AR BB BO BR BS BZ CA CL CO CR CU DM DO EC GD GT GY HN HT JM KN LC MX NI PA PE PR PY SR SV TT US UY VC VE
2102 AR BO BR BZ CA CL CO CR EC GT GY HN MX NI PA PE PY SR SV US UY VE
2103 AG BB CU DM DO GD HT JM KN LC PR TT VC
2104 AU BN CA CL CN HK ID JP KR MX MY NZ PE PG PH PR RU SG TH TW US VN
2105 BN ID KH LA MM MY PH SG TH VN
2106 AE AF AM AZ BD BH BN BT CN CY GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MV MY NP OM PH PK QA
    SA SG SY TH TJ TL TM TR TW UZ VN YE
2107 AU FJ NC NZ SB VU
2108 AL BA BG GR HR ME MK RO RS SI
2109 EE LT LV
2110 BE LU NL
2111 GB IE
2112 AG BB BS DM GD JM KN LC TT VC
2113 BZ CR GT HN NI PA SV
2114 AG AU BB BD BN BS BW BZ CA CM CY DM FJ GB GD GH GM GY IN JM KE KI KN LC LK LS MT MU MV MW MY MZ NA NG NR NZ PG
    PK SB SC SG SL SZ TO TT TV TZ UG VC VU WS ZA ZM
2115 BW CM GH GM KE LS MU MW MZ NA NG SC SL SZ TZ UG ZA ZM
2116 BD BN CY IN LK MV MY PK SG
2117 AU FJ NZ SB VU
2118 AM AZ BY KG KZ MD RU TJ TM UA UZ
2119 AL BG BY CZ EE HU LT LV MD PL RO RU SK UA
2120 AD AL AT BA BE BG BY CH CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS
    RU SE SI SK SM UA VA
2121 AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK
2122 AD AL AT BA BE BG BY CH CZ DE DK EE ES FI FR GR HR HU IT LI LT LU LV MC MD ME MK NL NO PL PT RO RS RU SE SI SK
    SM UA VA
2123 AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK
2124 AT CH DE
2125 AE AF BD BH BT IN IQ IR JO KW LK MN MV NP OM PK QA SA YE
2126 CA MX PR US
2127 DK FI IS NO SE
2128 DZ EG LY MA TN
2129 CA MX US
2130 AU FJ FM KI MH NC NR NZ PF PG PW SB TO TV VU WS
2131 DK NO SE
2132 AR BO BR CL CO EC GY PE PY SR UY VE
2133 BN ID KH LA MM MY PH SG TH TL VN
2134 AG BB BS CU DM DO GD HT JM KN LC PR TT VC
"""
_SUCCESSORS = {
    "200": "CZ SK",
    "230": "ER ET",
    "278": "DE",
    "280": "DE",
    "720": "YE",
    "736": "SD SS",
    "810": "AM AZ BY EE GE KG KZ LT LV MD RU TJ TM UA UZ",
    "886": "YE",
    "890": "BA HR ME MK RS SI",
    "891": "ME RS",
}
_NUMBER_OF = {entry[:2]: entry[2:] for entry in _COUNTRIES.split()}
_BY_NUMBER = {number: alpha for alpha, number in _NUMBER_OF.items()}
_MEMBERS = {
    line.split()[0]: frozenset(line.split()[1:]) for line in re.sub(r"\n {4}", " ", _GROUPS).strip().splitlines()
} | {WORLD: frozenset(_NUMBER_OF)}
_FORMER = {number: frozenset(names.split()) for number, names in _SUCCESSORS.items()}


def territory(text: str) -> str:
    """Check a territory and return it in the one way it is stored.

    Raises FormatError naming the code that is not known, or that is left out of what it is not in.
    Check: ``territory("0840 + ca")`` is ``CA+US``, ``territory("Worldwide")`` is ``2136``.
    """
    return _canonical(text)


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str:
    compact = re.sub(r"\s", "", text)
    signs = re.findall(r"[+-]?\w+", compact)
    if not re.fullmatch(r"\w+([+-]\w+)*", compact):
        raise FormatError(f"{text!r} is not a territory: 2136 (the world), US, DE+AT, 2120-GB", code="territory")
    return combined(
        [sign.lstrip("+") for sign in signs if not sign.startswith("-")],
        [sign[1:] for sign in signs if sign.startswith("-")],
    )


def combined(included: Iterable[str], excluded: Iterable[str] = ()) -> str:
    """Return the territory of these codes without those, as CWR's I and E records and ERN's two lists name them."""
    plus, minus = {_code(code) for code in included}, {_code(code) for code in excluded}
    inside = frozenset[str]().union(*(_of_code(code) for code in plus))
    for code in sorted(minus):
        if not _of_code(code) & inside:
            message = f"territory {code} cannot be left out of {'+'.join(sorted(plus))}: it is not in there"
            raise FormatError(message, code="territory")
    text = "+".join(sorted(plus)) + "".join(f"-{code}" for code in sorted(minus))
    if not countries(text):
        raise FormatError(f"territory {text} leaves nothing over", code="territory")
    return text


def _code(text: str) -> str:
    """Return the code as it is stored: alpha-2 for a country, four digits for a group or a state that is no more."""
    code = text.strip().upper()
    if code == "WORLDWIDE":
        return WORLD
    if code in _NUMBER_OF:
        return code
    if re.fullmatch(r"\d{1,4}", code):
        number = str(int(code)).zfill(3)
        if number in _BY_NUMBER:
            return _BY_NUMBER[number]
        if number in _MEMBERS or number in _FORMER:
            return number.zfill(4)
    raise FormatError(
        f"{text!r} is no territory known here: an ISO 3166-1 code (US), a TIS number (0840, 2120), 2136 for the world",
        code="territory",
    )


def _of_code(code: str) -> frozenset[str]:
    return _MEMBERS.get(code) or _FORMER.get(code.lstrip("0")) or frozenset({code})


@lru_cache(maxsize=4096)
def countries(territory: str) -> frozenset[str]:
    """Return the ISO 3166-1 alpha-2 codes of the countries in a territory, written as :func:`territory` writes it."""
    plus, *minus = territory.split("-")
    inside = frozenset[str]().union(*(_of_code(code) for code in plus.split("+")))
    return inside.difference(*(_of_code(code) for code in minus))


def name(members: Iterable[str]) -> str:
    """Return the shortest territory that is exactly these countries: by inclusion, or the world without the others."""
    inside = frozenset(members)
    group = next((code for code, countries_in in _MEMBERS.items() if countries_in == inside), None)
    if group is not None:
        return group
    outside = _MEMBERS[WORLD] - inside
    if len(outside) < len(inside):
        return WORLD + "".join(f"-{code}" for code in sorted(outside))
    return "+".join(sorted(inside))


def covers(outer: str, inner: str) -> bool:
    """Tell whether all of ``inner`` lies in ``outer``."""
    return countries(inner) <= countries(outer)


def overlaps(one: str, other: str) -> bool:
    """Tell whether a country lies in both."""
    return not countries(one).isdisjoint(countries(other))


def size(territory: str) -> int:
    """Count the countries in a territory. Check: ``size("2136")`` is 249, as many as ISO 3166-1 has."""
    return len(countries(territory))


def as_tis(territory: str) -> list[tuple[str, str]]:
    """Return the territory as CWR writes it: I or E, and a four-digit TIS number, one record each."""
    plus, *minus = territory.split("-")
    signed = [("I", code) for code in plus.split("+")] + [("E", code) for code in minus]
    return [(sign, _NUMBER_OF.get(code, code).zfill(4)) for sign, code in signed]


def as_ddex(territory: str) -> tuple[list[str], list[str]]:
    """Return the territory as ERN writes it: codes that are in, codes that are out; Worldwide and countries only.

    One of the two is empty, as ERN asks.
    """
    inside = countries(territory)
    if inside == _MEMBERS[WORLD]:
        return ["Worldwide"], []
    if territory.startswith(f"{WORLD}-"):
        return [], sorted(_MEMBERS[WORLD] - inside)
    return sorted(inside), []
