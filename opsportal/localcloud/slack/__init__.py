"""A small Slack beside the cloud: the Web API's methods that a bot needs to tell things, and an inbox page to read them.

Any bot token (``xoxb-…``) is taken, but for one that ends in ``revoked``. There are the channels ``dev``, ``product``,
``admins`` and ``general``; ``elsewhere``, which the bot is not in; and ``attic``, which is archived. Everybody with an
e-mail address is a member, but for addresses that begin with ``nobody``.
"""

from . import api, inbox

__all__ = ["api", "inbox"]
