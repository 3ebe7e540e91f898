"""A small GitHub: its REST API under ``/github/api/v3``, as an Enterprise Server has it, and pages beside it.

Branches, tags, commits and merges are real: they lie in bare Git repositories that the estate names. Everything
else (pull requests, reviews, issues, comments, labels, statuses) is kept in the cloud's own store. What people do
on a page and what comes by the API goes through the same functions: :mod:`.pull_actions` and :mod:`.issue_actions`.
"""
