"""Builds this package with Python's standard library only (PEP 517): `pip wheel .`, `pip
install .`, `python -m build`.

A build installs nothing, uses no registry, and is reproducible: the same sources give the same
bytes.
"""

import base64
import csv
import gzip
import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.9 and 3.10; required by pyproject.toml
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
STEM = f"{PROJECT['name'].replace('-', '_')}-{PROJECT['version']}"
DIST_INFO = f"{STEM}.dist-info"
# The earliest time that a zip file can represent.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
SDIST_FILES = ("pyproject.toml", "build_backend.py", PROJECT["readme"], "LICENSE")


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    files = {path.relative_to(ROOT / "src").as_posix(): path.read_bytes() for path in _sources("src")}
    files[f"{DIST_INFO}/licenses/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    files[f"{DIST_INFO}/METADATA"] = _metadata()
    files[f"{DIST_INFO}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: build_backend\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    record = f"{DIST_INFO}/RECORD"
    files[record] = _record(files, record)
    name = f"{STEM}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            wheel.writestr(entry, content)
    return name


def build_sdist(sdist_directory, config_settings=None):
    files = {name: (ROOT / name).read_bytes() for name in SDIST_FILES}
    for path in (*_sources("src"), *_sources("tests")):
        files[path.relative_to(ROOT).as_posix()] = path.read_bytes()
    files["PKG-INFO"] = _metadata()
    name = f"{STEM}.tar.gz"
    with open(Path(sdist_directory) / name, "wb") as file:
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
            with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
                for path, content in files.items():
                    entry = tarfile.TarInfo(f"{STEM}/{path}")
                    entry.size = len(content)
                    entry.mode = 0o644
                    archive.addfile(entry, io.BytesIO(content))
    return name


def _sources(directory):
    found = (ROOT / directory).rglob("*")
    return sorted(path for path in found if path.suffix == ".py" or path.name == "py.typed")


def _metadata():
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {PROJECT['name']}",
        f"Version: {PROJECT['version']}",
        f"Summary: {PROJECT['description']}",
        f"Keywords: {','.join(PROJECT['keywords'])}",
        f"License: {PROJECT['license']['text']}",
        f"Requires-Python: {PROJECT['requires-python']}",
        *(f"Requires-Dist: {one}" for one in PROJECT["dependencies"]),
        "Description-Content-Type: text/markdown",
        "License-File: LICENSE",
    ]
    description = (ROOT / PROJECT["readme"]).read_text(encoding="utf-8")
    return ("\n".join(lines) + "\n\n" + description).encode()


def _record(files, record):
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.writerow((path, f"sha256={digest}", len(content)))
    rows.writerow((record, "", ""))
    return text.getvalue().encode()


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    print(build_sdist(sys.argv[1]))
    print(build_wheel(sys.argv[1]))
