"""What the schedule keeps of publications: found, written, and what may become of them."""

from holdback_servers.schedule.store.finding import as_of as as_of
from holdback_servers.schedule.store.finding import find_hold as find_hold
from holdback_servers.schedule.store.finding import find_publication as find_publication
from holdback_servers.schedule.store.finding import followers as followers
from holdback_servers.schedule.store.finding import page as page
from holdback_servers.schedule.store.finding import place_of as place_of
from holdback_servers.schedule.store.finding import with_history as with_history
from holdback_servers.schedule.store.keeping import ENDED as ENDED
from holdback_servers.schedule.store.keeping import cancel as cancel
from holdback_servers.schedule.store.keeping import check_free as check_free
from holdback_servers.schedule.store.keeping import check_open as check_open
from holdback_servers.schedule.store.keeping import check_unlocked as check_unlocked
from holdback_servers.schedule.store.keeping import commit as commit
from holdback_servers.schedule.store.keeping import committable as committable
from holdback_servers.schedule.store.keeping import extend as extend
from holdback_servers.schedule.store.keeping import hold as hold
from holdback_servers.schedule.store.keeping import lock as lock
from holdback_servers.schedule.store.papers import Admission as Admission
from holdback_servers.schedule.store.papers import Papers as Papers
from holdback_servers.schedule.store.papers import admitted as admitted
from holdback_servers.schedule.store.papers import find_papers as find_papers
from holdback_servers.schedule.store.papers import keep_papers as keep_papers
from holdback_servers.schedule.store.writing import let_go as let_go
from holdback_servers.schedule.store.writing import put as put
from holdback_servers.schedule.tables import METADATA as METADATA
from holdback_servers.schedule.tables import TABLES as TABLES
