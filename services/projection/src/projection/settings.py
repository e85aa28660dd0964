"""The projection's settings: the kit's, and nothing of its own."""

from roadbook import settings as kit


class Settings(kit.Settings):
    pass
