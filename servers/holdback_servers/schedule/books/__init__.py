"""What the schedule keeps of channels, and what each has on its books. Each function is part of one unit of work."""

from holdback_servers.schedule.books.channels import Actor as Actor
from holdback_servers.schedule.books.channels import all_channels as all_channels
from holdback_servers.schedule.books.channels import find_channel as find_channel
from holdback_servers.schedule.books.channels import save_channel as save_channel
from holdback_servers.schedule.books.reading import RESERVED as RESERVED
from holdback_servers.schedule.books.reading import not_lapsed as not_lapsed
from holdback_servers.schedule.books.reading import read_books as read_books
from holdback_servers.schedule.books.reading import read_late as read_late
from holdback_servers.schedule.books.shelf import Shelf as Shelf
