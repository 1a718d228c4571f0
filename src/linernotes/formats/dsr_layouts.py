"""DDEX Digital Sales Reports: which cells a record has, by its type and version.

A record is known by its first cell, ``SU02.03``; the cells after it are named here in order. Versions of one type only
add cells at the end, so that a version that is not listed is read by the newest that is, unless the file brings
headings (``#SU02.09<TAB>BlockId…``), which then count.

**Source**: DDEX DSR part 8, record type definitions; the schemas of Basic Audio 1.0 and 1.2, UGC 1.0 and 1.2, Royalty
Reporting 1.0.1, Audio-Visual 1.0 and 1.1 (films and programmes: SU04), Radio Broadcast 1.0 (SU05);
for Basic Audio 1.4 also the cells of SY01.03, AS02.04 and SU02.03 as published. Basic Audio 1.0 and 1.1 have the same
cells without the last ones.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["DsrLayout", "DsrRole", "layout_of"]


class DsrRole(StrEnum):
    """What a record is for."""

    HEAD = "head"
    SUMMARY = "summary"
    RELEASE = "release"
    PART = "part"
    RESOURCE = "resource"
    WORK = "work"
    USAGE = "usage"
    FOOT = "foot"
    ASIDE = "aside"


@dataclass(frozen=True, slots=True)
class DsrLayout:
    """A record type: its role, and where in a line what we read stands, from 1 (the type itself).

    ``names``: the standard's name of each thing that is read, for messages.
    """

    type: str
    role: DsrRole
    cells: Mapping[str, int]
    names: Mapping[str, str]


_TYPE = re.compile(r"[A-Z]{2}\d\d(\.\d\d)?|HEAD|FOOT|SRHE|SRFO")
_ROLES = {
    "HEAD": DsrRole.HEAD,
    "SRHE": DsrRole.HEAD,
    "SY": DsrRole.SUMMARY,
    "RE01": DsrRole.RELEASE,
    "RE02": DsrRole.PART,
    "RE03": DsrRole.RELEASE,
    "AS": DsrRole.RESOURCE,
    "MW": DsrRole.WORK,
    "SU": DsrRole.USAGE,
    "SR": DsrRole.USAGE,
    "RU": DsrRole.ASIDE,  # where a resource was heard, video by video; SU has the sum
    "LI": DsrRole.ASIDE,  # who the sender thinks has a right in it; the catalogue says that here
    "FOOT": DsrRole.FOOT,
    "SRFO": DsrRole.FOOT,
}

_PARTIES = (
    "ComposerAuthor ComposerAuthorPartyId Arranger ArrangerPartyId MusicPublisher MusicPublisherPartyId"
    " WorkContributor WorkContributorPartyId"
)
_SUMMARY = "SummaryRecordId DistributionChannel DistributionChannelDPID CommercialModel UseType Territory"
_RESOURCE = (
    "BlockId ResourceReference DspResourceId ISRC Title SubTitle DisplayArtistName DisplayArtistPartyId Duration"
    " ResourceType"
)
_SALE = "BlockId SummaryRecordId SalesTransactionId TransactedRelease TransactedResource IsRoyaltyBearing"
_UGC = (
    "BlockId SalesTransactionId SummaryRecordId DspResourceId Usages NetRevenue ValidityPeriodStart ValidityPeriodEnd"
)
_RELEASE_INLINE = (
    "DspReleaseId ProprietaryReleaseId CatalogNumber ICPN ReleaseDisplayArtistName ReleaseDisplayArtistPartyId"
    " ReleaseTitle ReleaseSubTitle"
)
_RECORDING_INLINE = (
    "SummaryRecordId DspResourceId ISRC ResourceTitle ResourceSubTitle ResourceDisplayArtistName"
    " ResourceDisplayArtistPartyId"
)
_SOLD_INLINE = (
    f"{_RECORDING_INLINE} Duration ResourceType ProprietaryWorkId ISWC {_PARTIES} {_RELEASE_INLINE} ReleaseType"
    " ReleaseLabel PLine ReleaseDataProvider"
)
_RIGHTS_INLINE = "RightsController RightsControllerPartyId RightsControllerWorkId RightSharePercentage RightsType"
_LAYOUTS = {
    "HEAD": "MessageVersion Profile ProfileVersion MessageId MessageCreatedDateTime FileNumber NumberOfFiles"
    " UsageStartDate UsageEndDate SenderPartyId SenderName ServiceDescription RecipientPartyId RecipientName"
    " RepresentedRepertoire",
    "SY01.01": f"{_SUMMARY} ServiceDescription Usages Subscribers CurrencyOfReporting NetRevenue IndirectNetRevenue"
    " CurrencyOfTransaction ExchangeRate",
    "SY01.03": f"{_SUMMARY} ServiceDescription TotalUsages Subscribers CurrencyOfReporting NetRevenue IndirectValue"
    " CurrencyOfTransaction ExchangeRate ExchangeRateSource DateOfCurrencyExchange TotalPlaybackDuration",
    "SY02.02": f"{_SUMMARY} ServiceDescription Usages Users CurrencyOfReporting NetRevenue RightsController"
    " RightsControllerPartyId AllocatedUsages AllocatedRevenue AllocatedNetRevenue RightsType ContentCategory"
    " CurrencyOfTransaction ExchangeRate RightsTypePercentage",
    "SY03": f"{_SUMMARY} ServiceDescription Usages Subscribers Currency NetRevenue RightsController"
    " RightsControllerPartyId AllocatedUsages AllocatedRevenue AllocatedNetRevenue RightsControllerMarketShare"
    " ConsumerPaidUnitPrice FreeOrTrialSubscribers ExchangeRateBaseCurrency ExchangeRate",
    "SY04.01": f"{_SUMMARY} ServiceDescription SubscriberType Subscribers SubPeriodStartDate SubPeriodEndDate"
    " UsagesInSubPeriod UsagesInReportingPeriod CurrencyOfReporting CurrencyOfTransaction ExchangeRate"
    " ConsumerPaidUnitPrice NetRevenue MusicUsagePercentage",
    "SY05.02": f"{_SUMMARY} ServiceDescription RightsController RightsControllerPartyId RightsType ServiceUsages"
    " AllocatedUsages MusicUsageRatio AllocatedNetRevenue AllocatedRevenue RightsControllerMarketShare"
    " CurrencyOfReporting CurrencyOfTransaction ExchangeRate SubscriberType SubPeriodStartDate SubPeriodEndDate"
    " ContentCategory RightsTypePercentage",
    "SY06.02": f"{_SUMMARY} ServiceDescription Usages Subscribers CurrencyOfReporting NumberOfReleases NetRevenue"
    " IndirectNetRevenue PreviewAvailable CurrencyOfTransaction ExchangeRate ViewingHours",
    "SY07": f"{_SUMMARY} RightsType ServiceDescription Usages Users Currency NetRevenue RightsController"
    " RightsControllerPartyId AllocatedUsages AllocatedRevenue AllocatedNetRevenue",
    "SY08": "SummaryRecordId DistributionChannel DistributionChannelDPID ServiceDescription BroadcastStationOrChannel"
    " CommercialModel UseType Territory NumberOfBroadcasts NumberOfBroadcastListeners ListenerHours Currency NetRevenue"
    " IndirectNetRevenue RightsController RightsControllerPartyId AllocatedRevenue RightsType AllocatedNetRevenue"
    " RightsControllerAllocatedNumberOfBroadcasts AdditionalData",
    "SY09": "SummaryRecordId CommercialModel UseType Territory ServiceDescription SubscriberType RightsController"
    " RightsControllerPartyId RightsType Usages AllocatedUsages NetRevenue IndirectNetRevenue"
    " RightsControllerMarketShare CurrencyOfReporting CurrencyOfTransaction ExchangeRate RightsTypePercentage",
    "RE01": "BlockId ReleaseReference DspReleaseId ProprietaryReleaseId CatalogNumber ICPN DisplayArtistName"
    " DisplayArtistPartyId Title SubTitle ReleaseType Label PLine DataProvider",
    "RE02": "BlockId ReleaseReference DspSubReleaseId ProprietarySubReleaseId UsedResources",
    "RE03": "BlockId ReleaseReference DspReleaseId ProprietaryReleaseId ICPN Title SubTitle SeriesTitle SeasonNumber"
    " DisplayArtistName DisplayArtistPartyId ReleaseType DataProvider",
    "AS01": f"{_RESOURCE} IsMasterRecording",
    "AS02": f"{_RESOURCE} ISWC {_PARTIES} ProprietaryWorkId IsMasterRecording",
    "AS02.04": f"{_RESOURCE} ISWC {_PARTIES} ProprietaryWorkId IsMasterRecording IsSubjectToOwnershipConflict"
    " LastConflictCheck DisplayArtist",
    "AS03": "BlockId ResourceReference DspResourceId ISAN EIDR ProprietaryId VideoType Title SubTitle OriginalTitle"
    " SeasonNumber EpisodeNumber Genre Duration ProducerName ProducerPartyId DirectorName DirectorPartyId ActorName"
    " ActorPartyId LanguageLocalizationType HasCaptioning HasAudioDescription LanguageOfPerformance LanguageOfDubbing"
    " ProductionOrReleaseDate CountryOfProduction FirstVoDBroadcastDate",
    "MW01": f"BlockId DspWorkId ISWC Title SubTitle {_PARTIES} DataProvider ProprietaryWorkId",
    "SU01": f"{_SALE} SalesUpgrade Usages Returns PriceConsumerPaidExcSalesTax PromotionalActivity",
    "SU02": f"{_SALE} NumberOfStreams PriceConsumerPaidExcSalesTax PromotionalActivity",
    "SU02.03": f"{_SALE} NumberOfStreams PriceEndUserPaidExcSalesTax PromotionalActivity UseType PlaybackDuration",
    "SU03.01": _UGC,
    "SU03.02": f"{_UGC} ContentCategory IsRoyaltyBearing",
    "SU04": "BlockId SummaryRecordId SalesTransactionId TransactedRelease TransactedResource DrmEnforcementType"
    " VideoDefinitionType CodingType BitRate OriginalBroadcastChannel OriginalBroadcastDateTime IsRoyaltyBearing"
    " SalesUpgrade Usages Returns DurationUsed PriceConsumerPaidExcSalesTax PromotionalActivity OfferStartDate"
    " OfferEndDate OfferURL FirstVoDBroadcastDateTime",
    "SU05": "BlockId SummaryRecordId SalesTransactionId TransactedResource IsRoyaltyBearing NumberOfBroadcasts"
    " NumberOfBroadcastListeners ListenerDuration",
    "SR01": f"{_SOLD_INLINE} NumberOfTransactedResources SalesTransactionId IsRoyaltyBearing SalesUpgrade Downloads"
    " Returns PriceConsumerPaidExcSalesTax CalculatedPriceConsumerPaidForResourceExcSalesTax PromotionalActivity",
    "SR02": f"{_SOLD_INLINE} SalesTransactionId IsRoyaltyBearing NumberOfStreams PromotionalActivity",
    "SR03": f"{_RECORDING_INLINE} Duration ResourceType WorkTitle DspWorkId ISWC {_PARTIES} {_RELEASE_INLINE}"
    " ReleaseLabel PLine SalesTransactionId Usages NetRevenue ValidityPeriodStart ValidityPeriodEnd ContentCategory"
    f" {_RIGHTS_INLINE} AllocatedNetRevenue AllocatedAmount AllocatedUsages AllocatedNetUsage",
    "SR06": f"{_RECORDING_INLINE} WorkTitle DspWorkId ISWC ComposerAuthor ComposerAuthorPartyId Usages"
    f" ValidityPeriodStart ValidityPeriodEnd ContentCategory {_RIGHTS_INLINE} AllocatedAmount AllocatedNetUsage",
    "RU01": "BlockId SummaryRecordId DspReleaseId Usages",
    "RU02": "BlockId SummaryRecordId DspReleaseId ReleaseTitle ReleaseURL Usages",
    "LI01": f"BlockId SummaryRecordId {_RIGHTS_INLINE} AllocatedNetRevenue AllocatedAmount",
    "FOOT": "NumberOfLinesInFile NumberOfLinesInReport NumberOfSummaryRecords NumberOfBlocksInFile"
    " NumberOfBlocksInReport",
    "SRFO": "NumberOfLinesInReport NumberOfSummaryRecords",
}
_LAYOUTS |= {"SRHE": _LAYOUTS["HEAD"], "SY12": _LAYOUTS["SY01.03"]}

_READ = {
    DsrRole.HEAD: {name: name for name in _LAYOUTS["HEAD"].split()},
    DsrRole.FOOT: {name: name for name in _LAYOUTS["FOOT"].split()},
    DsrRole.SUMMARY: {
        "id": "SummaryRecordId",
        "territory": "Territory",
        "currency": "CurrencyOfReporting Currency",
        "service": "ServiceDescription",
        "use_type": "UseType",
        "commercial_model": "CommercialModel CommercialModelType",
        "usages": "Usages TotalUsages UsagesInReportingPeriod NumberOfUsages AllocatedUsages NumberOfBroadcasts",
        "revenue": "NetRevenue AllocatedNetRevenue",
    },
    DsrRole.RELEASE: {"block": "BlockId", "reference": "ReleaseReference"},
    DsrRole.PART: {"block": "BlockId", "reference": "ReleaseReference", "resources": "UsedResources"},
    DsrRole.RESOURCE: {
        "block": "BlockId",
        "reference": "ResourceReference",
        "dsp_resource": "DspResourceId",
        "isrc": "ISRC",
        "title": "Title",
        "artist": "DisplayArtistName",
        "iswc": "ISWC",
    },
    DsrRole.WORK: {"block": "BlockId", "iswc": "ISWC"},
    DsrRole.USAGE: {
        "block": "BlockId",
        "summary": "SummaryRecordId",
        "resource": "TransactedResource TransactedResourceReference",
        "dsp_resource": "DspResourceId DspReleaseId",
        "release": "TransactedRelease TransactedReleaseReference",
        "quantity": "Usages NumberOfStreams Downloads NumberOfUsages NumberOfSales NumberOfBroadcasts",
        "returns": "Returns",
        "price": "PriceConsumerPaidExcSalesTax PriceEndUserPaidExcSalesTax",
        "revenue": "NetRevenue",
        "bearing": "IsRoyaltyBearing",
        "use_type": "UseType",
        "used_on": "ValidityPeriodStart",
        "isrc": "ISRC",
        "iswc": "ISWC",
        "title": "ResourceTitle",
        "artist": "ResourceDisplayArtistName",
    },
    DsrRole.ASIDE: {},
}


def layout_of(type_: str, headings: Mapping[str, Sequence[str]] | None = None) -> DsrLayout | None:
    """Return how a record of this type is read, None if nothing is known of it.

    ``headings``: by type, the cell names that the file itself brings.

    Check: ``layout_of("SU02.03").cells["quantity"]`` is 8.
    """
    family = type_.split(".", maxsplit=1)[0]
    role = _ROLES.get(family) or _ROLES.get(family[:2]) if _TYPE.fullmatch(type_) else None
    if role is None:
        return None
    told = _LAYOUTS[type_].split() if type_ in _LAYOUTS else list((headings or {}).get(type_, ()))
    if not told:
        versions = sorted(known for known in _LAYOUTS if known.split(".")[0] == family)
        told = _LAYOUTS[versions[-1]].split() if versions else []
    if not told and role is not DsrRole.ASIDE:
        return None
    places = {name: place for place, name in reversed(list(enumerate(told, 2)))}
    found = {
        field: next((name for name in names.split() if name in places), "") for field, names in _READ[role].items()
    }
    found = {field: name for field, name in found.items() if name}
    return DsrLayout(type_, role, {field: places[name] for field, name in found.items()}, found)
