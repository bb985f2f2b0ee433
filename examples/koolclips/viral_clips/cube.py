"""The object store, as the tasks see it: clips with a size and an age."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple, Self

from django.conf import settings

PREFIX = "clips/"


class Clip(NamedTuple):
    key: str
    size: int  # bytes
    made: datetime  # in UTC


class Cube:
    """One bucket. Every method may raise what boto3 raises: ClientError, EndpointConnectionError, ReadTimeoutError."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    @classmethod
    def opened(cls) -> Self:
        """The bucket that the settings name. It is made when it is first needed."""
        import boto3  # here: it takes longer to import than all the rest, and most processes never ask the store
        from botocore.config import Config

        # One attempt: tasks are tried again as a whole, where people can see it.
        patience = settings.CLOUDCUBE_TIMEOUT
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=patience, read_timeout=patience)
        client = boto3.client(
            "s3",
            endpoint_url=settings.CLOUDCUBE_URL,
            region_name="us-east-1",
            aws_access_key_id=settings.AWS_ACCESS_KEY_ID,
            aws_secret_access_key=settings.AWS_SECRET_ACCESS_KEY,
            config=config,
        )
        client.create_bucket(Bucket=settings.CLOUDCUBE_BUCKET)
        return cls(client, settings.CLOUDCUBE_BUCKET)

    def clips(self) -> Iterator[Clip]:
        """All clips, in the order of their keys, page by page."""
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=PREFIX):
            for entry in page.get("Contents", ()):
                yield Clip(entry["Key"], entry["Size"], entry["LastModified"])

    def put(self, name: str, content: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=PREFIX + name, Body=content)

    def delete(self, keys: list[str]) -> None:
        """Delete up to 1,000 objects; those that are gone already do not matter."""
        wanted = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        self._client.delete_objects(Bucket=self._bucket, Delete=wanted)
