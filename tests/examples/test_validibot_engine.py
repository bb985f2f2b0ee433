"""The container engine of the example, asked by the client that people use, and its moods."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest
from docker.errors import APIError, NotFound
from outsides import outside_of

ENGINE = outside_of("validibot", "container_engine")
OURS = {"label": "org.validibot.managed=true"}


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def client(told: list[str], request: pytest.FixtureRequest) -> Iterator[docker.APIClient]:
    nth = getattr(request, "param", 0)
    with ENGINE.serving(ENGINE.Engine(nth, tell=told.append)) as url:
        client = docker.APIClient(base_url=url, version="1.43", timeout=1)
        yield client
        client.close()


def made(client: docker.APIClient, name: str, **labels: str) -> str:
    id: str = client.create_container("validator", name=name, labels=labels)["Id"]
    return id


def test_containers_are_listed_by_their_label_and_removed_once(client: docker.APIClient, told: list[str]) -> None:
    ours = made(client, "a", **{"org.validibot.managed": "true"})
    made(client, "b", **{"org.validibot.managed": "no"})
    made(client, "c")
    assert [each["Id"] for each in client.containers(all=True, filters=OURS)] == [ours]
    client.remove_container(ours, force=True, v=True)
    with pytest.raises(NotFound):
        client.remove_container(ours, force=True, v=True)
    assert told == [f"removed container {ours}", f"no such container {ours}"]
    assert client.containers(all=True, filters=OURS) == []


def test_a_name_is_given_once(client: docker.APIClient) -> None:
    made(client, "validation-1")
    with pytest.raises(APIError) as refusal:
        made(client, "validation-1")
    assert refusal.value.status_code == 409


def test_a_volume_is_made_again_without_harm_and_removed_once(client: docker.APIClient) -> None:
    for _ in range(2):
        client.create_volume("output-1")
    client.remove_volume("output-1")
    with pytest.raises(NotFound):
        client.remove_volume("output-1")


@pytest.mark.parametrize("client", [3], indirect=True)
def test_listings_are_answered_refused_and_left_without_an_answer_in_turn(client: docker.APIClient) -> None:
    assert client.containers() == []
    with pytest.raises(APIError) as refusal:
        client.containers()
    assert (refusal.value.status_code, refusal.value.response.headers["Retry-After"]) == (429, "1")
    with pytest.raises(OSError):  # of requests: no answer within the client's second
        client.containers()
    assert client.containers() == []


@pytest.mark.parametrize("client", [3], indirect=True)
def test_every_third_removal_fails_and_the_first_volume_is_in_use_for_a_while(client: docker.APIClient) -> None:
    client.create_volume("first")
    said = []
    for _ in range(6):
        try:
            client.remove_volume("first")
            said.append(204)
        except APIError as error:
            said.append(error.status_code)
    assert said == [409, 409, 500, 409, 409, 500]
    client.remove_volume("first")


def test_what_is_not_spoken_is_said_to_be_unknown(client: docker.APIClient) -> None:
    with pytest.raises(NotFound, match="page not found"):
        client.info()
