"""``celery.result`` by its own name: handles of runs. A door; nothing inside imports it."""

from horarium.app.joining import allow_join_result as allow_join_result
from horarium.app.joining import assert_will_not_block as assert_will_not_block
from horarium.app.joining import denied_join_result as denied_join_result
from horarium.app.result import AsyncResult as AsyncResult
from horarium.app.result import EagerResult as EagerResult
from horarium.app.result_set import GroupResult as GroupResult
from horarium.app.result_set import ResultSet as ResultSet
from horarium.app.result_set import result_from_tuple as result_from_tuple
