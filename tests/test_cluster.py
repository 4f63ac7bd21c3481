import pytest

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
