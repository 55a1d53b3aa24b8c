"""What client provisioning gives as connectivity objects is what the device supports."""

from __future__ import annotations

from smartcard_dm.dm import accounts_from_document, objects_from_accounts
from smartcard_dm.tree.builtin import BUILTIN
from tests.dm.cp_samples import EVERYTHING, NAPDEF, PXLOGICAL, document


def test_objects_of_client_provisioning_fit_the_built_in_tables() -> None:
    handlers = {identifier: handler for handler in BUILTIN for identifier in handler.versions}
    for given in (EVERYTHING, document(NAPDEF, PXLOGICAL)):
        found = objects_from_accounts(accounts_from_document(given, origin_place=""))
        assert len(found.objects) >= 2
        for each in found.objects:
            handlers[each.node.mo_id or ""].check(each.node, each.path)
