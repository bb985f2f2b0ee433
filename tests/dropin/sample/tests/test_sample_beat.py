"""The scheduler fires what the settings and the code say."""

from sample import journal


def test_beat_schedule_is_fired_again_and_again():
    journal.wait_for("note from beat_schedule", times=2)


def test_add_periodic_task_is_fired_too():
    journal.wait_for("note from add_periodic_task", times=2)
