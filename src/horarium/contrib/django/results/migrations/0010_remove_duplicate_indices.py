"""Away with indexes that say what a unique column says already.

They are there in databases in which django-celery-results 2.1 has made the step before this one.
"""

from typing import Any

from django.db import migrations, models

DUPLICATES = {
    "ChordCounter": ("group_id", "django_cele_group_i_299b0d_idx"),
    "GroupResult": ("group_id", "django_cele_group_i_3cddec_idx"),
    "TaskResult": ("task_id", "django_cele_task_id_7f8fca_idx"),
}


def remove(apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    for name, (field, index) in DUPLICATES.items():
        model = apps.get_model("django_celery_results", name)
        with connection.cursor() as cursor:
            known = connection.introspection.get_constraints(cursor, model._meta.db_table)
        if index in known:
            schema_editor.remove_index(model, models.Index(fields=[field], name=index))


class Migration(migrations.Migration):
    dependencies = [("django_celery_results", "0009_groupresult")]
    operations = [migrations.RunPython(remove, migrations.RunPython.noop)]
