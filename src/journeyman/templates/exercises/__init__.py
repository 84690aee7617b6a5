"""Requests whose right answer is one tool call: what template adherence is measured and taught with.

    >>> from journeyman.templates.exercises.make import make_exercises
    >>> next(make_exercises(split="heldout", seed=0)).expected.name  # doctest: +SKIP
    'search_files'

A module of the package `journeyman.templates` without a `TEMPLATE` is no template.
"""
