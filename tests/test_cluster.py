import pytest

from synthgen import cluster
from synthgen.cluster import ClusterError, in_job, join


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://127.0.0.1:8265", "expected host:port of a head node"),
        ("127.0.0.1", "expected host:port, such as"),
        ("127.0.0.1:port", "expected host:port, such as"),
        ("127.0.0.1:9", "no Ray cluster answers at 127.0.0.1:9"),
    ],
)
def test_an_address_without_a_cluster_is_refused_at_once(address, message, monkeypatch):
    with pytest.raises(ClusterError, match=message):
        join(address, 1)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(ClusterError, match=message):
        join("auto", 1)


def test_a_cluster_knows_its_room(ray_cluster):
    assert ray_cluster.room(cpus=1.0, gpus=0.0) == 3
    assert ray_cluster.room(cpus=0.3, gpus=0.0) == 10
    assert ray_cluster.room(cpus=1.0, gpus=0.25) == 0
    assert ray_cluster.resources() == "3 CPU, 0 GPU"
    ray_cluster.check()


def test_a_process_joins_only_once(ray_cluster):
    again = join("auto", 1)
    again.close()
    assert ray_cluster.room(cpus=1.0, gpus=0.0) == 3


def test_outside_of_a_job_we_know(monkeypatch):
    assert not in_job()
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    assert in_job()


class Node:
    """Like Ray's: it has started processes by the time it finds that its node is not there."""

    def __init__(self, ended: list[str]) -> None:
        self.ended = ended
        raise Exception("The current node timed out during startup. This could happen because …")

    def kill_all_processes(self, **options: bool) -> None:
        self.ended.append("processes")


@pytest.mark.parametrize(("failures", "starts", "is_up"), [(2, 3, True), (9, 4, False)])
def test_a_node_that_is_not_there_in_time_is_started_again(failures, starts, is_up, monkeypatch, caplog):
    began, ended = [], []

    def init(**options):
        began.append(options["address"])
        if len(began) <= failures:
            Node(ended)

    monkeypatch.setattr(cluster.ray_library(), "init", init)
    monkeypatch.setattr(cluster, "Cluster", lambda name, is_private: name)
    if is_up:
        assert cluster._start_private(1) == "the Ray cluster on this machine"
    else:
        with pytest.raises(ClusterError, match="Ray cannot be started on this machine: The current node"):
            cluster._start_private(1)
    assert (len(began), len(ended)) == (starts, min(failures, starts))
    assert caplog.text.count("it is started again") == min(failures, starts - 1)


def test_what_cannot_be_started_is_not_tried_again(monkeypatch):
    began = []

    def init(**options):
        began.append(options)
        raise ValueError("no memory for the object store")

    monkeypatch.setattr(cluster.ray_library(), "init", init)
    with pytest.raises(ClusterError, match="cannot be started on this machine: no memory"):
        cluster._start_private(1)
    assert len(began) == 1
