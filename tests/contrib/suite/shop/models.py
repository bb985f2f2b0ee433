"""A table of the project's own."""

from django.db import models


class Order(models.Model):
    """What somebody has bought."""

    text = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.text
