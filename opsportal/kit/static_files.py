"""How static files are collected: compressed, named by their contents, also where one script imports another."""

from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """``import … from "./part.js"`` names the collected file: only files named by their contents are kept.

    Only in our own scripts: those of packages hold whole builds, and comments that merely look like imports.
    """

    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],
    )
