"""What `verifiers` 0.4 finds by the id `journeyman_verifiers`: its ids are top-level packages."""

from journeyman.train.interop.verifiers_taskset import JourneymanHarness, JourneymanTaskset

__all__ = ["JourneymanHarness", "JourneymanTaskset"]
