"""Composition root: settings → one BentoML service per configured model → the public service."""

from __future__ import annotations

import sys
from typing import Any

import bentoml

from api.app import build_app
from api.front import front
from api.listening import reachable_from_outside
from api.native import NativeEndpoints
from catalog import PART_OF, Catalog, model_class
from observing import BENTOML_TELLS, logs, traces
from runners import patience, supervisor
from runners.base import Model
from runners.draining import PUBLIC
from runners.handle import RunnerHandle
from runners.hosting import runner_service
from runners.lodgings import lodgings
from runners.residency import Residency
from settings import RunnerSettings, load, log_settings, offline, weights_root
from weights import Store

logs.configure(log_settings())
patience.install()
supervisor.install()
traces.install()
settings = load()
# A wrong type or option refuses to start here, before any process of a runner does.
classes = {entry.name: model_class(entry) for entry in settings.model_configs}


def load_model(entry: RunnerSettings) -> Model:
    """Load a model, weights and all; runs inside its runner's process."""
    return classes[entry.name](entry, Store(weights_root(), offline=offline()))


hosts = lodgings(settings.model_configs, PART_OF)
at_start = {
    hosts.get(entry.name, entry.name)
    for entry in settings.model_configs
    if settings.loaded_at_start(entry)
}
runners = {
    entry.name: runner_service(entry, load_model, at_start=entry.name in at_start)
    for entry in settings.model_configs
    if entry.name not in hosts
}
attributes = {name: f"runner_{position}" for position, name in enumerate(runners)}
app = build_app(settings)


class Public(NativeEndpoints):
    """The public service: holds a handle on every runner and serves the HTTP app."""

    def __init__(self) -> None:
        residency = Residency(settings)
        handles = {
            name: RunnerHandle(name, getattr(self, attribute), residency)
            for name, attribute in attributes.items()
        }
        guests = {guest: handles[host] for guest, host in hosts.items()}
        self.catalog = Catalog(settings, handles | guests)
        self.settings = settings
        app.state.catalog = self.catalog


# BentoML finds dependencies among the attributes of the class, so those of the configured runners are
# put there; each class needs a name of its own.
_members: dict[str, Any] = {
    attribute: bentoml.depends(runners[name]) for name, attribute in attributes.items()
}
Speech: bentoml.Service[Any] = bentoml.service(
    name=PUBLIC,
    workers=1,
    **BENTOML_TELLS,
    # Our own deadline comes first: BentoML would answer in a shape of its own.
    traffic={"timeout": settings.api.timeouts.request + 60},
)(bentoml.asgi_app(app, path="/")(type("Speech", (Public,), _members)))
for layer in front(settings.api, public=reachable_from_outside(sys.argv)):
    Speech.add_asgi_middleware(layer.cls, **layer.kwargs)
