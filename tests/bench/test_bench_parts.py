"""The benchmark's parts at tiny sizes: they run, and their figures are what they say. Never how fast."""

from dataclasses import replace
from pathlib import Path

from synthgen.bench.crowd import BATCHES, Crowd, gather
from synthgen.bench.overlap import compare
from synthgen.bench.resumption import pretend, resume
from synthgen.models import Method, ModelChoice
from synthgen.shards import read_report, shard_name


def test_sleeping_workers_make_a_whole_run(ray_cluster):
    crowd = gather(workers=2, shards_each=2, batch_s=0.05)
    assert (crowd.workers, crowd.shards, crowd.shard_s) == (2, 4, BATCHES * 0.05)
    assert 0 < crowd.part_of_ideal < 1


def test_the_part_of_the_ideal_counts_all_workers():
    crowd = Crowd(workers=4, shards=8, shard_s=10.0, seconds=20.0)
    assert crowd.part_of_ideal == 1.0
    assert replace(crowd, seconds=40.0).part_of_ideal == 0.5


def test_the_same_shard_is_made_both_ways(tmp_path):
    choice = ModelChoice("open", "warp", "cpu", {"backend": "plain_source:PlainSource"}, Method(), "bench")
    parts = compare(str(tmp_path), choice, batches=2, batch_s=0.1)
    assert 0 < parts.in_turn < 1 and 0 < parts.overlapping < 1
    report = read_report(str(tmp_path), "overlap-000000")
    assert report is not None and report.num_requests == 32


def test_a_pretended_run_lacks_its_last_shard(tmp_path):
    pretend(str(tmp_path), 1000)
    found = resume(str(tmp_path), 1000)
    assert (found.shards, found.missing) == (4, 1)
    assert found.seconds > 0 and found.peak_bytes > 0
    report = read_report(str(tmp_path), shard_name("bench", 2))
    assert report is not None and report.rejected == 125 == len(report.rejections)
    assert not (Path(tmp_path) / "bench-000003.tar").exists()
