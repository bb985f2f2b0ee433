-- Take a schedule whose record or state cannot be read out of those that come due.
-- Parameters: KEYS[1] the namespace; ARGV name, version
-- Result: none
-- State: due -> not due until it is saved anew
-- Safe: only under the version that was found unreadable
local K = KEYS[1]
--#include calls schedules
local state = state_of(ARGV[1])
if state and state.version == ARGV[2] then
  state.active = '0'
  changed[ARGV[1]] = true
  write_states()
elseif not state then
  redis.call('ZREM', K .. 'due', ARGV[1])
end
