"""What holds for every test: a property is not failed for a machine that is busy."""

from hypothesis import settings

settings.register_profile("journeyman", deadline=None)
settings.load_profile("journeyman")
