"""Trust for OMA Device Management, rooted in the subscriber card.

Guarantees: the names below are the public interface; each is loaded on first use, so that importing this package needs
no PC/SC and costs nothing. Spec: OMA-TS-DM_Sessionless (draft 1.3).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from smartcard_dm import client, wbxml
    from smartcard_dm.card.session import CardSession
    from smartcard_dm.card_uri import open_card
    from smartcard_dm.credentials import read_accounts, read_credentials, read_provisioning
    from smartcard_dm.dm import AppAuth, DmAccount, DmMessage, ServerId
    from smartcard_dm.errors import (
        AgentError,
        CardError,
        DecodeError,
        KeyMaterialError,
        SmartcardDmError,
        UnsupportedError,
        VerificationError,
    )
    from smartcard_dm.identity import CardIdentity, Generation, Origin
    from smartcard_dm.limits import Limits
    from smartcard_dm.rules import Rule, Step
    from smartcard_dm.secret import Secret
    from smartcard_dm.server.issue import issue
    from smartcard_dm.tree import DeviceInformation, DeviceTree
    from smartcard_dm.trust.anchors import TrustAnchor
    from smartcard_dm.trust.credentials import Credentials
    from smartcard_dm.trust.policy import Policy
    from smartcard_dm.trust.transport import Transport, TransportKind
    from smartcard_dm.trust.verified import VerifiedMessage
    from smartcard_dm.trust.verifier import Verifier

_HOME: Final = {
    "AgentError": "smartcard_dm.errors",
    "AppAuth": "smartcard_dm.dm",
    "CardError": "smartcard_dm.errors",
    "CardIdentity": "smartcard_dm.identity",
    "CardSession": "smartcard_dm.card.session",
    "Credentials": "smartcard_dm.trust.credentials",
    "DecodeError": "smartcard_dm.errors",
    "DeviceInformation": "smartcard_dm.tree",
    "DeviceTree": "smartcard_dm.tree",
    "DmAccount": "smartcard_dm.dm",
    "DmMessage": "smartcard_dm.dm",
    "Generation": "smartcard_dm.identity",
    "KeyMaterialError": "smartcard_dm.errors",
    "Limits": "smartcard_dm.limits",
    "Origin": "smartcard_dm.identity",
    "Policy": "smartcard_dm.trust.policy",
    "Rule": "smartcard_dm.rules",
    "Secret": "smartcard_dm.secret",
    "ServerId": "smartcard_dm.dm",
    "SmartcardDmError": "smartcard_dm.errors",
    "Step": "smartcard_dm.rules",
    "Transport": "smartcard_dm.trust.transport",
    "TransportKind": "smartcard_dm.trust.transport",
    "TrustAnchor": "smartcard_dm.trust.anchors",
    "UnsupportedError": "smartcard_dm.errors",
    "VerificationError": "smartcard_dm.errors",
    "VerifiedMessage": "smartcard_dm.trust.verified",
    "Verifier": "smartcard_dm.trust.verifier",
    "issue": "smartcard_dm.server.issue",
    "open_card": "smartcard_dm.card_uri",
    "read_accounts": "smartcard_dm.credentials",
    "read_credentials": "smartcard_dm.credentials",
    "read_provisioning": "smartcard_dm.credentials",
}

_ROOMS: Final = ("client", "wbxml")

__all__ = [
    "AgentError",
    "AppAuth",
    "CardError",
    "CardIdentity",
    "CardSession",
    "Credentials",
    "DecodeError",
    "DeviceInformation",
    "DeviceTree",
    "DmAccount",
    "DmMessage",
    "Generation",
    "KeyMaterialError",
    "Limits",
    "Origin",
    "Policy",
    "Rule",
    "Secret",
    "ServerId",
    "SmartcardDmError",
    "Step",
    "Transport",
    "TransportKind",
    "TrustAnchor",
    "UnsupportedError",
    "VerificationError",
    "VerifiedMessage",
    "Verifier",
    "client",
    "issue",
    "open_card",
    "read_accounts",
    "read_credentials",
    "read_provisioning",
    "wbxml",
]


def __getattr__(name: str) -> object:
    if name in _ROOMS:
        return import_module(f"smartcard_dm.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
