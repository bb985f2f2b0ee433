"""The object store of the example, asked by the client that people use, and its moods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from outsides import outside_of

CUBE = outside_of("koolclips", "cube_server")


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    with CUBE.cube_server(nth=getattr(request, "param", 0)) as url:
        yield client_of(url)


def client_of(url: str, patience: float = 60.0) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=patience),
    )


def answer_of(call: Any, **wanted: object) -> int:
    try:
        answer = call(Bucket="cube-of-tests", **wanted)
    except ClientError as error:
        answer = error.response
        assert answer["Error"]["Code"] == "SlowDown"
    status: int = answer["ResponseMetadata"]["HTTPStatusCode"]
    return status


def test_what_is_put_is_listed_and_deleted(client: Any) -> None:
    client.create_bucket(Bucket="cube-of-tests")
    client.put_object(Bucket="cube-of-tests", Key="clips/a.mp4", Body=b"moving")
    [found] = client.list_objects_v2(Bucket="cube-of-tests", Prefix="clips/")["Contents"]
    assert (found["Key"], found["Size"]) == ("clips/a.mp4", 6)
    wanted = {"Objects": [{"Key": "clips/a.mp4"}, {"Key": "clips/gone.mp4"}]}
    client.delete_objects(Bucket="cube-of-tests", Delete=wanted)
    assert client.list_objects_v2(Bucket="cube-of-tests")["KeyCount"] == 0


@pytest.mark.parametrize("client", [3], indirect=True)
def test_every_third_listing_and_every_third_upload_is_refused_and_nothing_else(client: Any) -> None:
    for _ in range(4):
        client.create_bucket(Bucket="cube-of-tests")  # a put, but no upload
    assert [answer_of(client.list_objects_v2) for _ in range(6)] == [200, 200, 503, 200, 200, 429]
    assert [answer_of(client.put_object, Key="a", Body=b"") for _ in range(6)] == [200, 200, 503, 200, 200, 429]
    assert [answer_of(client.get_object, Key="a") for _ in range(4)] == [200] * 4


def test_the_first_listings_get_what_was_asked_for_silence_too() -> None:
    with CUBE.cube_server(nth=0, first=("429", "silence", "200", "403")) as url:
        client = client_of(url)
        client.create_bucket(Bucket="cube-of-tests")
        assert answer_of(client.list_objects_v2) == 429
        with pytest.raises(ReadTimeoutError):
            client_of(url, patience=0.2).list_objects_v2(Bucket="cube-of-tests")
        assert answer_of(client.list_objects_v2) == 200
        with pytest.raises(ClientError, match="InvalidAccessKeyId"):
            client.list_objects_v2(Bucket="cube-of-tests")
        assert answer_of(client.list_objects_v2) == 200
