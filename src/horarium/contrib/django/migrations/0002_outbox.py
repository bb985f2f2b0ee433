"""The outbox: messages that were sent in a transaction and are not in the store yet."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("horarium", "0001_initial"),)
    operations = (
        migrations.CreateModel(
            name="OutboxMessage",
            fields=[
                ("id", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("created", models.BigIntegerField(db_index=True)),
                ("message", models.TextField()),
            ],
            options={
                "verbose_name": "message in the outbox",
                "verbose_name_plural": "messages in the outbox",
                "db_table": "horarium_outbox",
            },
        ),
    )
