"""A finished study, logged to MLflow: what it was about, what it found, its trials as a table."""

import importlib
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from meltpoint.errors import InputError, MeltpointError
from meltpoint.report import Document
from meltpoint.run.folder import RUN, VERDICT
from meltpoint.run.results import trial_frame, write_frame

EXPERIMENT = "meltpoint"
_DATABASE, _ARTIFACTS = "mlflow.db", "artifacts"


class Tracker:
    """An MLflow store, found usable before a study begins and written to when it has ended.

    One MLflow run per study: its design as parameters, the verdict's numbers as metrics, and as artifacts
    ``verdict.json``, ``run.json`` and ``trials.csv``. A run of its own for each of hundreds of trials would take a
    server longer than the training.
    """

    def __init__(self, place: str) -> None:
        """Finds the experiment ``meltpoint``, or makes it.

        Args:
            place: The URI of a tracking server (``http://...``) or database (``sqlite:///...``); or a folder, where a
                SQLite database is kept.

        Raises:
            InputError: MLflow is not installed, or the place cannot be used.
        """
        self._place = place
        client_class = _import_client()
        folder = None if "://" in place else Path(place).resolve()
        try:
            with _quietly():
                if folder is not None:
                    folder.mkdir(parents=True, exist_ok=True)
                self._client: Any = client_class(
                    tracking_uri=place if folder is None else f"sqlite:///{folder / _DATABASE}"
                )
                found = self._client.get_experiment_by_name(EXPERIMENT)
                artifacts = None if folder is None else (folder / _ARTIFACTS).as_uri()
                self._experiment = (
                    self._client.create_experiment(EXPERIMENT, artifact_location=artifacts)
                    if found is None
                    else found.experiment_id
                )
        except Exception as error:
            # MLflow, its database and its network raise what they like.
            raise InputError(
                f"--mlflow {place}: expected the URI of an MLflow server or database, or a folder; it cannot be used: "
                f"{type(error).__name__}: {error}"
            ) from error

    def log(self, folder: Path, verdict: Document) -> str:
        """Logs the study in a run folder.

        Args:
            folder: The run folder.
            verdict: Its verdict.

        Returns:
            The id of the MLflow run.

        Raises:
            MeltpointError: It cannot be logged; the run folder is complete all the same.
        """
        client = self._client
        try:
            with _quietly():
                run = client.create_run(self._experiment, run_name=folder.name).info.run_id
                for name, value in _parameters(verdict).items():
                    client.log_param(run, name, value)
                for name in ("decision", "policy", "architecture", "ended"):
                    client.set_tag(run, f"meltpoint.{name}", verdict[name])
                for name, number in _metrics(verdict).items():
                    client.log_metric(run, name, number)
                for name in (VERDICT, RUN):
                    client.log_artifact(run, str(folder / name))
                with tempfile.TemporaryDirectory(prefix="meltpoint-mlflow-") as temporary:
                    table = Path(temporary) / "trials.csv"
                    write_frame(trial_frame(folder), table)
                    client.log_artifact(run, str(table))
                client.set_terminated(run)
        except Exception as error:
            raise MeltpointError(
                f"The study in {folder} is complete, but it could not be logged to MLflow at {self._place}: "
                f"{type(error).__name__}: {error} The same command with --resume logs it without training again."
            ) from error
        return str(run)


def _parameters(verdict: Document) -> dict[str, str]:
    """Returns what the study was about and how it was made."""
    about = {"data": verdict["data"]["name"], "vectors": verdict["vectors"]["name"], **verdict["design"]}
    return {
        name: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in about.items()
    }


def _metrics(verdict: Document) -> dict[str, float]:
    """Returns the numbers of the verdict, in points: the gain, and the score of each policy at the largest size."""
    numbers = {f"gain_{name}": verdict["gain"][name] for name in ("points", "low", "high")}
    numbers["expected_regret"] = verdict["expected_regret"]
    numbers |= {f"score_{one['policy']}": one["score"] for one in verdict["policies"]}
    return {name: float(value) for name, value in numbers.items() if value is not None}


def _import_client() -> Any:
    # Read when MLflow is imported: no word about the study goes anywhere but where the user sends it.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    try:
        with _quietly():
            return importlib.import_module("mlflow.tracking").MlflowClient
    except ModuleNotFoundError as error:
        raise InputError(
            f"--mlflow needs the package {error.name}, which is not installed: pip install 'meltpoint[mlflow]'."
        ) from error


@contextmanager
def _quietly() -> Iterator[None]:
    """MLflow and its database warn of their own innards, and tell how they make their tables."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
