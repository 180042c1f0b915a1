"""Shards share out every item once."""

import pytest

from siftcore.batch.shards import parse_shard, take_shard
from siftcore.errors import InputError


@pytest.mark.parametrize(("total", "count"), [(0, 3), (1, 3), (10, 3), (12, 4)])
def test_shards_partition(total, count):
    shards = [take_shard(range(total), i, count) for i in range(1, count + 1)]
    assert sorted(item for shard in shards for item in shard) == list(range(total))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_a_shard_is_read():
    assert parse_shard("2/4") == (2, 4)


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/0", "-1/2", "a/b", "1/2/3", "²/3"])
def test_a_bad_shard_is_refused(text):
    with pytest.raises(InputError, match="i/n"):
        parse_shard(text)
