"""How deep properties are searched: enough to notice at once by default, ten times as deep in CI."""

from hypothesis import settings

settings.register_profile("default", max_examples=25, deadline=None)
settings.register_profile("deep", max_examples=250, deadline=None)
