"""Tickets and GitHub kept in step: pull requests and reviews are read, tickets stand there as issues.

``rounds`` is what the task calls; ``pulls``, ``issues`` and ``comments`` are its parts; ``merging`` (pure) decides what
goes which way; ``wording`` is how a ticket reads there. No transaction is held across a call.
"""
