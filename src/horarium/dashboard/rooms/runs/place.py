"""The room that the pages of runs belong to."""

from horarium.dashboard.room import Room

room = Room("runs")
