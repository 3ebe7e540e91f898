"""What browsers load: every file is named by its contents, also where a script imports another."""

import re
import shutil
from pathlib import Path

from django.core.files.storage import FileSystemStorage

from opsportal.kit.static_files import StaticFiles

SCRIPTS = Path(__file__).resolve().parents[2] / "static" / "js"


def test_a_script_imports_what_was_collected(tmp_path: Path) -> None:
    shutil.copytree(SCRIPTS, tmp_path / "js")
    found = {str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*.js")}
    storage = StaticFiles(location=str(tmp_path), base_url="/static/")
    source = FileSystemStorage(location=str(tmp_path))
    problems = [
        each for each in storage.post_process({name: (source, name) for name in found}) if each[2] is not True
    ]
    assert problems == []
    imported = {
        (script.parent / target).resolve()
        for script in tmp_path.rglob("*.*.js")
        for target in re.findall(r'from "(\./[^"]+)"', script.read_text())
    }
    assert imported
    assert [each for each in imported if not each.is_file()] == []
