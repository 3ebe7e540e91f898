"""Slack's Web API, as far as telling needs it: post, look for what was posted, find people and channels."""

from opsportal.adapters.slack.client import Posted, Slack
from opsportal.adapters.slack.errors import BadAnswer, RateLimited, Refused, SlackError, Unavailable

__all__ = ["BadAnswer", "Posted", "RateLimited", "Refused", "Slack", "SlackError", "Unavailable"]
