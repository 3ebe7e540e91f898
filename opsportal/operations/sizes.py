"""What another size costs in memory: per instance, in all, before and after, against what may be used. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """How large an application is: instances, and MB of memory each."""

    instances: int
    memory_mb: int

    @property
    def total_mb(self) -> int:
        """Memory of all instances together, in MB."""
        return self.instances * self.memory_mb


@dataclass(frozen=True)
class Allowance:
    """The organization's quota in MB: in all, of one process, used now; None where not limited, or not told."""

    total_mb: int | None = None
    per_process_mb: int | None = None
    used_mb: int | None = None


def cost(before: Size, after: Size, allowance: Allowance | None = None) -> list[str]:
    """Sentences: per instance and in all, before and after; then what is left of the quota, where it is known."""
    said = [_total("Now", before), _total("Then", after), _difference(before, after)]
    if allowance is None:
        return said
    if allowance.total_mb is not None and allowance.used_mb is not None:
        used = allowance.used_mb + after.total_mb - before.total_mb
        said.append(f"The organization would use {megabytes(used)} of its {megabytes(allowance.total_mb)}.")
    return said + [f"It is too large: {each}" for each in excess(before, after, allowance)]


def excess(before: Size, after: Size, allowance: Allowance) -> Sequence[str]:
    """What the quota does not allow, in words; empty when it fits, or when nothing is known of a quota.

    While instances are replaced one by one there is one more of them for a moment; it is not counted here, because
    the platform waits for room rather than failing.
    """
    said = []
    if allowance.per_process_mb is not None and after.memory_mb > allowance.per_process_mb:
        said.append(f"an instance may have at most {megabytes(allowance.per_process_mb)}.")
    grows = after.total_mb - before.total_mb
    if allowance.total_mb is not None and allowance.used_mb is not None and grows > 0:
        left = max(0, allowance.total_mb - allowance.used_mb)
        if grows > left:
            said.append(f"{megabytes(grows)} more are needed and {megabytes(left)} are left.")
    return said


def megabytes(amount: int) -> str:
    """``512 MB``, ``1.5 GB``: as manifests say it, 1,024 MB to the GB."""
    if amount < 1024:
        return f"{amount} MB"
    return f"{amount / 1024:.2f}".rstrip("0").rstrip(".") + " GB"


def _total(when: str, size: Size) -> str:
    plural = "instance" if size.instances == 1 else "instances"
    return f"{when}: {size.instances} {plural} of {megabytes(size.memory_mb)}, {megabytes(size.total_mb)} in all."


def _difference(before: Size, after: Size) -> str:
    grows = after.total_mb - before.total_mb
    if not grows:
        return "The memory in all stays the same."
    return f"That is {megabytes(abs(grows))} {'more' if grows > 0 else 'less'}."
