"""Classes that the configuration names by their place: package.module:Class, or ./file.py:Class."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from errors import SettingsError
from settings import BUNDLE


def class_at(module_name: str, class_name: str, entry: str) -> type:
    """The class, or a refusal in the name of the configuration's entry."""
    found = getattr(_module(module_name, entry), class_name, None)
    if not isinstance(found, type):
        raise SettingsError(f"{entry}: {module_name} has no class {class_name}")
    return found


def _module(name: str, entry: str) -> ModuleType:
    try:
        return _module_at(Path(name)) if name.endswith(".py") else importlib.import_module(name)
    # ValueError and TypeError are what importlib makes of an empty and of a relative name.
    except (ImportError, ValueError, TypeError) as error:
        raise SettingsError(f"{entry}: {name} cannot be imported: {error}") from error


def _module_at(path: Path) -> ModuleType:
    """The module in a file, which is loaded once however many entries name it."""
    path = (path if path.is_absolute() else BUNDLE / path).resolve()
    name = f"harmony_runner_{path.stem}_{abs(hash(str(path)))}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"no such file: {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]  # or the next entry that names the file would get half of it
        raise
    return module
