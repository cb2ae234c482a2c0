"""The runs that publications take, as the keeper of runs is to know them, until it is known that it does.

A transmission takes a run wherever a right gives only so many. The keeper is another system, and nothing is asked of it
inside a transaction. So `order` writes down what is wanted with each change of a publication, and `settle` tells the
keeper again and again until it has heard; what it is told may be told twice.

A change that takes new runs needs them first. `secured` writes the intent, then reserves; the change itself, in its own
transaction, calls `confirm`. An intent that no change confirmed within a minute is given back, and from then on cannot
be confirmed: a run is neither lost with a process that died nor used twice.
"""

from holdback_servers.schedule.run_orders.orders import confirm as confirm
from holdback_servers.schedule.run_orders.orders import order as order
from holdback_servers.schedule.run_orders.orders import ready as ready
from holdback_servers.schedule.run_orders.settling import secured as secured
from holdback_servers.schedule.run_orders.settling import settle as settle
from holdback_servers.schedule.run_orders.settling import settle_due as settle_due
from holdback_servers.schedule.run_orders.settling import withdraw as withdraw
from holdback_servers.schedule.run_orders.transmissions import Reservation as Reservation
from holdback_servers.schedule.run_orders.transmissions import Run as Run
from holdback_servers.schedule.run_orders.transmissions import runs_of as runs_of
