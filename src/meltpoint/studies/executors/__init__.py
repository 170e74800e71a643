"""Where searches run: in this process, in worker processes, or on a Ray cluster.

One interface, and the same results to the bit.
"""

from meltpoint.studies.executors.base import Executor
from meltpoint.studies.executors.data_folder import remove_ownerless
from meltpoint.studies.executors.in_process import InProcess
from meltpoint.studies.executors.ray_cluster import RayCluster
from meltpoint.studies.executors.worker_processes import WorkerProcesses

__all__ = ["Executor", "InProcess", "RayCluster", "WorkerProcesses", "remove_ownerless"]
