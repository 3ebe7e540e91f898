"""How static files are collected: compressed, named by their contents, also where one script imports another."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """``import … from "./part.js"`` names the collected file: only files named by their contents are kept."""

    support_js_module_import_aggregation = True
