"""Celery's settings that Horarium knows and does not act on, each with the reason.

They are accepted so that a configuration can be brought along as it is; ``horarium check`` prints the reasons.
"""

from __future__ import annotations

# Celery's names of settings that we have.
ALIASES: dict[str, str] = {"broker_url": "store"}

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
        task_create_missing_queues task_create_missing_queue_type worker_direct worker_detect_quorum_queues""",
    "errors are kept whether the result is ignored or not": "task_store_errors_even_if_ignored",
    "every queue takes the priorities 0 to 9": "task_queue_max_priority",
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
    "revocations and schedules are kept in the store": """
        worker_state_db beat_schedule_filename beat_sync_every beat_scheduler""",
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
        database_table_schemas database_table_names database_create_tables_at_setup cache_backend
        cache_backend_options redis_backend_use_ssl redis_max_connections redis_username redis_password
        redis_socket_timeout redis_socket_connect_timeout redis_socket_keepalive redis_retry_on_timeout""",
    "schedulers need no lock to themselves: the store fires each schedule once": """
        redbeat_redis_url redbeat_redis_options redbeat_redis_use_ssl redbeat_key_prefix redbeat_lock_key
        redbeat_lock_timeout""",
    "it belongs to the process, not to the app: use the command line or the service manager": """
        worker_logfile worker_pidfile worker_uid worker_gid worker_umask worker_executable beat_logfile beat_pidfile
        beat_uid beat_gid beat_umask""",
    "messages are JSON and are not signed": """
        security_key security_key_password security_certificate security_cert_store security_digest""",
    "the texts kept of arguments and errors have bounds of their own": "task_repr_maxlevels",
    "an eager task's result lives in the value that the call returns": "task_store_eager_result",
}

_NOT_YET: dict[str, str] = {
    "name the queues with `horarium worker -Q`": "task_queues",
    "set the options where the task is declared": "task_annotations",
    "tasks run as fast as the slots allow": "task_default_rate_limit worker_disable_rate_limits",
    "give the priority with the call": "task_inherit_parent_priority",
    "failed runs are kept as long as result_expires says": "result_failure_expires",
    "late firings follow each schedule's own catch-up window": "beat_cron_starting_deadline",
    "set worker_log_format and worker_task_log_format": "worker_log_color worker_log_datefmt worker_task_log_datefmt",
    "chords come later": "result_chord_expires task_allow_error_cb_on_chord_header",
}

ACCEPTED: dict[str, str] = {
    name: f"{verdict}: {reason}"
    for verdict, reasons in (("has no effect in Horarium", _NO_EFFECT), ("is not supported yet", _NOT_YET))
    for reason, names in reasons.items()
    for name in names.split()
}
