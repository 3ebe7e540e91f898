"""What a commit holds: asked of Git once per process. A commit's whole id means the same content for ever.

Hundreds of deploys of one commit would ask the same questions, each a process of its own. Only answers are kept, no
failure: what is not there yet may come with the next fetch.
"""

from functools import lru_cache

from opsportal.adapters.git import Repository, Resolved
from opsportal.environments.manifests import Manifest, parse_manifest

#: Answers kept: commits and folders are many and small, a manifest takes some kilobytes.
COMMITS, FOLDERS, MANIFESTS = 200, 1_000, 500


@lru_cache(COMMITS)
def resolve(repository: Repository, sha: str) -> Resolved:
    """The commit with this whole id. Raises as :meth:`Repository.resolve`."""
    return repository.resolve(sha)


@lru_cache(FOLDERS)
def tree_id(repository: Repository, sha: str, path: str) -> str:
    """The id of a folder's whole content. Raises as :meth:`Repository.tree_id`."""
    return repository.tree_id(sha, path)


@lru_cache(MANIFESTS)
def manifest(repository: Repository, sha: str, path: str, environment: str, app_name: str) -> Manifest:
    """The manifest of an environment; ``app_name``: the pattern of its application's name. Raises PathNotFound,
    ManifestError.
    """
    text = repository.file(sha, path)
    return parse_manifest(text, environment=environment, app_name=app_name, path=path)
