import pytest
@pytest.mark.parametrize("n", range(8))
@pytest.mark.parametrize("site", ["postgres"], indirect=True)
def test_start(scene, n):
    scene.play(workers=2, beats=2, producers=2)
