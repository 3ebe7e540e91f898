"""Imports what declares endpoints and pages."""

from . import endpoints_git, endpoints_issues, endpoints_pulls, pages

__all__ = ["endpoints_git", "endpoints_issues", "endpoints_pulls", "pages"]
