"""What goes in and comes out, for the OpenAPI document: the JSON of ``formats`` with names and examples.

Fields may be added, never renamed; so every shape lets others be.
"""

from linernotes.api.shapes.accounts import (
    AccountOut,
    Accounts,
    ChangedAccount,
    Credentials,
    MadeToken,
    NewAccount,
    NewToken,
    SessionOut,
    TokenOut,
    Tokens,
)
from linernotes.api.shapes.audit import ChainProof, Trail
from linernotes.api.shapes.catalogue import Correction, EntryOut, Found, FoundRecording
from linernotes.api.shapes.claims import Choice, ClaimOut, Claims
from linernotes.api.shapes.common import Listed, ProblemOut, Reason
from linernotes.api.shapes.jobs import JobOut, Jobs, QueuedJobs
from linernotes.api.shapes.money import Balance, NewRun, Posted, Proof, WhyOut
from linernotes.api.shapes.notices import (
    ContactIn,
    Counter,
    IssuedNotices,
    NewNotice,
    NoticeOut,
    NoticesOut,
    NoticeStep,
    StatementsIn,
)
from linernotes.api.shapes.policies import NewPolicy, Policies, PolicyOut
from linernotes.api.shapes.traces import NotesOut, TraceOut, WaveformOut
from linernotes.api.shapes.webhooks import MadeWebhook, NewWebhook, WebhookEvent

__all__ = [
    "AccountOut",
    "Accounts",
    "Balance",
    "ChainProof",
    "ChangedAccount",
    "Choice",
    "ClaimOut",
    "Claims",
    "ContactIn",
    "Correction",
    "Counter",
    "Credentials",
    "EntryOut",
    "Found",
    "FoundRecording",
    "IssuedNotices",
    "JobOut",
    "Jobs",
    "Listed",
    "MadeToken",
    "MadeWebhook",
    "NewAccount",
    "NewNotice",
    "NewPolicy",
    "NewRun",
    "NewToken",
    "NewWebhook",
    "NotesOut",
    "NoticeOut",
    "NoticeStep",
    "NoticesOut",
    "Policies",
    "PolicyOut",
    "Posted",
    "ProblemOut",
    "Proof",
    "QueuedJobs",
    "Reason",
    "SessionOut",
    "StatementsIn",
    "TokenOut",
    "Tokens",
    "TraceOut",
    "Trail",
    "WaveformOut",
    "WebhookEvent",
    "WhyOut",
]
