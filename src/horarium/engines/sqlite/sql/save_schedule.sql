-- Create or replace a schedule, once its version has been compared.
-- Parameters: :name, :id, :owner, :active, :version, :next_fire, :last_fire, :total_runs, :missed, :record (JSON)
-- Result: none
-- State: (unknown) or version n -> version n + 1; what firings count stays as stored
-- Safe: inside the write transaction that compared the version
INSERT INTO schedules (name, id, owner, active, version, next_fire, last_fire, total_runs, missed, record)
VALUES (:name, :id, :owner, :active, :version, :next_fire, :last_fire, :total_runs, :missed, :record)
ON CONFLICT (name) DO UPDATE
SET id = excluded.id, owner = excluded.owner, active = excluded.active, version = excluded.version,
    next_fire = excluded.next_fire, record = excluded.record
