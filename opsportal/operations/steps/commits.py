"""What a commit holds: asked of Git once per process. A commit's whole id means the same content for ever.

Hundreds of deploys of one commit would ask the same questions, each a process of its own. Whether the commit is there
is asked each time. Only answers are kept, no failure: what is not there yet may come with the next fetch.
"""

from functools import lru_cache

from opsportal.adapters.git import Repository
from opsportal.environments.manifests import Manifest, parse_manifest

#: Answers kept: folders are many and small, a manifest takes some kilobytes.
FOLDERS, MANIFESTS = 1_000, 500


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
