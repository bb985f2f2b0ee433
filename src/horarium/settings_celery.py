"""Celery's settings that Horarium knows and does not act on, each with the reason; and the names they once had.

They are accepted so that a configuration can be brought along as it is; ``horarium check`` prints the reasons.
"""

from __future__ import annotations

from horarium.settings_kinds import COMPRESSIONS, JSON_ONLY, Kind, one_of, or_none

# Celery's names of settings that we have.
ALIASES: dict[str, str] = {"broker_url": "store"}

# Celery's oldest way to name a broker. Refused: a host that is passed over in silence is another store.
REFUSED: dict[str, str] = dict.fromkeys(
    "broker_transport broker_host broker_port broker_user broker_password broker_vhost".split(),
    'write the whole address: store="redis://user:password@host:6379/0", or broker_url (see docs)',
)

# Refused unless they say what ``store`` says: one that names another store must not be read as if it worked.
URLS: dict[str, str] = {
    "broker_read_url": "workers read from the store: write store=... instead, and remove broker_read_url",
    "broker_write_url": "calls are written to the store: write store=... instead, and remove broker_write_url",
}

_NO_EFFECT: dict[str, str] = {
    "the store's engine connects by its URL, and there is no broker besides it": """
        broker_transport_options broker_use_ssl broker_connection_timeout broker_connection_retry
        broker_connection_retry_on_startup broker_connection_max_retries broker_channel_error_retry
        broker_failover_strategy broker_heartbeat broker_heartbeat_checkrate broker_pool_limit
        broker_pool_acquire_timeout broker_login_method broker_native_delayed_delivery_queue_type""",
    "queues come to be when they are named, and a queue's name is all the routing there is": """
        task_default_queue_type task_default_exchange task_default_exchange_type task_default_routing_key
        task_create_missing_queue_type task_create_missing_queue_exchange_type worker_direct
        worker_detect_quorum_queues""",
    "errors are kept whether the result is ignored or not": "task_store_errors_even_if_ignored",
    "what is accepted is stored durably; see durability": "task_default_delivery_mode result_persistent",
    "messages have one form, compact as it is": "task_protocol task_compression result_compression",
    "a message is never lost with its worker: it runs again, and after worker_crash_limit crashes it is DEAD": """
        task_reject_on_worker_lost task_retry_on_worker_lost""",
    "finishing a task and recording its result is one step, whatever the result": """
        task_acks_on_failure_or_timeout task_acks_on_failure task_acks_on_timeout
        worker_deduplicate_successful_tasks""",
    "a publish is tried again until task_publish_timeout, and never makes a second message": """
        task_publish_retry task_publish_retry_policy""",
    "a worker takes as many messages as it can start at once, by the run times it measures": """
        worker_prefetch_multiplier worker_disable_prefetch worker_eta_task_limit
        worker_enable_prefetch_count_reduction""",
    "a worker has no such part: children claim from the store themselves": """
        worker_pool_putlocks worker_pool_restarts worker_agent worker_consumer worker_timer worker_timer_precision
        worker_proc_alive_timeout worker_lost_wait""",
    "children are forked from a clean process where there is fork, else spawned": "worker_pool_start_method",
    "revocations and schedules are kept in the store": "worker_state_db beat_schedule_filename beat_sync_every",
    "a worker drains within worker_grace and gives back what is left": """
        worker_soft_shutdown_timeout worker_enable_soft_shutdown_on_idle
        worker_cancel_long_running_tasks_on_connection_loss""",
    "runs are always recorded whole, and are their own events": """
        result_extended event_queue_ttl event_queue_expires
        event_queue_prefix event_queue_exclusive event_queue_durable event_exchange event_serializer
        task_remote_tracebacks""",
    "commands to workers travel through the store": """
        control_queue_ttl control_queue_expires control_queue_exclusive
        control_queue_durable control_exchange beat_enable_remote_control beat_remote_control_max_tick_age""",
    "results are read from the store, with its own way of waiting": """
        result_backend_transport_options result_backend_always_retry result_backend_max_retries
        result_backend_base_sleep_between_retries_ms result_backend_max_sleep_between_retries_ms result_cache_max
        result_exchange result_exchange_type result_chord_join_timeout result_chord_retry_interval
        database_url database_engine_options database_engine_callback database_short_lived_sessions
        database_table_schemas database_table_names database_create_tables_at_setup
        cache_backend_options redis_backend_use_ssl redis_max_connections redis_username redis_password
        redis_socket_timeout redis_socket_connect_timeout redis_socket_keepalive redis_retry_on_timeout""",
    "the address says it all: write it into result_backend": "redis_host redis_port redis_db",
    "there is no such store here: results are kept where result_backend says": """
        cassandra_entry_ttl cassandra_keyspace cassandra_port cassandra_read_consistency cassandra_servers
        cassandra_bundle_path cassandra_table cassandra_write_consistency cassandra_auth_provider
        cassandra_auth_kwargs cassandra_options s3_access_key_id s3_secret_access_key s3_bucket s3_base_path
        s3_endpoint_url s3_region azureblockblob_container_name azureblockblob_retry_initial_backoff_sec
        azureblockblob_retry_increment_base azureblockblob_retry_max_attempts azureblockblob_base_path
        azureblockblob_connection_timeout azureblockblob_read_timeout gcs_bucket gcs_project gcs_base_path gcs_ttl
        couchbase_backend_settings arangodb_backend_settings mongodb_backend_settings cosmosdbsql_database_name
        cosmosdbsql_collection_name cosmosdbsql_consistency_level cosmosdbsql_max_retry_attempts
        cosmosdbsql_max_retry_wait_time elasticsearch_retry_on_timeout elasticsearch_max_retries
        elasticsearch_timeout elasticsearch_save_meta_as_text""",
    "schedulers need no lock to themselves: the store fires each schedule once": """
        redbeat_redis_url redbeat_redis_options redbeat_redis_use_ssl redbeat_key_prefix redbeat_lock_key
        redbeat_lock_timeout""",
    "it belongs to the process, not to the app: use the command line or the service manager": """
        worker_logfile worker_pidfile worker_uid worker_gid worker_umask worker_executable beat_logfile beat_pidfile
        beat_uid beat_gid beat_umask""",
    "what a chord waits for is kept with its body, as long as that waits": "result_chord_expires",
    "messages are JSON and are not signed": """
        security_key security_key_password security_certificate security_cert_store security_digest""",
    "the texts kept of arguments and errors have bounds of their own": "task_repr_maxlevels",
}


ACCEPTED: dict[str, str] = {
    name: f"has no effect in Horarium: {reason}" for reason, names in _NO_EFFECT.items() for name in names.split()
}

_QUEUE_TYPE = or_none(one_of("classic", "quorum", "stream"))
_EXCHANGE_TYPE = or_none(one_of("direct", "topic", "fanout", "headers"))
_COMPRESSION = or_none(one_of("gzip", "zlib", "bzip2", "lzma", "brotli", "zstd", aliases=COMPRESSIONS))

# What those may be whose value has no effect either way, but may name what Celery does not know itself.
CHECKED: dict[str, Kind] = {
    "task_default_queue_type": _QUEUE_TYPE,
    "task_create_missing_queue_type": _QUEUE_TYPE,
    "broker_native_delayed_delivery_queue_type": _QUEUE_TYPE,
    "task_default_exchange_type": _EXCHANGE_TYPE,
    "task_create_missing_queue_exchange_type": _EXCHANGE_TYPE,
    "result_exchange_type": _EXCHANGE_TYPE,
    "task_compression": _COMPRESSION,
    "result_compression": _COMPRESSION,
    "event_serializer": or_none(JSON_ONLY),
    "worker_pool_start_method": or_none(one_of("fork", "spawn", "forkserver")),
}

# Before Celery 4 names had capitals and other beginnings: the prefix of the old name by the beginning of the new one.
# Names that begin otherwise have their own name in capitals: BROKER_URL.
_OLD_PREFIXES: dict[str, str] = {
    "beat_": "CELERYBEAT_",
    "worker_": "CELERYD_",
    "task_": "CELERY_",
    **{f"{room}_": f"CELERY_{room.upper()}_" for room in (
        "cache couchbase arangodb mongodb event redis result elasticsearch security").split()},
}  # fmt: skip

# The old names that follow no rule.
_IRREGULAR: dict[str, str] = {
    "accept_content": "CELERY_ACCEPT_CONTENT",
    "imports": "CELERY_IMPORTS",
    "include": "CELERY_INCLUDE",
    "timezone": "CELERY_TIMEZONE",
    "result_accept_content": "RESULT_ACCEPT_CONTENT",
    "result_cache_max": "CELERY_MAX_CACHED_RESULTS",
    "result_expires": "CELERY_TASK_RESULT_EXPIRES",
    "database_url": "CELERY_RESULT_DBURI",
    "database_engine_options": "CELERY_RESULT_ENGINE_OPTIONS",
    "database_short_lived_sessions": "CELERY_RESULT_DB_SHORT_LIVED_SESSIONS",
    "database_table_names": "CELERY_RESULT_DB_TABLENAMES",
    "task_compression": "CELERY_MESSAGE_COMPRESSION",
    "task_eager_propagates": "CELERY_EAGER_PROPAGATES_EXCEPTIONS",
    "task_protocol": "CELERY_TASK_PROTOCOL",
    "task_publish_retry": "CELERY_TASK_PUBLISH_RETRY",
    "task_publish_retry_policy": "CELERY_TASK_PUBLISH_RETRY_POLICY",
    "task_send_sent_event": "CELERY_SEND_TASK_SENT_EVENT",
    "task_serializer": "CELERY_TASK_SERIALIZER",
    "task_soft_time_limit": "CELERYD_TASK_SOFT_TIME_LIMIT",
    "task_time_limit": "CELERYD_TASK_TIME_LIMIT",
    "worker_direct": "CELERY_WORKER_DIRECT",
    "worker_disable_rate_limits": "CELERY_DISABLE_RATE_LIMITS",
    "worker_enable_remote_control": "CELERY_ENABLE_REMOTE_CONTROL",
    "worker_lost_wait": "CELERYD_WORKER_LOST_WAIT",
    "worker_redirect_stdouts": "CELERY_REDIRECT_STDOUTS",
    "worker_redirect_stdouts_level": "CELERY_REDIRECT_STDOUTS_LEVEL",
    "worker_send_task_events": "CELERY_SEND_EVENTS",
}


def old_name(name: str) -> str:
    """Return the name that a setting of Celery's had before Celery 4."""
    if name in _IRREGULAR:
        return _IRREGULAR[name]
    beginning = next((room for room in _OLD_PREFIXES if name.startswith(room)), "")
    return _OLD_PREFIXES.get(beginning, "") + name.removeprefix(beginning).upper()
