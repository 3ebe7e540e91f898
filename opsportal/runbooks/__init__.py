"""Markdown runbooks with the environment's names filled in and a button where the portal can do the step."""
