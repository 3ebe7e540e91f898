"""Where the repository is, and the environment in which git may talk to it."""

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from opsportal.adapters.git.errors import GitError, shown

_SCP_LIKE = re.compile(r"\A[A-Za-z0-9_.][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^:\s][^\s]*\Z")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# What git may know of this machine: where programs are, the way out, whom to trust.
_PASSED_ON = (
    "PATH",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
)


@dataclass(frozen=True)
class Remote:
    """The configured address, checked. ``protocol`` is the only one git may use: https, http, ssh or file."""

    url: str
    protocol: str
    token: str | None = field(default=None, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be seen in a message."""
        return (self.token, _basic(self.token)) if self.token else ()


def parse_remote(url: str, token: str | None) -> Remote:
    """Check an operator's address. Raises :class:`GitError` for one that is unsafe or cannot be used.

    Taken: ``https://``, ``ssh://``, ``user@host:path``, ``file://``, a path on this machine, and ``http://``
    (with a token only to this machine). A token belongs into its own setting, not into the address.
    """
    if not url or any(ord(c) < 33 or ord(c) == 127 for c in url if c != " ") or url.startswith("-"):
        raise GitError(
            "The repository's address is empty or has characters that no address has.", _ADDRESS_REMEDY
        )
    if token is not None and not re.fullmatch(r"[\x21-\x7e]+", token):
        raise GitError("The repository's token has characters that no token has.", "Set the token again.")
    if _SCP_LIKE.match(url):
        return Remote(url, "ssh")
    if "://" not in url:
        if "::" in url:
            raise GitError(f"Addresses like “{shown(url)}” are not taken.", _ADDRESS_REMEDY)
        return Remote(str(Path(url).absolute()), "file")
    return _parse_url(url, token)


def _parse_url(url: str, token: str | None) -> Remote:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise GitError("The repository's address cannot be read.", _ADDRESS_REMEDY) from error
    protocol = parts.scheme.lower()
    if protocol not in {"https", "http", "ssh", "file"}:
        raise GitError(f"Addresses with “{shown(parts.scheme)}://” are not taken.", _ADDRESS_REMEDY)
    if parts.password is not None or (protocol in {"https", "http"} and parts.username is not None):
        raise GitError(
            "The repository's address holds a name or password.",
            "Take it out and set GIT_TOKEN instead.",
        )
    if protocol != "file" and (not host or host.startswith("-")):
        raise GitError("The repository's address names no host.", _ADDRESS_REMEDY)
    if protocol == "http" and token and host not in _LOOPBACK:
        raise GitError("A token is not sent over plain http.", "Use the repository's https:// address.")
    return Remote(url, protocol, token if protocol in {"https", "http"} else None)


_ADDRESS_REMEDY = (
    "Set GIT_REPOSITORY_URL to an https://, ssh:// or file:// address or a path on this machine."
)


def local_environment(home: Path) -> dict[str, str]:
    """The environment for commands that read our clone: no network, no user's or machine's configuration."""
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": "",
        **_configuration(_ALWAYS),
    }


def remote_environment(home: Path, remote: Remote) -> dict[str, str]:
    """The environment for commands that talk to the remote: exactly its protocol, its token as a header."""
    settings = dict(_ALWAYS)
    settings["protocol.file.allow"] = "always" if remote.protocol == "file" else "never"
    settings["http.followRedirects"] = "false" if remote.token else "initial"
    environment = {
        **local_environment(home),
        "GIT_ALLOW_PROTOCOL": remote.protocol,
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=20",
    }
    if remote.token:
        parts = urlsplit(remote.url)
        settings[f"http.{parts.scheme}://{parts.netloc}/.extraHeader"] = (
            f"Authorization: Basic {_basic(remote.token)}"
        )
    return environment | _configuration(settings)


def _basic(token: str) -> str:
    return base64.b64encode(f"x-access-token:{token}".encode()).decode()


_ALWAYS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "credential.helper": "",
    "init.defaultBranch": "main",
    "safe.directory": "*",
    "color.ui": "false",
    "log.showSignature": "false",
    "i18n.logOutputEncoding": "UTF-8",
    # Housekeeping happens inside the fetch that calls for it: nothing may stay running behind our back.
    "gc.autoDetach": "false",
    "maintenance.autoDetach": "false",
    "fetch.recurseSubmodules": "false",
    "fetch.writeCommitGraph": "true",
    "protocol.file.allow": "never",
    # A connection that has gone dead ends by itself even when nobody is left to end it.
    "http.lowSpeedLimit": "100",
    "http.lowSpeedTime": "30",
}


def _configuration(settings: Mapping[str, str]) -> dict[str, str]:
    given = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        given[f"GIT_CONFIG_KEY_{number}"] = key
        given[f"GIT_CONFIG_VALUE_{number}"] = value
    return given
