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


def test_a_node_that_starts_late_is_waited_for_and_one_that_never_does_is_told(monkeypatch):
    from ray._private import services

    calls = []

    def late(address, node):
        calls.append((address, node))
        if len(calls) < 3:
            raise RuntimeError("node not found")
        return "node"

    monkeypatch.setattr(services, "get_node", late)
    with cluster._patience():
        assert services.get_node("host:1", "id") == "node"
    assert calls == [("host:1", "id")] * 3 and services.get_node is late

    def never(**options):
        raise Exception("The current node timed out during startup")  # as Ray does

    monkeypatch.setattr(cluster, "START_S", 0)
    monkeypatch.setattr(cluster.ray_library(), "init", never)
    with pytest.raises(ClusterError, match="Ray cannot be started on this machine: The current node timed"):
        cluster._start_private(1)
    calls.clear()
    with cluster._patience(), pytest.raises(RuntimeError, match="not found"):
        services.get_node("host:1", "id")
