"""Every setting that a role or a database can have, with odd values to try and a word on why it changes nothing.

``test_database_settings.py`` fails for a setting that a version of PostgreSQL has and this list hasn't: try it, judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ODD: Sequence[str] = ()
"""The opposite of a switch, and each other value of an enumeration."""


@dataclass(frozen=True, slots=True)
class Group:
    """Settings of one kind that are tried at once: none of them can hide what another breaks."""

    why: str
    """Why none of them changes what our programs do."""
    values: Mapping[str, Sequence[str]]


def _odd(names: str) -> dict[str, Sequence[str]]:
    return dict.fromkeys(names.split(), ODD)


def _all(why: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), why)


def _each(values: Sequence[str], names: str) -> dict[str, Sequence[str]]:
    return dict.fromkeys(names.split(), values)


TRIED: Mapping[str, Group] = {
    "form": Group(
        "each transaction sets those that change how a value is written or read; the rest is of what we don't use",
        {
            "DateStyle": ("SQL, DMY", "German", "Postgres, YMD"),
            "IntervalStyle": ODD,
            "TimeZone": ("Asia/Kathmandu", "America/St_Johns", "<odd>-04:56"),
            "timezone_abbreviations": ("Australia", "India"),
            "client_encoding": ("LATIN1", "SQL_ASCII", "EUC_JP"),
            "extra_float_digits": ("-15", "0", "3"),
            "lc_messages": ("C.UTF-8", "POSIX"),
            "search_path": ("ascent, public", "pg_temp", "system_status, ascent", '"$user"', ""),
            "client_min_messages": ("debug5", "log", "warning", "error"),
            "icu_validation_level": ("disabled", "debug5", "error"),
            "default_text_search_config": ("german",),
            "createrole_self_grant": ("set, inherit",),
            "plpgsql.extra_errors": ("all",),
            "plpgsql.extra_warnings": ("all",),
            **_each(("C.UTF-8", "POSIX"), "lc_monetary lc_numeric lc_time"),
            **_odd(
                "bytea_output standard_conforming_strings quote_all_identifiers array_nulls transform_null_equals "
                "backslash_quote escape_string_warning xmloption xmlbinary row_security check_function_bodies "
                "password_encryption md5_password_warnings "
                "plpgsql.variable_conflict plpgsql.check_asserts plpgsql.print_strict_params lo_compat_privileges"
            ),
        },
    ),
    "transactions": Group(
        "each transaction says its level, its mode and its time-outs; how durable a commit is, is for the owner to say",
        {
            "default_transaction_isolation": ("serializable", "repeatable read", "read uncommitted"),
            "synchronous_commit": ("off", "local", "remote_apply"),
            "commit_siblings": ("0",),
            "commit_delay": ("1000",),
            "deadlock_timeout": ("1",),
            **_each(("1", "2147483647"), "client_connection_check_interval tcp_user_timeout"),
            **_each(("1", "30"), "tcp_keepalives_count tcp_keepalives_idle tcp_keepalives_interval"),
            **_odd(
                "default_transaction_read_only default_transaction_deferrable exit_on_error stats_fetch_consistency "
                "event_triggers"
            ),
        },
    ),
    "plans": Group(
        "they change how rows are found, not which; whoever forbids a plan for a role waits for the others",
        {
            "jit_above_cost": ("0", "-1"),
            "jit_inline_above_cost": ("0", "-1"),
            "jit_optimize_above_cost": ("-1",),
            "constraint_exclusion": ODD,
            "debug_parallel_query": ODD,
            "force_parallel_mode": ODD,
            "plan_cache_mode": ODD,
            "default_toast_compression": ODD,
            "default_statistics_target": ("1",),
            "cursor_tuple_fraction": ("0", "1"),
            "recursive_worktable_factor": ("0.001", "1000000"),
            "geqo_threshold": ("2",),
            "geqo_seed": ("1",),
            "geqo_selection_bias": ("1.5",),
            "geqo_effort": ("1", "10"),
            "effective_cache_size": ("1", "2147483647"),
            "hash_mem_multiplier": ("1", "1000"),
            "work_mem": ("64",),
            "maintenance_work_mem": ("1MB",),
            "temp_buffers": ("100",),
            "gin_pending_list_limit": ("64",),
            "io_combine_limit": ("1",),
            "debug_discard_caches": ("0",),
            "max_stack_depth": ("1MB",),
            "backend_flush_after": ("256",),
            **_each(("1", "5"), "geqo_generations geqo_pool_size"),
            **_each(("1", "2147483647"), "from_collapse_limit join_collapse_limit"),
            **_each(
                ("0", "4"), "max_parallel_workers max_parallel_workers_per_gather max_parallel_maintenance_workers"
            ),
            **_each(("0", "1000"), "effective_io_concurrency maintenance_io_concurrency"),
            **_each(
                ("0", "1e100"),
                "cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost random_page_cost seq_page_cost "
                "parallel_setup_cost parallel_tuple_cost",
            ),
            **_each(("0",), "min_parallel_index_scan_size min_parallel_table_scan_size gin_fuzzy_search_limit"),
            **_odd(
                "enable_async_append enable_bitmapscan enable_distinct_reordering enable_gathermerge "
                "enable_group_by_reordering enable_hashagg enable_hashjoin enable_incremental_sort "
                "enable_indexonlyscan enable_indexscan enable_material enable_memoize enable_mergejoin enable_nestloop "
                "enable_parallel_append enable_parallel_hash enable_partition_pruning enable_partitionwise_aggregate "
                "enable_partitionwise_join enable_presorted_aggregate enable_self_join_elimination enable_seqscan "
                "enable_sort enable_tidscan geqo jit jit_expressions jit_tuple_deforming parallel_leader_participation "
                "synchronize_seqscans"
            ),
        },
    ),
    "server": Group(
        "they say what the server writes down, counts or checks, and how it stores",
        {
            "log_error_verbosity": ODD,
            "log_statement": ODD,
            "log_min_messages": ("panic",),
            "log_min_error_statement": ("panic", "debug5"),
            "compute_query_id": ODD,
            "track_functions": ODD,
            "wal_compression": ("pglz", "on"),
            "file_copy_method": ("copy",),
            "log_statement_sample_rate": ("0",),
            "log_transaction_sample_rate": ("1",),
            "backtrace_functions": ("nothing",),
            "temp_file_limit": ("1GB",),
            "scram_iterations": ("1",),
            "wal_skip_threshold": ("0",),
            "vacuum_buffer_usage_limit": ("0",),
            "default_table_access_method": ("heap",),
            "wal_consistency_checking": ("all",),
            "log_parameter_max_length": ("0", "1"),
            "log_parameter_max_length_on_error": ("-1", "1"),
            **_each(("0",), "log_min_duration_sample log_min_duration_statement log_temp_files"),
            **_odd(
                "debug_pretty_print debug_print_parse debug_print_plan debug_print_rewritten log_duration "
                "log_executor_stats log_lock_failures log_lock_waits log_parser_stats log_planner_stats "
                "log_replication_commands trace_notify trace_sort track_activities track_cost_delay_timing "
                "track_counts track_io_timing track_wal_io_timing update_process_title wal_init_zero "
                "wal_recycle vacuum_truncate "
                "allow_in_place_tablespaces allow_system_table_mods ignore_checksum_failure zero_damaged_pages "
                "jit_dump_bitcode"
            ),
        },
    ),
}

LEFT_OUT: Mapping[str, str] = {
    "application_name": "each connection names itself, and a connection's own name wins",
    "idle_session_timeout": "tests/exporter/test_cut.py: a connection that was cut is replaced",
    **_all(
        "test_our_bounds_of_time_hold_whatever_a_database_has; a short one could end the test itself",
        "statement_timeout lock_timeout transaction_timeout idle_in_transaction_session_timeout",
    ),
    "log_statement_stats": "can't be on together with log_parser_stats, log_planner_stats or log_executor_stats",
    "restrict_nonsystem_relation_kind": "forbids every view: what reads one is refused, as asked for",
    "session_replication_role": "switches off the queue's own triggers as well: its owner has no queue meanwhile",
    "default_tablespace": "where our tables lie is for the owner to say",
    "temp_tablespaces": "as default_tablespace",
    "transaction_isolation": "of one transaction; ours say it",
    "transaction_read_only": "of one transaction; ours say it",
    "transaction_deferrable": "of one transaction; ours say it",
    **_all(
        "what code the server loads",
        "dynamic_library_path extension_control_path extension_destdir "
        "local_preload_libraries session_preload_libraries "
        "output_plugin_libraries",
    ),
    **_all(
        "of replication, which no program of ours takes part in",
        "logical_decoding_work_mem debug_logical_replication_streaming logical_replication_mode wal_sender_timeout",
    ),
    **_all(
        "of vacuum, which no program of ours runs",
        "vacuum_cost_delay vacuum_cost_limit vacuum_cost_page_dirty vacuum_cost_page_hit vacuum_cost_page_miss "
        "vacuum_failsafe_age vacuum_freeze_min_age vacuum_freeze_table_age vacuum_max_eager_freeze_failure_rate "
        "vacuum_multixact_failsafe_age vacuum_multixact_freeze_min_age vacuum_multixact_freeze_table_age",
    ),
}
