"""How other systems read the schedule, and how theirs is read: iCalendar, XMLTV, BXF, ffplayout, CSV. Pure."""
