-- Create or replace schedules, all or none.
-- Parameters: KEYS[1] the namespace; ARGV token of this call; of each: name, version that was read (0: it is new), id,
--   owner, active (0 or 1), next_fire (or ''), last_fire (or ''), total_runs, missed, skipped, succeeded (or ''),
--   failures, ended (or ''), record (JSON)
-- Result: {'conflict', name, version that was read, version found} with nothing done, or {'ok', of each its state}
-- State: version n -> version n + 1, not held; what firings and runs count stays, but that failures may be lowered
-- Safe: a script runs alone; sent twice, the second finds what was saved under its own token, which is no conflict
local K, token, FIELDS = KEYS[1], ARGV[1], 14
--#include calls schedules
local told, versions, names = {'ok'}, {}, {}
for at = 2, #ARGV, FIELDS do names[#names + 1] = ARGV[at] end
learn_states(names)
for at = 2, #ARGV, FIELDS do
  local name, version = ARGV[at], tonumber(ARGV[at + 1])
  local state = state_of(name)
  local before = versions[name] or (state and tonumber(state.version) or 0)
  local is_ours = not versions[name] and before == version + 1 and redis.call('HGET', K .. 'schk', name) == token
  if before ~= version and not is_ours then return {'conflict', name, version, before} end
  versions[name] = version + 1
end
for at = 2, #ARGV, FIELDS do
  local name, failures = ARGV[at], ARGV[at + 11]
  local state = state_of(name)
  if state then
    state.failures = math.min(state.failures, failures)
    state.held = state.held == '' and '' or '0'
  else
    state = {last = ARGV[at + 6], total = ARGV[at + 7], missed = ARGV[at + 8], skipped = ARGV[at + 9], held = '0',
      succeeded = ARGV[at + 10], failures = failures, ended = ARGV[at + 12], was_due = false}
    states[name] = state
    redis.call('ZADD', K .. 'schn', 0, name)
  end
  state.version, state.id, state.owner = ARGV[at + 1] + 1, ARGV[at + 2], ARGV[at + 3]
  state.active, state.next, changed[name] = ARGV[at + 4], ARGV[at + 5], true
  redis.call('HSET', K .. 'sch', name, ARGV[at + 13])
  redis.call('HSET', K .. 'schk', name, token)
  told[#told + 1] = to_text(state)
  if state.owner == 'code' then redis.call('ZADD', K .. 'schc', 0, name) else redis.call('ZREM', K .. 'schc', name) end
  if state.owner == 'table' then redis.call('ZADD', K .. 'scht', 0, name) else redis.call('ZREM', K .. 'scht', name) end
  if redis.call('ZCARD', K .. 'schn') == 1 then redis.call('ZADD', K .. 'schc', 0, '') end  -- see index_schedules.lua
end
write_states()
return told
