"""What can go wrong between us and Git, sorted so that the caller can tell whose move it is."""

from opsportal.kit.text import safe_text


class GitError(Exception):
    """Something about Git failed. ``problem`` says what, ``remedy`` what to do next; both are safe to show.

    ``transient``: trying again later, with nothing changed, may well succeed.
    """

    transient = False

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


class RefNotFound(GitError):
    """No branch, tag or commit of that name."""

    def __init__(self, name: object) -> None:
        super().__init__(
            f"There is no branch, tag or commit “{shown(name)}” in the repository.",
            "Check the spelling; if it was pushed a moment ago, refresh and try again. "
            "It may also have been deleted or rewritten.",
        )


class AmbiguousRef(GitError):
    """The name fits more than one commit."""


class PathNotFound(GitError):
    """The commit holds no such file or folder."""


class TooLarge(GitError):
    """More than the caller is willing to take."""


class UnsafeTree(GitError):
    """The tree holds something that cannot be exported truthfully or safely."""


class CannotWrite(GitError):
    """This machine's disk did not take what was to be written."""


class RemoteError(GitError):
    """The remote repository could not be read: network, address, permission."""

    transient = True


class GitTimeout(RemoteError):
    """Git did not answer in the time given."""


class RepositoryBusy(GitError):
    """Another process is refreshing the clone and did not finish in time."""

    transient = True


class NotCloned(GitError):
    """The clone was not made yet."""

    transient = True


class BrokenRepository(GitError):
    """The clone on this machine is damaged; the next refresh makes it anew."""

    transient = True


class GitMissing(GitError):
    """There is no git command on this machine."""


class CommandFailed(GitError):
    """git ended with an error that has no name of its own here."""

    def __init__(self, what: str, status: int | None, stderr: str) -> None:
        said = f": {stderr}" if stderr else ""
        super().__init__(
            f"git {what} failed (status {status}){said}", "Try again; if it fails again, tell an admin."
        )
        self.status = status
        self.stderr = stderr


def shown(name: object, limit: int = 120) -> str:
    """A name that may be hostile, made fit for a sentence."""
    return safe_text(str(name).encode("utf-8", "replace").decode("utf-8"), limit)
