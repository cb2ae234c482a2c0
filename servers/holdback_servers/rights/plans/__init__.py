"""What would clear it: the smallest changes that do, ranked, each plan decided again. Pure.

For every reference that stands in the way there are ways out: live with it (and give up the cells or the time it
costs), shorten it, replace it, buy what no grant gives, or have the event recorded that a right hangs on. A way for
each reference, and a choice of platforms to give up, make a candidate; what a cell still lacks then is a territory to
drop or a window to move. Where a limit on the whole question is in the way (its runs, its languages, how long it is),
smaller questions are tried too. Candidates are ranked by what they cost and the best ones are applied and decided
again; only those that clear are offered as verified.
"""

from holdback_servers.rights.plans.searching import OFFERED, plans

__all__ = ["OFFERED", "plans"]
