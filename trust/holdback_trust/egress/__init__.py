"""Where this house may send requests by itself.

Agents' cards, an issuer's keys, documents of clients and webhooks are fetched from addresses that others wrote. So a
host must be listed, its name is looked up once, every address that it stands for is checked, and the connection goes
to the address that was checked: a name that changes its mind in between (DNS rebinding) leads nowhere.
"""

from holdback_trust.egress.reaching import Allowed, Destination, Egress, Fetched, Resolve

__all__ = ["Allowed", "Destination", "Egress", "Fetched", "Resolve"]
